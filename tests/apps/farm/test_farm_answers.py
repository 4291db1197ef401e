"""Workers, nodes and folders that say what makes no sense: done again, or a sentence."""

from __future__ import annotations

import json

import pytest
from farm_jobs import PaperExecutor, add_job

from masquerade.apps.farm import local
from masquerade.apps.farm.answers import checked_report, node_event, worker_event
from masquerade.apps.farm.driver import Driver
from masquerade.apps.farm.executor import Done, Failed, Lost, Said, Told
from masquerade.apps.farm.journal import Journal
from masquerade.apps.farm.local import LocalExecutor
from masquerade.apps.farm.ray_arrival import Arrival
from masquerade.apps.farm.share import Share
from masquerade.apps.farm.task import Task
from masquerade.apps.farm.work_folder import WorkFolder
from masquerade.apps.jobs.job import Failure
from masquerade.core.errors import JobError, RuntimeSetupError
from masquerade.pipeline.report import Tally

REPORT = {"counts": Tally().counts(), "seconds": 1.0, "warnings": []}


def test_answers_are_read():
    told = {"kind": "told", "task": "a", "done": 3, "total": None}
    assert worker_event(json.dumps(told).encode(), "n") == Told("a", 3, None)
    failed = {"kind": "failed", "task": "a", "error": "JobError", "message": "No."}
    assert worker_event(json.dumps(failed).encode(), "n").failure == Failure("JobError", "No.")
    assert node_event("a", {"node": "n", "result": {}}) == Done("a", "n", {})
    assert isinstance(node_event("a", {"node": "n", "failed": ["JobError", "No."]}), Failed)


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b"{}", b'{"kind": "done", "task": "a"}', b'{"kind": "odd", "task": "a"}',
     b'{"kind": "told", "task": "a", "done": "3"}', b"[" * 100_000, b"\xff"],
)  # fmt: skip
def test_what_is_no_answer_is_refused(line):
    with pytest.raises(ValueError):
        worker_event(line, "n")


@pytest.mark.parametrize(
    "change",
    [{"counts": {}}, {"seconds": "1"}, {"seconds": float("nan")}, {"warnings": [1]},
     {"failed": [{}]}, {"failed": 5}, {"counts": {**Tally().counts(), "frames": -1}}],
)  # fmt: skip
def test_what_is_no_report_is_refused(change):
    assert checked_report(REPORT) == REPORT
    with pytest.raises(ValueError):
        checked_report({**REPORT, **change})


def test_a_worker_that_talks_nonsense_is_stopped_and_its_task_given_back(
    monkeypatch, store, film, tmp_path
):
    babbler = tmp_path / "python"
    babbler.write_text("#!/bin/sh\nread task\necho 'hello, I am'\nsleep 60\n")
    babbler.chmod(0o755)
    monkeypatch.setattr(local.sys, "executable", str(babbler))
    spec = add_job(store, film, tmp_path / "out.mp4").spec
    events = []
    with LocalExecutor(Share(1)) as executor:
        executor.submit(Task(job_id="a", step="whole", spec=spec, folder=tmp_path))
        while not any(isinstance(event, Lost) for event in events):
            events += executor.results(1.0)
    said = [event.text for event in events if isinstance(event, Said)]
    assert any("makes no sense" in text for text in said)


@pytest.mark.parametrize("result", [{}, {"plan": "{}", "words": "x"}, {"plan": 1, "words": "x"}])
def test_a_step_that_returns_nonsense_fails_its_job_alone(store, film, tmp_path, result):
    class Odd(PaperExecutor):
        def submit(self, task):
            odd = task.step == "scout" and task.job_id == bad.id
            if odd:
                self.events.append(Done(task.id, "there", result))
            else:
                super().submit(task)

    bad, good = (add_job(store, film, tmp_path / f"{name}.mp4") for name in ("bad", "good"))
    outcome = Driver(store, Odd()).run()
    assert [job.id for job in outcome.done] == [good.id]
    assert [job.id for job in outcome.failed] == [bad.id]


def test_a_damaged_beginning_fails_its_job_with_a_sentence(store, film, tmp_path):
    job = add_job(store, film, tmp_path / "out.mp4")
    Journal(store).begin(job.id, {"inputs": {}, "facts": {}})
    Driver(store, PaperExecutor()).run()
    assert "retry it with --fresh" in store.get(job.id).failure.message
    with pytest.raises(JobError, match="is damaged"):
        Journal(store).begun_with(job.id)


def test_damaged_reports_in_the_folder_are_no_finished_pieces(tmp_path):
    folder = WorkFolder(tmp_path)
    folder.segment(0, ".mp4").write_bytes(b"piece")
    for text in ("", "[]", '{"bytes": 5}', '{"bytes": 5, "report": {"counts": 1}}', "[" * 100_000):
        (tmp_path / "000000.json").write_text(text)
        assert folder.finished(".mp4") == {}
    (tmp_path / "000000.json").write_text(json.dumps({"bytes": 5, "report": REPORT}))
    assert list(folder.finished(".mp4")) == [0]


@pytest.mark.parametrize("name", ["../a", "/etc/a", "a/../b", ".hidden", "a/b/c", "", "a\0", "a\n"])
def test_a_node_writes_nothing_beside_the_folder(tmp_path, name):
    own = tmp_path / "own"
    own.mkdir()
    folder = WorkFolder(own / "job")
    folder.make()
    arrival = Arrival(folder)
    with pytest.raises(RuntimeSetupError, match="which no job has"):
        arrival.take({"name": name, "data": b"x"})
    assert [path.name for path in own.rglob("*")] == ["job"]


def test_what_is_no_piece_of_a_file_is_refused(tmp_path):
    for piece in ({"data": b"x"}, {"name": "a"}, {"name": "a", "data": "x"}, {"name": 1}):
        with pytest.raises(ValueError):
            Arrival(WorkFolder(tmp_path)).take(piece)


def test_files_arrive_in_pieces_and_get_their_names_at_the_end(tmp_path):
    folder = WorkFolder(tmp_path / "job")
    folder.make()
    arrival, other = Arrival(folder), Arrival(folder)
    for data in (b"one ", b"two"):
        arrival.take({"name": "000000.drawn/000001.png", "data": data})
    other.take({"name": "000001.mp4", "data": b"x"})
    assert not (folder.drawn(0) / "000001.png").exists()
    arrival.end()
    other.drop()
    assert (folder.drawn(0) / "000001.png").read_bytes() == b"one two"
    assert [path.name for path in folder.path.iterdir()] == ["000000.drawn"]


def test_a_task_of_another_version_is_a_sentence():
    for text in ("", "{}", "[]", '{"spec": "{}", "folder": "/a", "consents": {}}'):
        with pytest.raises(JobError, match="cannot be read"):
            Task.from_json(text)
