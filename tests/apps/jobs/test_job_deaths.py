"""Whatever dies in the middle of a job: worker, server; the job is done by the next one, whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
from queued import PATIENCE_S, is_done, is_under_way, only_result, submit, wait_for
from talking_film import packets, pictures_of

from masquerade.apps.jobs.liveness import WorkerName
from masquerade.apps.jobs.queue import JobQueue


def test_a_worker_that_is_killed_loses_no_job(queue, long_film, mona):
    queue.start()
    job = submit(queue, long_film, mona)
    under_way = wait_for(queue, job, is_under_way)
    os.kill(WorkerName.read(under_way.worker).process, signal.SIGKILL)
    again = wait_for(queue, job, lambda job: job.attempts == 2)
    assert again.state == "running"
    done = wait_for(queue, job, is_done)
    assert len(pictures_of(done.spec.output)) == 200
    assert only_result(done)


_SERVER = """
import sys, time
from pathlib import Path
from masquerade.apps.jobs.queue import JobQueue
queue = JobQueue(Path(sys.argv[1]))
queue.start()
while True:
    time.sleep(1)
"""


def test_a_server_that_is_killed_is_followed_by_one_that_finishes(tmp_path, long_film, mona):
    folder = tmp_path / "jobs"
    with JobQueue(folder, workers=0) as queue:
        job = submit(queue, long_film, mona)
        server = subprocess.Popen([sys.executable, "-c", _SERVER, str(folder)])
        under_way = wait_for(queue, job, is_under_way)
        worker = psutil.Process(WorkerName.read(under_way.worker).process)
        server.kill()
        server.wait()
        psutil.wait_procs([worker], timeout=PATIENCE_S)
        assert not worker.is_running()
        assert not under_way.spec.output.exists()
    with JobQueue(folder) as queue:
        queue.start()
        done = wait_for(queue, job, is_done)
    assert len(pictures_of(done.spec.output)) == 200
    assert packets(done.spec.output, "audio") == packets(long_film, "audio")
    assert only_result(done)


def test_a_queue_that_is_closed_leaves_its_job_waiting(tmp_path, long_film, mona):
    with JobQueue(tmp_path / "jobs") as queue:
        queue.start()
        job = submit(queue, long_film, mona)
        worker = WorkerName.read(wait_for(queue, job, is_under_way).worker)
        assert psutil.Process(worker.process).nice() > psutil.Process().nice()  # it gives way
    with JobQueue(tmp_path / "jobs", workers=0) as queue:
        left = queue.store.get(job.id)
    assert (left.state, left.worker, left.attempts) == ("waiting", None, 0)
    assert not any(left.spec.output.parent.iterdir())
