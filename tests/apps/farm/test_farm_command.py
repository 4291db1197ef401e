"""``masquerade farm``, with real films and real processes."""

from __future__ import annotations

import json
import time

from farm_jobs import MONA, same_film
from talking_film import packets, pictures_of

from masquerade.apps.cli import main
from masquerade.apps.farm.status import show
from masquerade.apps.jobs.job import JobSpec


def test_a_film_keeps_its_frames_and_its_sound(film, undisturbed):
    assert len(pictures_of(undisturbed)) == 120
    assert packets(undisturbed, "audio") == packets(film, "audio")
    assert main(["inspect", str(undisturbed)]) in (0, 20)
    assert [path.name for path in undisturbed.parent.iterdir()] != []
    assert not list(undisturbed.parent.glob(".*"))


def test_submit_run_status_and_logs(run, job_file, tmp_path, undisturbed):
    path = job_file()
    submitted = run("farm", "submit", path, "--json")
    assert submitted.code == 0, submitted.err
    job_id = submitted.json["jobs"][0]["id"]
    assert run("farm", "status", "--json").json["jobs"][0]["state"] == "waiting"
    again = run("farm", "submit", path)
    assert (again.code, "is the output of job" in again.err) == (10, True)
    done = run("farm", "run", "--workers", "1", "--json")
    assert done.code == 0, done.err
    assert done.json["jobs"][0]["report"]["frames"] == 120
    assert same_film(tmp_path / "out/film.mp4", undisturbed)
    lines = run("farm", "logs", job_id[:6], "--json").json["lines"]
    assert [line["text"].split(":")[0] for line in lines] == [
        "scout", *(f"segment {number}" for number in range(1, 5)), "join",
    ]  # fmt: skip
    assert "done" in run("farm", "status", job_id[:6]).out
    exists = run("farm", "submit", path)
    assert (exists.code, "exists already" in exists.err) == (6, True)
    assert f"{path}, line 1: " in exists.err


def test_a_dry_run_estimates_and_submits_nothing(run, job_file, tmp_path):
    found = run("farm", "submit", job_file(), "--dry-run", "--json")
    assert found.code == 0, found.err
    item = found.json["items"][0]
    assert (item["frames"], item["pieces"]) == (120, 5)
    assert 0 < found.json["output_bytes"] < found.json["peak_bytes"] < 10_000_000
    assert found.json["seconds"] > 0
    assert not (tmp_path / "out").exists()
    assert run("farm", "status", "--json").json["jobs"] == []


def test_cancel_and_retry(run, job_file):
    run("farm", "submit", job_file())
    assert run("farm", "cancel").code == 2
    assert run("farm", "cancel", "abc").code == 10
    job_id = run("farm", "cancel", "--all", "--json").json["jobs"][0]
    assert "Name" not in run("farm", "run").err
    assert run("farm", "status", "--json").json["jobs"][0]["state"] == "cancelled"
    assert run("farm", "cancel", job_id).code == 10
    assert run("farm", "retry", job_id[:8], "--fresh").code == 0
    assert run("farm", "status", "--json").json["jobs"][0]["state"] == "waiting"


def test_a_thousand_jobs_are_listed_in_a_moment(store, film, tmp_path, run):
    specs = [
        (
            JobSpec(
                name="film.mp4", target=film, output=tmp_path / f"{n}.mp4", donors={"m": (MONA,)}
            ),
            0,
        )
        for n in range(1000)
    ]
    store.add_farm(specs)
    times = []
    for _ in range(5):
        began_s = time.perf_counter()
        text = show(store.newest(1000, lane="farm"))
        times.append(time.perf_counter() - began_s)
    assert text.endswith("1000 waiting")
    assert min(times) < 0.1
    assert len(json.loads(run("farm", "status", "--json", "--limit", 1000).out)["jobs"]) == 1000
