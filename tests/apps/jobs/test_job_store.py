"""The job store: legal moves alone, one file for many processes, found again after anything."""

from __future__ import annotations

import multiprocessing
import sqlite3
import statistics
import time
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from masquerade.apps.jobs import schema
from masquerade.apps.jobs.job import ENDED, MOVES, STATES, Failure, JobSpec
from masquerade.apps.jobs.liveness import SILENCE_S, WorkerName
from masquerade.apps.jobs.store import MOST_ATTEMPTS, JobStore
from masquerade.core.errors import (
    JobError,
    MissingJobError,
    NoFaceInTargetError,
    OutputError,
    SettingsError,
)

OWN = WorkerName.own()
OTHERS = [WorkerName("elsewhere", number, 1.0) for number in range(3)]


def spec(name: str = "film.mp4", **changes: object) -> JobSpec:
    values = {
        "name": name,
        "target": Path("/in") / name,
        "output": Path("/out") / name,
        "donors": {"anna": (Path("/in/anna.mqid"),)},
        "references": {"anna": 1},
        "consents": {"anna": "self"},
        "settings": {"mask": ["box"], "shape": 0.5},
        "video": {"quality": 70},
    }
    return JobSpec(**{**values, **changes})


@pytest.fixture
def store(tmp_path: Path):
    with JobStore(tmp_path / "jobs.sqlite") as store:
        yield store


# What is kept


def test_a_job_is_found_again_as_it_was_submitted(tmp_path, store):
    job = store.add(spec(references={"anna": Path("/in/her.png")}), priority=3)
    store.close()
    with JobStore(tmp_path / "jobs.sqlite") as again:
        found = again.get(job.id)
    assert found == job
    assert (found.state, found.priority, found.spec.donors["anna"]) == (
        "waiting",
        3,
        (Path("/in/anna.mqid"),),
    )
    assert found.spec.references == {"anna": Path("/in/her.png")}


def test_the_file_is_for_its_owner_alone(tmp_path, store):
    assert (tmp_path / "jobs.sqlite").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"settings": {"shape": 2}}, "shape is 2"),
        ({"settings": {"shade": 1}}, "no setting 'shade'"),
        ({"video": {"quality": 400}}, "quality is 400"),
        ({"video": {"colour": 1}}, "no video option 'colour'"),
        ({"donors": {}}, "needs a donor"),
        ({"references": {"bob": 0}}, "'bob' is no donor"),
    ],
)
def test_what_is_wrong_with_a_job_is_said_before_it_waits(store, changes, words):
    with pytest.raises(SettingsError, match=words):
        store.add(spec(**changes))
    assert store.newest() == []


# Whose turn it is


def test_the_higher_priority_comes_first_then_the_older(store):
    ids = [store.add(spec(), priority=priority).id for priority in (0, 5, 0, 5)]
    desk = store.desk(OWN)
    assert [desk.claim().id for _ in ids] == [ids[1], ids[3], ids[0], ids[2]]
    assert desk.claim() is None


def test_the_newest_are_listed_first_and_page_by_page(store):
    ids = [store.add(spec()).id for _ in range(5)]
    first = store.newest(2)
    assert [job.id for job in first] == ids[:-3:-1]
    assert [job.id for job in store.newest(9, before=first[-1].id)] == ids[2::-1]
    with pytest.raises(MissingJobError):
        store.newest(before="f" * 20)


def test_a_failure_comes_back_as_the_error_it_was(store):
    job, desk = store.add(spec()), store.desk(OWN)
    desk.claim()
    error = NoFaceInTargetError("/in/film.mp4 shows\nnobody.")
    assert desk.fail(job.id, Failure.of(error, job.spec))
    error = store.get(job.id).failure.as_error()
    assert isinstance(error, NoFaceInTargetError)
    assert str(error) == "film.mp4 shows nobody."
    assert isinstance(Failure("Settings", "x").as_error(), JobError)


def test_what_a_worker_says_of_another_one_s_job_does_not_count(store):
    job = store.add(spec())
    first, second = store.desk(OTHERS[0]), store.desk(OTHERS[1])
    assert first.claim().id == job.id
    store.rescue(lambda *_: False)
    assert second.claim().id == job.id
    first.beat(job.id, progress=0.9)
    assert not first.finish(job.id, {})
    assert not first.wanted(job.id)
    assert second.wanted(job.id)
    assert store.get(job.id).progress == 0.0


def test_a_cancelled_job_is_not_retried_before_its_worker_has_left(store):
    job, desk = store.add(spec()), store.desk(OWN)
    desk.claim()
    store.cancel(job.id)
    assert not desk.wanted(job.id)
    with pytest.raises(JobError, match="still being stopped"):
        store.retry(job.id)
    desk.release(job.id)
    assert store.retry(job.id).state == "waiting"
    assert desk.claim().attempts == 1


# Workers that are no more


