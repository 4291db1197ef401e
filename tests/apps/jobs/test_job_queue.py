"""The queue does real files in processes of its own, and what is wrong with one stays with it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from queued import PATIENCE_S, is_done, is_under_way, only_result, submit, wait_for
from talking_film import packets, pictures_of

from masquerade.apps.jobs.job import Failure, JobSpec
from masquerade.apps.jobs.liveness import WorkerName
from masquerade.apps.jobs.queue import JobQueue
from masquerade.apps.jobs.worker import remove_pieces
from masquerade.core.errors import MissingJobError, NoFaceInTargetError, OutputError


def test_a_film_keeps_its_sound_and_says_what_it_is(queue, film, mona, run, tmp_path):
    queue.start()
    job = submit(queue, film, mona)
    done = wait_for(queue, job, is_done)
    by_command = tmp_path / "by_command.mp4"
    words = ("swap", "-s", mona, "-t", film, "-o", by_command, "--consent", "public-domain")
    assert run(*words).code == 0
    assert packets(done.spec.output, "audio") == packets(film, "audio")
    swapped, expected = pictures_of(done.spec.output), pictures_of(by_command)
    assert len(swapped) == 75
    # x264 does not repeat itself to the bit where the processor has AVX-512.
    apart = [np.abs(a.astype(int) - b).mean() for a, b in zip(swapped, expected, strict=True)]
    assert max(apart) < 0.5
    said, by = _said(done.spec.output), _said(by_command)
    assert said.keys() == by.keys()
    same = ("digital_source_type", "label", "software", "settings_digest", "consent")
    assert [said[name] for name in same] == [by[name] for name in same]
    assert done.report["faces_swapped"] >= 70
    assert (done.progress, done.left_s, done.worker) == (1.0, 0.0, None)
    assert only_result(done)


def _said(path: Path) -> dict[str, str]:
    with av.open(str(path)) as film:
        return {name.lower(): value for name, value in film.metadata.items()}


def test_one_that_cannot_be_done_does_not_stop_the_next(queue, nobody, astronaut, mona, tmp_path):
    queue.start()
    bad = submit(queue, nobody, mona)
    good = submit(queue, astronaut, mona)
    failed = wait_for(queue, bad, lambda job: job.state == "failed")
    wait_for(queue, good, is_done)
    assert isinstance(failed.failure.as_error(), NoFaceInTargetError)
    assert not failed.spec.output.exists()


def test_a_running_job_is_cancelled_and_leaves_nothing(queue, long_film, mona, astronaut):
    queue.start()
    job = submit(queue, long_film, mona)
    under_way = wait_for(queue, job, is_under_way)
    assert under_way.fps > 0
    assert under_way.left_s > 0
    begun_s = time.monotonic()
    assert queue.remove(job.id).state == "cancelled"
    left = wait_for(queue, job, lambda job: job.worker is None)
    assert time.monotonic() - begun_s < 20  # measured: 0.3 to 0.6 s
    assert not any(left.spec.output.parent.iterdir())
    # Its worker goes on with the next one; the cancelled one can be had again, or be forgotten.
    wait_for(queue, submit(queue, astronaut, mona), is_done)
    assert queue.remove(job.id) is None
    assert not left.spec.output.parent.exists()
    with pytest.raises(MissingJobError):
        queue.remove(job.id)


def test_a_folder_that_is_gone_fails_the_job_with_a_sentence(queue, film, mona, tmp_path):
    queue.start()
    job = submit(queue, film, mona, output=tmp_path / "nowhere" / "result.mp4")
    failed = wait_for(queue, job, lambda job: job.state == "failed")
    assert isinstance(failed.failure.as_error(), OutputError)
    assert "There is no folder" in failed.failure.message


# The film is to grow too large, and not the store with what is told of its progress.
_SMALL_DISK = """
import resource, sys
from masquerade.apps.jobs import worker
worker._TELL_S = worker._BEAT_S = float("inf")
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
sys.exit(worker.main([sys.argv[1], "--idle", "0"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_a_disk_that_takes_no_more_fails_the_job_and_leaves_nothing(tmp_path, film, mona):
    with JobQueue(tmp_path / "jobs", workers=0) as queue:
        job = submit(queue, film, mona, video={"quality": 100})
        command = [sys.executable, "-c", _SMALL_DISK, str(queue.store.path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as worker:
            assert worker.wait(PATIENCE_S) == 0
        failed = queue.store.get(job.id)
    assert failed.state == "failed"
    assert isinstance(failed.failure.as_error(), OutputError), failed.failure
    assert not any(failed.spec.output.parent.iterdir())


def test_listeners_hear_of_changes(queue, tmp_path):
    heard = []
    stop = queue.listen(lambda: heard.append(queue.store.latest))
    queue.start()
    job = queue.add(
        JobSpec(
            name="x.mp4",
            target=tmp_path / "x.mp4",
            output=tmp_path / "y.mp4",
            donors={"mona": (tmp_path / "no.mqid",)},
        )
    )
    wait_for(queue, job, lambda job: job.state == "failed")
    until = time.monotonic() + PATIENCE_S
    while not heard or heard[-1] < queue.store.get(job.id).change:
        assert time.monotonic() < until
        time.sleep(0.05)
    stop()


def test_old_jobs_are_swept_with_their_files(tmp_path, film, mona):
    with JobQueue(tmp_path / "jobs", workers=0, keep_s=100.0) as queue:
        old, waiting = submit(queue, film, mona), submit(queue, film, mona)
        fresh = submit(queue, film, mona)
        desk = queue.store.desk(WorkerName.own())
        for job in (old, fresh):
            queue.store.cancel(job.id)
        with queue.store._file.changing() as connection:
            connection.execute("UPDATE jobs SET finished = 1 WHERE id = ?", (old.id,))
        orphan = tmp_path / "jobs" / ("f" * 20)
        orphan.mkdir()
        os.utime(orphan, (1, 1))
        queue.sweep()
        assert {job.id for job in queue.store.newest()} == {waiting.id, fresh.id}
        assert not old.spec.output.parent.exists()
        assert fresh.spec.output.parent.is_dir()
        assert not orphan.exists()
        assert desk.claim().id == waiting.id
        assert desk.fail(waiting.id, Failure("InputError", "no"))


def test_pieces_of_a_killed_writer_are_told_from_other_files(tmp_path):
    names = [
        ".film-0123abcd.part.mp4",
        ".film-b-0123abcd.part.mp4",
        ".film-0123abcd.part.mkv",
        "film.mp4",
    ]
    for name in names:
        (tmp_path / name).touch()
    remove_pieces(tmp_path / "film.mp4")
    assert sorted(path.name for path in tmp_path.glob("*film*")) == sorted(names[1:])
