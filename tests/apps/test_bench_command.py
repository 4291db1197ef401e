"""bench as a command: real figures and refusals."""

from __future__ import annotations

import json

import pytest
from bench_figures import figures

from masquerade.apps.commands import bench
from masquerade.models.library import Library
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
    assert (row["networks"], row["notices"]) == ([], [])
    assert closing["measured"] == [row]
    assert "RTX 4090" in done.err


def test_installed_models_are_scenarios(run):
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


def test_a_provider_that_is_not_there_ends_it_before_anything_is_measured(run, monkeypatch):
    monkeypatch.setattr(bench, "measure_apart", None)
    done = run("bench", "--execution-provider", "cuda")
    assert (done.code, "pip install 'masquerade[cuda]'" in done.err) == (8, True)


def test_where_all_fail_the_exit_code_says_why(run):
    done = run("bench", "--scenario", "hyperswap_1a_256/every/480p/fast", "--seconds", "0.5")
    assert (done.code, "masquerade models pull hyperswap_1a_256" in done.err) == (8, True)
