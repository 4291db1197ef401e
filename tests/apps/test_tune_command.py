"""tune as a command: what wins is kept, what fails is not, brought networks are measured anew."""

from __future__ import annotations

import json

import pytest
from bench_figures import figures

from masquerade.apps.commands import tune
from masquerade.apps.profile import Profile, read_profile
from masquerade.core.folders import cache_folder
from masquerade.models.library import Library
from masquerade.runtime.remembered import Remembered
from masquerade.testing.networks.functional import fill_library


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "home"))


def test_tune_tries_a_brought_swapper_and_measures_its_ways_anew(run, monkeypatch):
    """Real networks in processes of their own; of the built-in swapper other tests tell."""
    library = Library()
    fill_library(library, ["inswapper_128", "gpen_bfr_256"])
    digest = library.find("inswapper_128").main.sha256
    known = Remembered(digest)
    known.put("ms cpu fp32, of long ago", 1.0)
    known.put("taken", 5)
    measure = tune.measure_apart

    def apart(scenario, seconds, words):
        if scenario.swapper == "mesh":
            return figures(scenario.name)
        return measure(scenario, seconds, words)

    monkeypatch.setattr(tune, "measure_apart", apart)
    monkeypatch.setattr(tune, "_cores", lambda: 1)
    done = run("tune", "--seconds", "0.5", "--json")
    assert done.code == 0, done.err
    assert "networks are measured anew" in done.err
    rows = [row for row in done.json["measured"] if not row["scenario"].startswith("mesh")]
    assert {row["scenario"] for row in rows} == {"inswapper_128/every/480p/balanced"}
    assert not any("error" in row for row in rows), rows
    ways = {row["networks"][0] for row in rows}
    assert ways <= {"inswapper_128 (fp32, cpu)", "inswapper_128 (fp32, openvino)"}
    profile = read_profile()
    assert (profile.precision, profile.threads) == ("fp32", 1)
    assert profile.provider in {row["chosen"]["provider"] for row in rows}
    assert known.get("ms cpu fp32, of long ago") is None
    assert known.get("taken") == 5, "other facts are kept"
    facts = json.loads((cache_folder() / "networks/facts" / f"{digest[:40]}.json").read_text())
    assert any(name.startswith("ms cpu fp32, ") for name in facts), "and it was measured anew"


def test_what_could_not_be_measured_is_not_chosen(run, monkeypatch):
    def apart(scenario, _seconds, _words):
        if scenario.preset == "balanced" and scenario.size == "720p":
            return figures(scenario.name, fps=40.0, dropped=0.5)
        return {"scenario": scenario.name, "error": "It broke."}

    monkeypatch.setattr(tune, "measure_apart", apart)
    monkeypatch.setattr(tune, "_cores", lambda: 1)
    done = run("tune", "--json")
    assert done.code == 0, done.err
    assert read_profile().preset == "balanced", "the only one that could be measured"
    assert "1 thread: 40.0 fps" in read_profile().notes[0]


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


def test_a_named_profile_becomes_the_default_with_the_threads_of_this_machine(
    run, figures_by_words
):
    done = run("tune", "--profile", "edge", "--json")
    assert done.code == 0, done.err
    assert [row["chosen"] for row in done.json["measured"]] == [{"threads": 1}, {"threads": 2}]
    assert read_profile().defaults() == {
        "threads": 2,
        "preset": "fast",
        "precision": "int8",
        "refresh": "auto",
        "detector": "det_500m",
        "detect_size": "320x240",
    }
