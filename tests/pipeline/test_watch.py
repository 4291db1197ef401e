"""Alarms: raised for what lasts, with the cause and the remedy, and cleared when it is over."""

from __future__ import annotations

import mmap
import random

import numpy as np
import pytest
from readings import gauge, well

from masquerade.pipeline.leak import LeakDetector
from masquerade.pipeline.statistics import SinkState
from masquerade.pipeline.watch import Watch
from masquerade.runtime.gauges import ProcessGauge


def show(watch, begin_s, end_s, now, reading=None):
    """Show the same twice a second; returns what stands at the end, as kind -> text."""
    for n in range(round((end_s - begin_s) * 2)):
        watch.observe(begin_s + n / 2, now, reading)
    return {alarm.kind: alarm.text for alarm in watch.alarms}


def test_a_stream_that_is_well_raises_nothing():
    assert show(Watch(rate=30), 0, 700, well(), gauge(gpu=0.6)) == {}


def test_a_lasting_fall_of_the_rate_is_told_once_with_cause_and_remedy():
    watch = Watch(rate=30)
    slow = well(fps=18.2, busy=0.99, stages_ms={"detect": 4.0, "swap": 48.0})
    assert show(watch, 0, 5, slow) == {}
    raised = show(watch, 5, 6, slow)
    assert raised == {
        "fps": "Fell to 18 fps, below 25: the step swap takes 48 ms a frame. Take --preset fast, "
        "take a smaller input (--size 640x360) or use a faster provider (`masquerade doctor`)."
    }
    slower = well(fps=14, busy=0.99, stages_ms={"swap": 60.0})
    assert show(watch, 6, 60, slower) == raised  # the same alarm: its words stay
    since_s = watch.alarms[0].since_s
    assert since_s == pytest.approx(5.0)
    assert show(watch, 60, 64, well()) == raised
    assert show(watch, 64, 66, well()) == {}


def test_a_short_fall_is_no_alarm():
    watch = Watch(rate=30)
    for begin_s in range(0, 100, 5):
        assert show(watch, begin_s, begin_s + 4, well(fps=10, busy=1)) == {}
        assert show(watch, begin_s + 4, begin_s + 5, well()) == {}


@pytest.mark.parametrize(("rate", "fps", "raised"), [(24, 24, False), (24, 22, False), (24, 20, 1)])
def test_a_film_camera_is_not_slow(rate, fps, raised):
    alarms = show(Watch(rate=rate), 0, 30, well(fps=fps, source_fps=rate, busy=0.99))
    assert ("fps" in alarms) == bool(raised)


def test_without_an_announced_rate_the_source_is_its_own_measure():
    steady = well(fps=15, source_fps=15)
    watch = Watch(rate=None)
    assert show(watch, 0, 30, steady) == {}
    assert show(watch, 30, 40, well(fps=8, source_fps=15, busy=1))["fps"].startswith(
        "Fell to 8 fps"
    )


def test_alarms_of_the_rate_can_be_turned_off():
    assert show(Watch(rate=30, alarm_fps=0), 0, 30, well(fps=2)) == {}


def test_a_paused_stream_is_not_slow():
    assert show(Watch(rate=30), 0, 30, well(fps=0, paused=True)) == {}


CAUSES = {
    "source": (well(fps=14, source_fps=14), gauge(), ("gives 14 fps", "more light")),
    "stage": (well(fps=14, busy=0.97), gauge(0.6, 0.7), ("step swap takes 12 ms", "--size")),
    "others": (well(fps=14), gauge(0.3, 0.99), ("other programs take 69%", "Close them")),
    "processor": (well(fps=14), gauge(0.95, 0.99), ("the processor is full", "--preset fast")),
    "starved source": (well(fps=14, source_fps=14), gauge(0.97, 0.99), ("processor is full",)),
    "bursts": (well(fps=14), gauge(0.2, 0.3), ("bursts", "cable")),
    "section": (
        well(fps=14, busy=1.0, busiest="finish+swap+detect", stages_ms={"detect": 30, "swap": 28}),
        None,
        ("step finish+swap+detect takes 58 ms",),
    ),
    "unknown stage": (well(fps=10, busy=1.0, busiest="x", stages_ms={}), None, ("takes 100 ms",)),
    "enhancer": (
        well(fps=14, busy=1.0, busiest="enhance", stages_ms={"enhance": 70.0}),
        None,
        ("step enhance takes 70 ms", "Turn the enhancer off"),
    ),
}


