"""The governor on simulated devices: it helps, it comes back, and it does not flap."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loaded_device import KNOBS, Device, play

from masquerade.core.errors import SettingsError
from masquerade.pipeline.governor import Governor
from masquerade.pipeline.knobs import Knob
from masquerade.pipeline.load import Load
from masquerade.pipeline.presets import PRESETS, Preset, find_preset

BALANCED = PRESETS["balanced"]


def square(period_s, high=2.0, low=0.8):
    return lambda now_s: high if now_s % period_s < period_s / 2 else low


def load(now_s, **changes):
    calm = {
        "p95_ms": 40.0,
        "queue_age_ms": 0.0,
        "source_fps": 30.0,
        "output_fps": 30.0,
        "dropped": 0,
        "busy": 0.5,
        "period_ms": 1000 / 30,
    }
    return Load(now_s=now_s, **{**calm, **changes})


def watch(governor, begin_s, end_s, **changes):
    """Show the same load twice a second; returns the turns."""
    steps = range(int((end_s - begin_s) * 2))
    return [turn for n in steps for turn in governor.observe(load(begin_s + n / 2, **changes))]


def test_resolution_steps_down_under_load_and_comes_back_after_it():
    device = Device(load=lambda now_s: 2.0 if 10 <= now_s < 30 else 1.0)
    trace = play(Governor(KNOBS, BALANCED), device, 60)
    assert not trace.turns_between(0, 10)
    assert trace.level_at(20, "resolution") == 1
    resolution = [turn.value for _, turn in trace.turns if turn.name == "resolution"]
    assert resolution == [0.75, 1.0]  # down once, up once
    assert trace.levels[-1][1] == {}
    assert len(trace.turns) <= 7
    eased_fps = [item.output_fps for item in trace.loads if 22 <= item.now_s < 30]
    assert min(eased_fps) > 29.5  # the load is still there, and yet the line keeps up
    loaded_fps = [item.output_fps for item in trace.loads if 13 <= item.now_s < 17]
    assert max(loaded_fps) < 27  # before the resolution was turned it did not


def test_a_load_that_ends_with_the_turn_is_not_taken_for_what_the_turn_saved():
    ends_s = None

    def load_until_the_turn(now_s):
        nonlocal ends_s
        if ends_s is None and governor.eased:
            ends_s = now_s
        return 2.0 if ends_s is None else 0.9

    knob = Knob("resolution", (1.0, 0.75, 0.5))
    governor = Governor(
        [knob, *KNOBS[:2]], Preset(name="one", p95_ms=90, steps=(("resolution", 0.75),))
    )
    trace = play(governor, Device(load=load_until_the_turn), 75)
    assert [turn.value for _, turn in trace.turns] == [0.75, 1.0]


@pytest.mark.parametrize("fps", [30, 60])
def test_a_device_that_keeps_up_is_left_alone(fps):
    device = Device(source_fps=fps, swap_ms=0.7 * 1000 / fps, search_ms=10, detect_ms=1)
    assert not play(Governor(KNOBS, BALANCED), device, 60).turns


def test_more_frames_than_are_planned_are_no_load():
    trace = play(Governor(KNOBS, BALANCED), Device(source_fps=60, planned_fps=30), 20)
    assert sum(item.dropped for item in trace.loads) > 500
    assert not trace.turns


@pytest.mark.parametrize("fps", [30, 60])
@pytest.mark.parametrize("over", [1.0, 1.02, 1.05, 1.15])
def test_load_between_two_levels_settles_and_stays(fps, over):
    device = Device(source_fps=fps, swap_ms=over * 1000 / fps, detect_ms=2, search_ms=10)
    trace = play(Governor(KNOBS, BALANCED), device, 90)
    assert len(trace.turns_between(0, 30)) <= 6
    late = trace.turns_between(30, 90)
    assert len(late) <= 2  # a line that is exactly full fills its queues slowly
    assert len({turn.name for turn in late}) == len(late)
    assert sum(item.dropped for item in trace.loads[60:]) <= 0.03 * 60 * fps


@pytest.mark.parametrize("period_s", [2, 5, 10, 20, 30])
def test_a_square_wave_of_load_is_not_followed_for_ever(period_s):
    trace = play(Governor(KNOBS, BALANCED), Device(load=square(period_s)), 120)
    assert len(trace.turns_between(0, 60)) <= 12
    assert len(trace.turns_between(60, 120)) <= 8
    seen = [turn for turn in trace.turns_between(0, 120) if turn.name == "resolution"]
    assert len(seen) <= 7  # what is seen hardly moves, though the load does twice a period


@given(
    detect_ms=st.floats(1, 40),
    track_ms=st.floats(1, 40),
    swap_ms=st.floats(1, 80),
    search_ms=st.floats(0, 60),
    fps=st.sampled_from([15, 24, 30, 60]),
    noise=st.floats(0, 0.25),
    preset=st.sampled_from(list(PRESETS.values())),
    seed=st.integers(0, 1000),
)
@settings(max_examples=12, deadline=None)
def test_constant_load_is_answered_once(
    detect_ms, track_ms, swap_ms, search_ms, fps, noise, preset, seed
):
    device = Device(
        detect_ms=detect_ms,
        track_ms=track_ms,
        swap_ms=swap_ms,
        search_ms=search_ms,
        source_fps=fps,
        noise=noise,
        seed=seed,
    )
    trace = play(Governor(KNOBS, preset), device, 100)
    assert len(trace.turns_between(0, 60)) <= 12
    assert len(trace.turns_between(60, 100)) <= 3


def test_a_step_that_was_given_back_too_soon_waits_twice_as_long():
    knob = Knob("resolution", (1.0, 0.5))
    governor = Governor([knob], Preset(name="one", p95_ms=90, steps=(("resolution", 0.5),)))
    now_s, waits = 0.0, []
    for _ in range(4):  # the load comes back whenever the picture gets better
        down = []
        while not down:
            down = governor.observe(load(now_s, busy=1.0, output_fps=25.0, dropped=3))
            now_s += 0.5
        eased_s, up = now_s, []
        while not up:
            up = governor.observe(load(now_s, busy=0.3, p95_ms=20))
            now_s += 0.5
        waits.append(now_s - eased_s)
    settling_s = waits[0] - 6.0
    assert settling_s <= 4.0
    assert [wait_s - settling_s for wait_s in waits] == pytest.approx([6, 12, 24, 48])


def test_a_step_that_saves_nothing_is_undone():
    device = Device(detect_ms=50, search_ms=0, track_ms=2, swap_ms=2, noise=0.02)
    trace = play(Governor(KNOBS, BALANCED), device, 120)
    assert trace.level_at(20, "resolution") == 2
    assert trace.level_at(120, "resolution") == trace.level_at(120, "looks") == 0
    undone = [turn for _, turn in trace.turns if turn.reason == "it saved nothing"]
    assert {turn.name for turn in undone} >= {"looks", "resolution"}
    assert len(trace.turns) <= 12


def test_bursts_of_the_source_turn_nothing():
    governor = Governor(KNOBS, BALANCED)
    assert not watch(governor, 0, 30, dropped=4, output_fps=22, busy=0.4)


def test_one_bad_moment_turns_nothing():
    governor = Governor(KNOBS, BALANCED)
    for second in range(0, 60, 5):
        assert not watch(governor, second, second + 4)
        assert not watch(governor, second + 4, second + 5, p95_ms=400, busy=1.0)


def test_a_stalled_source_is_no_load_and_forgets_what_was():
    governor = Governor(KNOBS, BALANCED)
    assert not watch(governor, 0, 3, busy=1.0, output_fps=20, dropped=5)
    assert not watch(governor, 3, 10, source_fps=0, output_fps=0, busy=0, p95_ms=500)
    assert not watch(governor, 10, 12.5, busy=1.0, output_fps=20, dropped=5)
    assert watch(governor, 12.5, 14, busy=1.0, output_fps=20, dropped=5)


def test_frames_that_wait_are_a_load():
    turn = watch(Governor(KNOBS, BALANCED), 0, 5, queue_age_ms=300)[0]
    assert (turn.name, turn.value, turn.level) == ("search", 20, 1)
    assert turn.reason == "a frame has waited 300 ms"


def test_a_slow_camera_may_take_two_of_its_frame_times():
    slow = {"source_fps": 10, "output_fps": 10, "period_ms": 100}
    assert not watch(Governor(KNOBS, BALANCED), 0, 20, p95_ms=190, **slow)
    assert watch(Governor(KNOBS, BALANCED), 0, 20, p95_ms=210, **slow)


def test_presets_differ_in_what_they_give_up_on_the_same_device():
    ends = {}
    for name, preset in PRESETS.items():
        governor = Governor(KNOBS, preset)
        trace = play(governor, Device(load=lambda _now_s: 2.6), 40)
        tail = trace.loads[-20:]
        ends[name] = (governor.values, sum(item.dropped for item in trace.loads), tail[-1].p95_ms)
    assert ends["quality"][0]["resolution"] == 1.0
    assert ends["fast"][0]["resolution"] == ends["balanced"][0]["resolution"] == 0.5
    assert ends["fast"][1] < ends["balanced"][1] < ends["quality"][1] / 2
    assert ends["fast"][2] < ends["quality"][2] / 3


def test_presets_bound_the_knobs():
    values = {name: Governor(KNOBS, preset).values for name, preset in PRESETS.items()}
    assert values["fast"] == {"search": 20, "looks": 1, "resolution": 0.75}
    assert values["balanced"] == values["quality"] == {"search": 10, "looks": 1, "resolution": 1.0}
    assert PRESETS["fast"].p95_ms < PRESETS["balanced"].p95_ms < PRESETS["quality"].p95_ms
    for name, preset in PRESETS.items():
        governor = Governor(KNOBS, preset)
        watch(governor, 0, 18, p95_ms=900)
        deepest = {"fast": 0.5, "balanced": 0.5, "quality": 1.0}[name]
        assert governor.values["resolution"] == deepest


def test_fast_does_not_climb_above_its_start():
    governor = Governor(KNOBS, PRESETS["fast"])
    assert governor.eased == {"search": 1, "resolution": 1}
    assert not watch(governor, 0, 120, busy=0.05, p95_ms=10)


def test_another_preset_turns_the_knobs_to_its_start():
    governor = Governor(KNOBS, BALANCED)
    watch(governor, 0, 8, p95_ms=900)
    assert governor.eased == {"search": 1, "looks": 1}
    turns = governor.use(PRESETS["fast"])
    assert [(turn.name, turn.value) for turn in turns] == [("looks", 1), ("resolution", 0.75)]
    assert governor.preset.name == "fast"
    assert [(turn.name, turn.value) for turn in governor.use(PRESETS["quality"])] == [
        ("search", 10),
        ("resolution", 1.0),
    ]


def test_knobs_that_are_not_there_are_left_out():
    governor = Governor([Knob("resolution", (1.0, 0.75, 0.5))], BALANCED)
    turns = watch(governor, 0, 10, p95_ms=900)
    assert [(turn.name, turn.value) for turn in turns] == [
        ("resolution", 0.75),
        ("resolution", 0.5),
    ]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: find_preset("fats"), "choose one of fast, balanced, quality"),
        (lambda: Knob("resolution", ()), "give different values"),
        (lambda: Governor([Knob("search", (10, 30))], BALANCED), "choose one of 10, 30"),
        (
            lambda: Governor(KNOBS, Preset(name="odd", p95_ms=1, steps=(("search", 10),))),
            "from the best to the cheapest",
        ),
    ],
)
def test_wrong_knobs_and_presets_are_told(make, said):
    with pytest.raises(SettingsError, match=said):
        make()