def test_a_job_whose_worker_died_waits_again_and_is_given_up_in_the_end(store):
    job, desk = store.add(spec()), store.desk(OWN)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert desk.claim().attempts == attempt
        assert store.rescue(lambda *_: True) == []
        assert store.rescue(lambda *_: False) == [job.id]
    given_up = store.get(job.id)
    assert given_up.state == "failed"
    assert "ended unexpectedly 3 times" in given_up.failure.message


def test_a_worker_that_ends_in_an_orderly_way_is_not_held_against_the_job(store):
    job, desk = store.add(spec()), store.desk(OWN)
    for _ in range(2 * MOST_ATTEMPTS):
        desk.claim()
        desk.release(job.id)
    assert store.get(job.id).state == "waiting"
    assert store.get(job.id).attempts == 0


def test_who_is_alive():
    assert OWN.is_alive(0.0)
    assert WorkerName.read(str(OWN)).is_alive(0.0)
    assert not WorkerName(OWN.host, OWN.process, OWN.begun - 1000).is_alive(0.0)
    assert not WorkerName(OWN.host, 2**22 + 1, OWN.begun).is_alive(time.time())
    assert OTHERS[0].is_alive(1000.0, 1000.0 + SILENCE_S - 1)
    assert not OTHERS[0].is_alive(1000.0, 1000.0 + SILENCE_S + 1)
    assert not WorkerName.read("nonsense").is_alive(0.0)


# News


def test_changes_are_told_once_removals_too(store):
    first, second = store.add(spec()), store.add(spec())
    news = store.changes(0)
    assert [job.id for job in news.jobs] == [first.id, second.id]
    assert store.changes(news.latest).jobs == ()
    store.cancel(first.id)
    store.forget(first.id)
    store.desk(OWN).claim()
    news = store.changes(news.latest)
    assert [(job.id, job.state) for job in news.jobs] == [(second.id, "running")]
    assert news.forgotten == (first.id,)
    assert store.latest == news.latest


# The file


def test_only_legal_moves_are_in_the_file_whoever_writes_it(tmp_path, store):
    job = store.add(spec())
    with sqlite3.connect(tmp_path / "jobs.sqlite", isolation_level=None) as other:
        for state in STATES:
            for to in STATES:
                other.execute("DELETE FROM jobs")
                other.execute(
                    "INSERT INTO jobs (id, spec, state, created, change) VALUES (?, ?, ?, 0, 0)",
                    (job.id, job.spec.to_json(), state),
                )
                move = ("UPDATE jobs SET state = ?", (to,))
                if to == state or to in MOVES[state]:
                    other.execute(*move)
                else:
                    with pytest.raises(sqlite3.IntegrityError, match="no such move"):
                        other.execute(*move)


def test_an_older_store_is_brought_up_to_date_with_its_jobs(tmp_path, monkeypatch):
    with JobStore(tmp_path / "jobs.sqlite") as store:
        job = store.add(spec())
    step = ("ALTER TABLE jobs ADD COLUMN later TEXT", "UPDATE jobs SET later = 'yes'")
    monkeypatch.setattr(schema, "_MIGRATIONS", (*schema._MIGRATIONS, step))
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    connection = sqlite3.connect(tmp_path / "jobs.sqlite", isolation_level=None)
    schema.migrate(connection)
    schema.migrate(connection)
    assert connection.execute("SELECT id, later FROM jobs").fetchall() == [(job.id, "yes")]
    connection.close()


def test_a_newer_store_is_left_alone(tmp_path, store):
    store.close()
    with sqlite3.connect(tmp_path / "jobs.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(JobError, match="version 99, newer"):
        JobStore(tmp_path / "jobs.sqlite")


def test_a_file_that_is_no_store_is_refused_and_kept(tmp_path):
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(b"not a database at all, " * 200)
    with pytest.raises(JobError, match="move it away"):
        JobStore(path)
    assert path.read_bytes().startswith(b"not a database")


def test_a_full_disk_is_said_and_nothing_is_half_written(store):
    first = store.add(spec())
    with store._file.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    store._file._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OutputError, match="disk is full"):
        for number in range(1000):
            store.add(spec(name="n" * 200 + str(number)))
    kept = len(store.newest(2000))
    store._file._connection.execute("PRAGMA max_page_count = 100000")
    assert store.get(first.id) == first
    store.add(spec())
    assert len(store.newest(2000)) == kept + 1


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="MASQUERADE_HOME"):
        JobStore(tmp_path / "file" / "jobs.sqlite")


def _work(path: str, taken: multiprocessing.Queue) -> None:
    with JobStore(Path(path)) as store:
        worker = WorkerName.own()
        desk = store.desk(worker)
        while (job := desk.claim()) is not None:
            desk.beat(job.id, progress=0.5)
            assert desk.finish(job.id, {"frames": 1})
            taken.put(job.id)