@pytest.mark.parametrize("name", CAUSES)
def test_the_numbers_tell_the_cause(name):
    now, reading, said = CAUSES[name]
    text = show(Watch(rate=30), 0, 10, now, reading)["fps"]
    assert all(words in text for words in said), text
    assert text.startswith(f"Fell to {now.fps:.0f} fps, below 25: ")
    assert text.endswith(".")


def test_what_is_done_already_is_not_advised():
    text = show(Watch(rate=30), 0, 10, well(fps=14, busy=1, preset="fast"))["fps"]
    assert "--preset" not in text
    assert "--size" in text


def test_another_cause_is_another_text_but_only_when_it_lasts():
    watch = Watch(rate=30)
    first = show(watch, 0, 10, well(fps=14, busy=1))["fps"]
    camera = well(fps=14, source_fps=14)
    assert show(watch, 10, 39, camera)["fps"] == first
    assert "camera" in show(watch, 39, 42, camera)["fps"]


def test_a_device_that_idles_while_the_processor_is_full_is_a_hint():
    watch = Watch(rate=30)
    assert show(watch, 0, 10, well(), gauge(0.98, 0.99, gpu=0.04)) == {}
    text = show(watch, 10, 12, well(), gauge(0.98, 0.99, gpu=0.04))["device"]
    assert text.startswith("RTX 4080 idles (4%) while the processor is full (99%).")
    assert "provider" in text
    assert show(watch, 12, 20, well(), gauge(0.98, 0.99, gpu=0.7)) == {}


@pytest.mark.parametrize(
    "reading",
    [None, gauge(0.98, 0.99), gauge(0.98, 0.99, gpu=0.5), gauge(0.3, 0.4, gpu=0.02)],
    ids=["no gauge", "no device", "device at work", "nothing to do"],
)
def test_no_hint_without_an_idle_device_and_a_full_processor(reading):
    assert show(Watch(rate=30), 0, 60, well(), reading) == {}


def test_a_source_that_waits_for_long_is_told_and_is_not_called_slow():
    watch = Watch(rate=30)
    lost = well(fps=0, source_fps=0, source="reconnecting to camera.lan")
    assert show(watch, 0, 10, lost) == {}
    alarms = show(watch, 10, 30, lost)
    assert list(alarms) == ["source"]
    assert "(reconnecting to camera.lan)" in alarms["source"]
    assert show(watch, 30, 36, well()) == {}


def test_a_sink_that_died_is_told_at_once_and_stays():
    dead = SinkState("out.mp4", 100, 0, error="No space is left on the disk; free some.")
    alarms = show(Watch(rate=30), 0, 1, well(sinks=(dead,)))
    assert alarms == {"sink out.mp4": "out.mp4 has ended: No space is left on the disk; free some."}


def test_a_sink_that_reconnects_for_long_is_told_without_its_secrets():
    name = "rtmp://user:pw@live.example/app/key-123"
    waiting = SinkState(name, 100, 0, status=f"connecting to {name}")
    watch = Watch(rate=30)
    assert show(watch, 0, 9, well(sinks=(waiting,))) == {}
    (kind, text), *_ = show(watch, 9, 11, well(sinks=(waiting,))).items()
    assert "rtmp://...@live.example/app/..." in text
    assert "pw" not in kind + text
    assert "key-123" not in kind + text
    assert show(watch, 11, 17, well(sinks=(SinkState(name, 500, 0),))) == {}


def test_a_sink_that_loses_frames_is_told():
    watch = Watch(rate=30)
    alarms = {}
    for n in range(40):
        slow = SinkState("udp://127.0.0.1:5000", frames=9 * n, dropped=6 * n)
        alarms = {
            alarm.kind: alarm.text for alarm in watch.observe(n / 2, well(sinks=(slow,)), None)
        }
    assert "loses 40% of the frames" in alarms["sink udp://127.0.0.1:5000"]


