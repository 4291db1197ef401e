"""bench and tune as commands: real figures, refusals, and a profile that is kept."""

from __future__ import annotations

import json

import pytest

from masquerade.apps.commands import bench, tune
from masquerade.apps.profile import Profile, read_profile
from masquerade.testing.networks.functional import fill_library


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "home"))


def test_a_scenario_is_measured(run):
    done = run("bench", "--scenario", "mesh/480p", "--seconds", "1", "--json")
    assert done.code == 0, done.err
    row, closing = (json.loads(line) for line in done.out.strip().splitlines())
    assert row["scenario"] == "mesh/480p/balanced"
    assert row["fps"] > 1
    assert row["live_fps"] > 0
    assert row["p95_ms"] >= row["p50_ms"] > 0
    assert 100 < row["rss_mb"] < 2000
    assert {"detect", "track", "swap"} <= set(row["stages_ms"])
    assert closing["measured"] == [row]
    assert "RTX 4090" in done.err


def test_installed_models_are_scenarios(run):
    from masquerade.models.library import Library

    fill_library(Library(), ["inswapper_128", "gfpgan_1.4"])
    done = run("bench", "--list")
    assert "inswapper_128/every/720p/balanced" in done.out
    assert "inswapper_128+gfpgan_1.4/auto/720p/balanced" in done.out


def test_a_scenario_that_is_not_there(run):
    done = run("bench", "--scenario", "mesh/8k")
    assert (done.code, "mesh/480p/balanced" in done.err) == (2, True)


def test_a_scenario_that_fails_costs_no_other(run, monkeypatch):
    def measure(scenario, _seconds, _words):
        if scenario.size == "480p":
            return {"scenario": scenario.name, "error": "It does not fit.", "ok": False}
        return figures(scenario.name, fps=50.0)

    monkeypatch.setattr(bench, "measure_apart", measure)
    done = run("bench", "--scenario", "mesh/480p", "--scenario", "mesh/720p/fast")
    assert done.code == 0
    assert "It does not fit." in done.err
    assert "failed" in done.out
    assert "50.0" in done.out


@pytest.fixture
def figures_by_words(monkeypatch):
    def measure(scenario, _seconds, words):
        threads = int(words[words.index("--execution-threads") + 1])
        slow = scenario.preset == "quality"
        return figures(scenario.name, fps=40.0 * threads, p95_ms=400.0 if slow else 40.0)

    monkeypatch.setattr(tune, "measure_apart", measure)
    monkeypatch.setattr(tune, "_cores", lambda: 2)


def test_what_won_is_kept_and_can_be_forgotten(run, figures_by_words):
    done = run("tune", "--json")
    assert done.code == 0, done.err
    assert read_profile().defaults() == {"threads": 2, "preset": "balanced"}
    assert any("80.0 fps" in note for note in read_profile().notes)
    done = run("tune", "--reset")
    assert done.code == 0
    assert read_profile() == Profile()


def test_a_dry_run_writes_nothing(run, figures_by_words):
    done = run("tune", "--dry-run")
    assert (done.code, "Nothing was written" in done.out) == (0, True)
    assert read_profile() == Profile()


def figures(name, **changes):
    row = {
        "scenario": name,
        "fps": 30.0,
        "live_fps": 30.0,
        "p50_ms": 20.0,
        "p95_ms": 30.0,
        "dropped": 0.0,
        "rss_mb": 400.0,
        "vram_mb": None,
        "stages_ms": {"swap": 8.0},
    }
    return row | changes
