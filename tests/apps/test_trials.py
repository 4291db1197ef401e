"""What bench and tune choose from figures, and the scenarios that there are."""

from __future__ import annotations

import pytest

from masquerade.apps.bench.busy import busy_notice
from masquerade.apps.bench.clip import Camera, Film, render_pictures
from masquerade.apps.bench.scenario import Scenario, all_scenarios, find_scenario
from masquerade.apps.bench.trials import (
    best_preset,
    best_row,
    model_trials,
    preset_trials,
    thread_trials,
)
from masquerade.core.errors import SettingsError
from masquerade.testing import assert_source_contract

BOUNDS = {"quality": 150, "balanced": 90, "fast": 60}


def test_a_busy_machine_is_told_before_it_is_measured():
    assert busy_notice(lambda: (0.4, 9.0, 9.0), cores=2) == "", "what was is over"
    assert "3.0 of the 2 cores" in busy_notice(lambda: (3.0, 0.0, 0.0), cores=2)
    assert isinstance(busy_notice(), str)


def test_a_thread_more_must_be_worth_it():
    rows = [{"fps": 60.0}, {"fps": 61.0}, {"fps": 70.0}, {"error": "no memory"}]
    assert best_row(rows) == {"fps": 70.0}
    assert best_row(rows[:2]) == {"fps": 60.0}
    assert best_row([{"error": "x"}]) is None


def test_the_best_picture_that_keeps_up():
    rows = {
        "quality": {"p95_ms": 160, "dropped": 0.0},
        "balanced": {"p95_ms": 80, "dropped": 0.0},
        "fast": {"p95_ms": 50, "dropped": 0.0},
    }
    assert best_preset(rows, BOUNDS) == "balanced"
    rows["balanced"]["dropped"] = 0.2
    assert best_preset(rows, BOUNDS) == "fast"
    rows["fast"] = {"error": "x"}
    assert best_preset(rows, BOUNDS) == "balanced", "the last that could be measured"
    assert best_preset({key: {"error": "x"} for key in BOUNDS}, BOUNDS) is None


def test_trials_stay_within_the_cores():
    assert [trial.chosen["threads"] for trial in thread_trials(1)] == [1]
    assert [trial.chosen["threads"] for trial in thread_trials(6)] == [1, 2, 4]
    assert {trial.scenario.preset for trial in preset_trials(2)} == set(BOUNDS)
    scenario = Scenario("inswapper_128", size="480p", refresh="every")
    trials = model_trials(scenario, ["cpu", "openvino"], ["fp32", "int8"])
    assert [trial.scenario for trial in trials] == [scenario] * 4
    assert trials[-1].words == ("--execution-provider", "openvino", "--precision", "int8")


def test_scenarios_are_found_by_name_or_its_beginning():
    scenarios = all_scenarios(["inswapper_128"], ["gfpgan_1.4"])
    names = [item.name for item in scenarios]
    assert len(set(names)) == len(names)
    assert "mesh/720p/balanced" in names
    assert "inswapper_128+gfpgan_1.4/auto/720p/balanced" in names
    assert find_scenario("mesh/480p/balanced", scenarios) == [Scenario(size="480p")]
    assert len(find_scenario("inswapper_128/", scenarios)) == 2
    with pytest.raises(SettingsError, match="mesh/480p"):
        find_scenario("other", scenarios)


def test_a_scenario_that_is_not_listed_may_be_spelled_out():
    """What `tune` tries is measured by name in a process of its own."""
    for scenario in (
        Scenario("inswapper_128", size="480p", refresh="every"),
        Scenario("a", ("b", "c"), "1080p", "12", "quality", "det_10g"),
        Scenario(enhancers=("gfpgan_1.4",)),
        *all_scenarios(["a"], ["b"], ["det_500m"]),
    ):
        assert Scenario.named(scenario.name) == scenario
        assert scenario in find_scenario(scenario.name, [])
    for name in ("", "mesh", "mesh/720p", "mesh/720p/slow", "mesh/8k/fast", "a//720p/fast"):
        assert Scenario.named(name) is None
    for name in ("a+/auto/720p/fast", "a@/auto/720p/fast", "mesh/auto/720p/fast"):
        assert Scenario.named(name) is None, "not as it would be written"
    with pytest.raises(SettingsError, match="SWAPPER"):
        find_scenario("mesh/8k/fast", [])


def test_the_film_and_the_camera_are_sources():
    pictures = render_pictures((160, 120), 3)
    assert_source_contract(lambda: Film(pictures, 5))
    frames = list(Camera(pictures, 0.2))
    assert [frame.seq for frame in frames] == [0, 1, 2, 3, 4, 5]
    assert all(frame.captured_s for frame in frames)