def test_alarms_come_oldest_first():
    watch = Watch(rate=30)
    show(watch, 0, 10, well(fps=14, busy=1))
    dead = SinkState("window", 1, 0, error="It was closed.")
    show(watch, 10, 11, well(fps=14, busy=1, sinks=(dead,)))
    assert [alarm.kind for alarm in watch.alarms] == ["fps", "sink window"]


# Memory


def leaks(memory, minutes=33.0):
    """Minutes at which a leak is seen in ``memory(seconds)`` bytes, measured every second."""
    detector = LeakDetector()
    return [
        n / 60
        for n in range(int(minutes * 60))
        if detector.observe(float(n), int(memory(n))) is not None
    ]


MB = 1e6
_CHANCE = random.Random(4)
HONEST = {
    "steady": lambda s: 300 * MB,
    "noise": lambda s: 300 * MB + _CHANCE.gauss(0, 5 * MB),
    "sawtooth of seconds": lambda s: 300 * MB + 2 * MB * (s % 20),
    "sawtooth of minutes": lambda s: 300 * MB + 0.3 * MB * (s % 200),
    "one step": lambda s: 300 * MB + (60 * MB if s > 700 else 0),
    "two steps": lambda s: 300 * MB + 40 * MB * ((s > 500) + (s > 800)),
    "a cache that fills": lambda s: 300 * MB - 80 * MB * 0.5 ** (s / 100),
    "memory given back": lambda s: 400 * MB - 0.05 * MB * s,
    "below one percent in ten minutes": lambda s: 300 * MB + 3 * MB * s / 660,
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_memory_raises_no_alarm(name):
    assert leaks(HONEST[name]) == []


@pytest.mark.parametrize(
    ("mb_a_minute", "found_within"), [(90, 4.5), (5, 7.5), (1.2, 12.5), (0.6, 32.5)]
)
def test_a_leak_is_found_the_sooner_the_faster_it_is(mb_a_minute, found_within):
    def memory(s):
        return 300 * MB + mb_a_minute * MB * s / 60 + _CHANCE.gauss(0, 0.2 * MB) + MB * (s % 3)

    seen = leaks(memory, minutes=found_within)
    assert seen
    assert seen[0] > 3.9  # two minutes of warm-up, two of looking


def test_a_leak_that_begins_late_is_found():
    seen = leaks(lambda s: 300 * MB + max(0, s - 900) * 0.2 * MB)
    assert 15 < seen[0] < 20


def test_a_real_leak_of_this_process_is_told():
    watch, kept, text = Watch(rate=30, leak_warm_up_s=0), [], ""
    with ProcessGauge() as real:
        for n in range(80):
            block = mmap.mmap(-1, 2_000_000)  # not from memory that was freed before
            block.write(bytes(2_000_000))  # two megabytes every five seconds
            kept.append(block)
            reading = real.read()
            now = well(rss_bytes=reading.rss_bytes)
            for alarm in watch.observe(5.0 * n, now, None):
                text = alarm.text
    assert text.startswith("Memory has grown by ")
    grown = float(text.split()[4])
    assert grown == pytest.approx(24, rel=0.15)
    assert "--version" in text


def test_the_same_work_without_the_leak_is_not():
    watch = Watch(rate=30, leak_warm_up_s=0)
    with ProcessGauge() as real:
        for n in range(80):
            block = np.ones(2_000_000, np.uint8)
            reading = real.read()
            del block
            assert not watch.observe(5.0 * n, well(rss_bytes=reading.rss_bytes), None)


def test_a_leak_that_ends_clears_its_alarm():
    watch = Watch(rate=30)

    def at(minute):
        memory = 300 * MB + 20 * MB * min(minute, 10)
        for n in range(12):
            seconds = 60 * minute + 5 * n
            watch.observe(seconds, well(rss_bytes=int(memory + 20 * MB * n / 12 * (minute < 10))))
        return [alarm.kind for alarm in watch.alarms]

    states = [at(minute) for minute in range(50)]
    assert states[9] == ["leak"]
    assert states[49] == []