def test_processes_that_share_a_store_do_each_job_once(tmp_path):
    path = tmp_path / "jobs.sqlite"
    spawn = multiprocessing.get_context("spawn")
    with JobStore(path) as store:
        ids = [store.add(spec()).id for _ in range(60)]
        taken = spawn.Queue()
        workers = [spawn.Process(target=_work, args=(str(path), taken)) for _ in range(2)]
        for worker in workers:
            worker.start()
        done = [taken.get(timeout=60) for _ in ids]
        for worker in workers:
            worker.join(60)
            assert worker.exitcode == 0
        assert sorted(done) == sorted(ids)
        assert store.count("done") == 60


def test_a_thousand_jobs_are_listed_at_once(store):
    for number in range(1000):
        store.add(spec(name=f"{number}.mp4"))
    times_s = []
    for _ in range(5):
        begun_s = time.perf_counter()
        assert len(store.newest(1000)) == 1000
        times_s.append(time.perf_counter() - begun_s)
    # The aim is 0.1 s (measured: about 0.02); the rest is for a machine with other things to do.
    assert statistics.median(times_s) < 1.0


# Any order of things


class Life(RuleBasedStateMachine):
    """Users, workers and a rescuer do what they like; a plain dictionary says what must be."""

    jobs = Bundle("jobs")

    @initialize()
    def open(self) -> None:
        self.store = JobStore(self.folder / f"{time.monotonic_ns()}.sqlite")
        self.truth: dict[str, str] = {}
        self.workers: dict[str, WorkerName] = {}
        self.seen = 0

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()

    @rule(target=jobs, priority=st.integers(0, 2))
    def add(self, priority: int) -> str:
        job = self.store.add(spec(), priority=priority)
        self.truth[job.id] = "waiting"
        return job.id

    @rule(worker=st.sampled_from(OTHERS))
    def claim(self, worker: WorkerName) -> None:
        job = self.store.desk(worker).claim()
        waiting = [name for name, state in self.truth.items() if state == "waiting"]
        assert (job is None) == (not waiting)
        if job is not None:
            assert job.id in waiting
            self.truth[job.id], self.workers[job.id] = "running", worker

    @rule(job=jobs, worker=st.sampled_from(OTHERS), well=st.booleans())
    def end(self, job: str, worker: WorkerName, well: bool) -> None:
        desk = self.store.desk(worker)
        mine = self.truth.get(job) == "running" and self.workers[job] == worker
        ended = desk.finish(job, {}) if well else desk.fail(job, Failure("InputError", "no"))
        assert ended == mine
        if mine:
            self.truth[job] = "done" if well else "failed"
            del self.workers[job]

    @rule(job=jobs, worker=st.sampled_from(OTHERS))
    def release(self, job: str, worker: WorkerName) -> None:
        self.store.desk(worker).release(job)
        if self.workers.get(job) == worker:
            del self.workers[job]
            if self.truth.get(job) == "running":
                self.truth[job] = "waiting"

    @rule(job=jobs)
    def cancel(self, job: str) -> None:
        self._try(job, ("waiting", "running"), "cancelled", self.store.cancel)

    @rule(job=jobs)
    def retry(self, job: str) -> None:
        free = ("failed", "cancelled") if job not in self.workers else ()
        self._try(job, free, "waiting", self.store.retry)

    @rule(job=consumes(jobs))
    def forget(self, job: str) -> None:
        if self.truth.get(job) in ENDED:
            self.store.forget(job)
            del self.truth[job]
            self.workers.pop(job, None)
        else:
            with pytest.raises(JobError):
                self.store.forget(job)

    @rule(dead=st.sampled_from(OTHERS))
    def rescue(self, dead: WorkerName) -> None:
        rescued = self.store.rescue(lambda name, _heard: name != dead)
        assert sorted(rescued) == sorted(j for j, who in self.workers.items() if who == dead)
        for job in rescued:
            del self.workers[job]
            if self.truth[job] == "running":
                self.truth[job] = self.store.get(job).state
                assert self.truth[job] in {"waiting", "failed"}

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "store"):
            return
        found = {job.id: job for job in self.store.newest(1000)}
        assert {name: job.state for name, job in found.items()} == self.truth
        assert all(
            (job.worker is not None) == (name in self.workers) for name, job in found.items()
        )
        news = self.store.changes(self.seen)
        assert all(job == found[job.id] for job in news.jobs)
        self.seen = news.latest

    def _try(self, job: str, states: tuple[str, ...], to: str, move) -> None:
        if job not in self.truth:
            with pytest.raises(MissingJobError):
                move(job)
        elif self.truth[job] in states:
            assert move(job).state == to
            self.truth[job] = to
        else:
            with pytest.raises(JobError):
                move(job)


def test_any_order_of_things_keeps_the_rules(tmp_path):
    from hypothesis.stateful import run_state_machine_as_test

    machine = type("LifeHere", (Life,), {"folder": tmp_path})
    run_state_machine_as_test(
        machine,
        settings=hypothesis_settings(max_examples=30, stateful_step_count=30, deadline=None),
    )
