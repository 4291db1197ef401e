"""Workers and drivers of the farm killed with -9, and a full disk: nothing is lost or wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from farm_jobs import add_job, same_film

from masquerade.apps.farm.driver import Driver
from masquerade.apps.farm.executor import Lost, Told
from masquerade.apps.farm.journal import Journal
from masquerade.apps.farm.local import LocalExecutor
from masquerade.apps.farm.own_store import open_store
from masquerade.apps.farm.share import Share
from masquerade.apps.farm.task import Task
from masquerade.apps.farm.work_folder import WorkFolder
from masquerade.core.errors import RuntimeSetupError

PATIENCE_S = 120.0


def wait_until(condition) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def start(*words: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "masquerade.apps.cli", "farm", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.long
def test_a_worker_that_is_killed_costs_its_piece_alone(store, film, tmp_path, undisturbed):
    job, killed = add_job(store, film, tmp_path / "out.mp4"), []

    class Murderous(LocalExecutor):
        def results(self, timeout_s):
            events = super().results(timeout_s)
            for event in events:
                if isinstance(event, Told) and "segment" in event.task_id and len(killed) < 2:
                    killed.append(self.processes[0])
                    os.kill(killed[-1], signal.SIGKILL)
            return events

    with Murderous(Share(1)) as executor:
        Driver(store, executor).run()
    assert killed
    assert store.get(job.id).state == "done"
    assert same_film(tmp_path / "out.mp4", undisturbed)
    assert any("signal 9" in line.text for line in Journal(store).lines(job.id))


@pytest.mark.long
def test_a_driver_that_is_killed_goes_on_where_it_was(film, job_file, tmp_path, undisturbed):
    output = tmp_path / "out/film.mp4"
    driver = start("run", job_file(), "--workers", 1)
    with open_store() as store:
        wait_until(lambda: store.newest(lane="farm"))
        job, journal = store.newest(lane="farm")[0], Journal(store)
        wait_until(lambda: journal.count(job.id) >= 2)
        children = psutil.Process(driver.pid).children(recursive=True)
        driver.kill()
        driver.wait()
        _gone, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
        assert not alive  # workers end with their driver
        folder = WorkFolder.of(output, job.id)
        before = {
            item: folder.segment(item, ".mp4").stat().st_mtime_ns
            for item in folder.finished(".mp4")
        }
        assert len(before) >= 2
        assert not output.exists()
        with LocalExecutor(Share(1)) as executor:
            outcome = Driver(store, executor).run()
        assert [done.id for done in outcome.done] == [job.id]
        texts = [line.text for line in journal.lines(job.id)]
    assert sum(text.startswith("scout: ") for text in texts) == 1
    for number in before:
        assert sum(text.startswith(f"segment {number + 1}: ") for text in texts) <= 1
    assert same_film(output, undisturbed)


@pytest.mark.long
def test_a_full_disk_is_a_sentence_and_no_work_is_lost(store, film, tmp_path, undisturbed):
    """Files of this process and its workers may not grow beyond a few blocks."""
    output = tmp_path / "out.mp4"
    job = add_job(store, film, output)
    limited = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000));"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "from masquerade.apps.farm.steps import Steps; from masquerade.apps.farm.task import Task;"
        "import sys; task = Task.from_json(sys.stdin.read());"
        "Steps().do(task, lambda progress: None)"
    )
    with LocalExecutor(Share(1)) as executor:
        run = Driver(store, executor)
        submit = executor.submit

        def only_pieces(task):
            if task.step == "join":
                done = subprocess.run(
                    [sys.executable, "-c", limited], input=task.to_json(), text=True, check=False,
                    capture_output=True,
                )  # fmt: skip
                assert "OutputError" in done.stderr, done.stderr
                assert not output.exists()
            submit(task)

        executor.submit = only_pieces
        run.run()
    assert store.get(job.id).state == "done"
    assert same_film(output, undisturbed)


def test_workers_that_cannot_start_are_a_sentence(store, film, tmp_path, monkeypatch):
    add_job(store, film, tmp_path / "out.mp4")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with (
        LocalExecutor(Share(1)) as executor,
        Driver(store, executor) as driver,
        pytest.raises(RuntimeSetupError, match="doctor"),
    ):
        driver.run()


def test_a_lost_worker_is_told_of(store, film, tmp_path):
    with LocalExecutor(Share(1)) as executor:
        spec = add_job(store, film, tmp_path / "out.mp4").spec
        executor.submit(Task(job_id="x", step="scout", spec=spec, folder=tmp_path))
        os.kill(executor.processes[0], signal.SIGKILL)
        events = []
        wait_until(lambda: events.extend(executor.results(0.1)) or events)
    assert [type(event) for event in events] == [Lost]
