"""The driver: order, going on after anything, cancelling, and giving up; no frame is drawn."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import replace

import pytest
from farm_jobs import PaperExecutor, add_job, finished

from masquerade.apps.farm.driver import Driver
from masquerade.apps.farm.executor import Done, Failed, Lost, Told
from masquerade.apps.farm.job_run import MOST_TRIES, JobRun
from masquerade.apps.farm.journal import Finished, Journal
from masquerade.apps.farm.node_facts import NodeFacts
from masquerade.apps.farm.task import Task
from masquerade.apps.farm.work_folder import WorkFolder
from masquerade.apps.jobs.job import Failure
from masquerade.apps.jobs.liveness import WorkerName
from masquerade.apps.jobs.queue import JobQueue
from masquerade.core.errors import InputError, JobError, MissingInputError, OutputError
from masquerade.engine.seam import Entry, Seams, Seen
from masquerade.media.segments import SegmentPlan, Stretch
from masquerade.pipeline.report import Tally

HERE = WorkerName.own()


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out.mp4"


def steps(executor: PaperExecutor) -> list[tuple[str, int]]:
    return [(task.step, task.number) for task in executor.submitted]


def claimed(store, job):
    taken = store.desk(HERE, "farm").claim()
    assert taken is not None
    assert taken.id == job.id
    return taken


def test_a_film_is_scouted_swapped_in_pieces_and_joined(store, film, output):
    job, executor = add_job(store, film, output), PaperExecutor()
    outcome = Driver(store, executor).run()
    assert [done.id for done in outcome.done] == [job.id]
    assert steps(executor) == [("scout", 0), *(("segment", n) for n in range(4)), ("join", 0)]
    assert store.get(job.id).state == "done"
    assert not WorkFolder.of(output, job.id).path.exists()
    assert output.read_bytes() == b"joined"


def test_a_task_is_the_same_after_its_journey_as_text(store, film, output):
    task = Task(
        job_id="a", step="segment", number=3, spec=add_job(store, film, output).spec,
        folder=output.parent, threads=2, consents={"mona": "public-domain"},
    )  # fmt: skip
    assert Task.from_json(task.to_json()) == task


def test_what_was_scouted_is_not_scouted_again(store, film, output):
    job = claimed(store, add_job(store, film, output))
    run = JobRun(job, Journal(store))
    scout = run.next_task()
    assert scout.step == "scout"
    assert run.next_task() is None
    run.take(finished(scout))
    assert [run.next_task().number for _ in range(4)] == [0, 1, 2, 3]
    again = JobRun(job, Journal(store))
    assert again.next_task().step == "segment"


def test_a_film_of_one_segment_is_done_from_file_to_file(store, film, output):
    add_job(store, film, output, segment_s=60.0)
    executor = PaperExecutor()
    Driver(store, executor).run()
    assert steps(executor) == [("whole", 0)]


def test_nodes_that_cannot_sign_are_given_a_short_film_as_a_segment(store, film, output):
    add_job(store, film, output, segment_s=60.0)
    executor = PaperExecutor()
    executor.signs = False
    Driver(store, executor).run()
    assert steps(executor) == [("segment", 0), ("join", 0)]


def test_who_is_named_by_a_number_is_looked_for_in_the_whole_film(store, film, output):
    add_job(store, film, output, references={"mona": 1})
    executor = PaperExecutor()
    Driver(store, executor).run()
    assert steps(executor) == [("whole", 0)]


SITS = Seen(0, (10.0, 10.0, 50.0, 50.0), "mona", Stretch(0, 20), (10.0, 10.0, 50.0, 50.0))


class Quarrelling(PaperExecutor):
    """Segments of one take, of which one swaps nobody unless it is told whom."""

    def submit(self, task):
        self.submitted.append(task)
        if task.step == "scout":
            plan = SegmentPlan.from_json(WorkFolder(task.folder).read(task.folder / "plan.json"))
            parts = [
                replace(part, run_up=(Stretch(part.start_pts - 9, part.start_pts),) * (n > 0))
                for n, part in enumerate(plan.segments)
            ]
            done = replace(plan, segments=tuple(parts), scouted_for="ab").to_json()
            self.events.append(Done(task.id, "here", {"words": "", "plan": done}))
            return
        who = (SITS,) if task.number != 2 or task.entry else (replace(SITS, donor=None),)
        seams = Seams(before=who * (task.number > 0), after=who, entry=who)
        self.events.append(finished(task, seams))


def test_a_segment_with_other_people_is_done_again_and_told_who_they_are(store, film, output):
    job, executor = add_job(store, film, output), Quarrelling()
    Driver(store, executor).run()
    assert steps(executor) == [
        ("scout", 0), *(("segment", n) for n in range(4)), ("segment", 2), ("join", 0)
    ]  # fmt: skip
    told = Entry.from_json(executor.submitted[-2].entry)
    assert told.faces == (SITS,)
    assert store.get(job.id).state == "done"
    assert any("done again" in line.text for line in Journal(store).lines(job.id))


def test_what_was_told_is_not_asked_for_ever(store, film, output):
    class Stubborn(Quarrelling):
        def submit(self, task):
            super().submit(replace(task, entry="") if task.step == "segment" else task)
            if task.entry:
                event = self.events[-1]
                report = {**event.result["report"], "entry": task.entry}
                self.events[-1] = replace(event, result={**event.result, "report": report})

    job, executor = add_job(store, film, output), Stubborn()
    Driver(store, executor).run()
    assert [n for step, n in steps(executor) if step == "segment"] == [0, 1, 2, 3, 2]
    assert store.get(job.id).state == "done"


def test_what_is_finished_is_never_done_again(store, film, output):
    job = claimed(store, add_job(store, film, output))
    run = JobRun(job, Journal(store))
    run.take(finished(run.next_task()))
    for _ in range(2):
        run.take(finished(run.next_task()))
    # Killed between the name of a file and the journal's word of it.
    finished(run.next_task())
    store.desk(HERE, "farm").release(job.id)
    executor = PaperExecutor()
    Driver(store, executor).run()
    assert steps(executor) == [("segment", 3), ("join", 0)]


@pytest.mark.parametrize("harm", ["cut off", "gone", "report gone"])
def test_a_piece_that_was_harmed_is_done_again(store, film, output, harm):
    job = claimed(store, add_job(store, film, output))
    run = JobRun(job, Journal(store))
    for _ in range(5):
        run.take(finished(run.next_task()))
    piece = run.folder.segment(2, ".mp4")
    if harm == "cut off":
        piece.write_bytes(b"fil")
    else:
        (piece if harm == "gone" else piece.with_suffix(".json")).unlink()
    store.desk(HERE, "farm").release(job.id)
    executor = PaperExecutor()
    Driver(store, executor).run()
    assert steps(executor) == [("segment", 2), ("join", 0)]


def test_half_written_pieces_are_swept_away(store, film, output):
    job = claimed(store, add_job(store, film, output))
    folder = WorkFolder.of(output, job.id)
    folder.make()
    left = folder.passing("000001.mp4")
    joined = output.with_name(".out-0123abcd.part.mp4")
    for path in (left, joined):
        path.write_bytes(b"half")
    JobRun(job, Journal(store))
    assert not left.exists()
    assert not joined.exists()


def test_what_is_left_of_a_long_film_is_known_within_a_second(store, film, output):
    """A two-hour film has 360 pieces of 20 s; here are 2000."""
    folder = WorkFolder.of(output, "long")
    folder.make()
    journal = Journal(store)
    report = {"counts": {**Tally().counts(), "frames": 500}, "seconds": 1.0, "warnings": []}
    for number in range(2000):
        folder.segment(number, ".mp4").write_bytes(b"piece")
        folder.segment(number, ".json").write_text(json.dumps({"bytes": 5, "report": report}))
    journal.add("long", *(Finished(number, 5, report) for number in range(2000)))
    began_s = time.perf_counter()
    found, noted = folder.finished(".mp4"), journal.numbers("long")
    seconds = time.perf_counter() - began_s
    assert len(found) == len(noted) == 2000
    assert seconds < 1.0


def test_a_changed_input_is_refused_and_a_touched_one_is_not(store, film, output, tmp_path):
    own = shutil.copy(film, tmp_path / "own.mp4")
    job = claimed(store, add_job(store, own, output))
    journal = Journal(store)
    JobRun(job, journal)
    os.utime(own, ns=(1, 1))
    JobRun(job, journal)
    data = bytearray(own.read_bytes())
    data[len(data) // 2] ^= 1
    own.write_bytes(data)
    with pytest.raises(InputError, match=r"was changed since the job began.*--fresh"):
        JobRun(job, journal)
    own.unlink()
    with pytest.raises(MissingInputError, match="no file"):
        JobRun(job, journal)


def test_another_program_does_not_go_on_with_a_job(store, film, output, monkeypatch):
    job = claimed(store, add_job(store, film, output))
    journal, here = Journal(store), NodeFacts.here(())
    JobRun(job, journal)
    newer = replace(here, software={**here.software, "masquerade": "99.0"})
    monkeypatch.setattr(NodeFacts, "here", classmethod(lambda cls, models: newer))
    with pytest.raises(JobError, match=r"another version of masquerade .*--fresh"):
        JobRun(job, journal)


def test_a_job_that_cannot_begin_fails_with_its_reason_and_the_next_is_done(
    store, film, output, tmp_path
):
    own = shutil.copy(film, tmp_path / "own.mp4")
    bad = add_job(store, own, tmp_path / "bad.mp4")
    good = add_job(store, film, output)
    own.unlink()
    outcome = Driver(store, PaperExecutor()).run()
    assert [job.id for job in outcome.failed] == [bad.id]
    assert [job.id for job in outcome.done] == [good.id]
    assert store.get(bad.id).failure.kind == "MissingInputError"


def test_higher_priorities_come_first_and_pass_what_is_under_way(store, film, tmp_path):
    low = add_job(store, film, tmp_path / "low.mp4", priority=-1)
    added = []

    class Impatient(PaperExecutor):
        def results(self, timeout_s):
            if not added:
                added.append(add_job(store, film, tmp_path / "high.mp4", priority=5))
            return super().results(timeout_s)

    executor = Impatient()
    outcome = Driver(store, executor).run()
    assert [job.id for job in outcome.done] == [added[0].id, low.id]


def test_a_lost_task_goes_to_another_worker_and_not_for_ever(store, film, output):
    job = claimed(store, add_job(store, film, output))
    run = JobRun(job, Journal(store))
    run.take(finished(run.next_task()))
    task = run.next_task()
    for tries in range(1, MOST_TRIES):
        run.take(Lost(task.id, "there", "the node left"))
        task = run.next_task()
        assert (task.number, run.ended, tries < MOST_TRIES) == (0, False, True)
    run.take(Lost(task.id, "there", "the node left"))
    assert run.failure.kind == "JobError"
    assert "segment 1 ended unexpectedly" in run.failure.message
    lines = Journal(store).lines(job.id)
    assert sum("the node left" in line.text for line in lines) == MOST_TRIES


def test_a_task_that_fails_fails_its_job(store, film, output):
    class Failing(PaperExecutor):
        def submit(self, task):
            self.submitted.append(task)
            self.events.append(Failed(task.id, "here", Failure("OutputError", "The disk is full.")))

    job = add_job(store, film, output)
    Driver(store, Failing()).run()
    found = store.get(job.id)
    assert (found.state, found.failure.kind) == ("failed", "OutputError")
    assert isinstance(found.failure.as_error(), OutputError)


def test_a_cancelled_job_stops_and_goes_on_when_it_is_retried(store, film, output):
    job = add_job(store, film, output)

    class Cancelling(PaperExecutor):
        def submit(self, task):
            if task.number == 2:
                store.cancel(job.id)
                self.submitted.append(task)
            else:
                super().submit(task)

    executor = Cancelling()
    outcome = Driver(store, executor).run()
    assert [item.id for item in outcome.cancelled] == [job.id]
    assert job.id in executor.cancelled
    assert not output.exists()
    store.retry(job.id)
    again = PaperExecutor()
    Driver(store, again).run()
    assert ("scout", 0) not in steps(again)
    assert 0 < steps(again).count(("join", 0)) == 1
    assert store.get(job.id).state == "done"


def test_progress_is_told_in_frames_of_the_whole_film(store, film, output):
    job = claimed(store, add_job(store, film, output))
    run = JobRun(job, Journal(store))
    run.take(finished(run.next_task()))
    run.take(finished(run.next_task()))
    task = run.next_task()
    run.take(Told(task.id, 10, 30))
    assert run.progress() == (40, 120)


def test_a_driver_that_is_closed_leaves_its_jobs_waiting(store, film, output):
    job, executor = add_job(store, film, output), PaperExecutor(finish=False)

    class StoppedError(Exception):
        pass

    executor.results = lambda timeout_s: (_ for _ in ()).throw(StoppedError)
    with pytest.raises(StoppedError), Driver(store, executor) as driver:
        driver.run()
    found = store.get(job.id)
    assert (found.state, found.worker) == ("waiting", None)


def test_a_driver_that_died_costs_a_job_nothing_however_often(store, film, output):
    job = add_job(store, film, output)
    dead = WorkerName(HERE.host, 2**22 - 1, 1.0)
    for _ in range(10):
        assert store.desk(dead, "farm").claim() is not None
        assert store.rescue() == [job.id]
    assert store.get(job.id).state == "waiting"


def test_queues_and_the_farm_leave_each_others_jobs_alone(store, film, output, tmp_path):
    farm = add_job(store, film, output)
    files = store.add(replace(farm.spec, output=tmp_path / "other.mp4"))
    assert store.desk(HERE).claim().id == files.id
    assert store.desk(HERE).claim() is None
    assert store.desk(HERE, "farm").claim().id == farm.id
    assert store.count("running") == 1
    assert {job.id for job in store.newest()} == {farm.id, files.id}


def test_two_jobs_with_one_output_are_refused_until_one_has_ended(store, film, output):
    job = add_job(store, film, output)
    with pytest.raises(JobError, match=f"is the output of job {job.id[:8]} too"):
        add_job(store, film, output)
    store.cancel(job.id)
    add_job(store, film, output)


def test_a_folder_that_cannot_be_written_is_a_sentence(store, film, tmp_path):
    job = claimed(store, add_job(store, film, tmp_path / "gone" / "out.mp4"))
    with pytest.raises(OutputError, match="no folder"):
        JobRun(job, Journal(store))


def test_a_job_that_is_removed_in_the_studio_leaves_no_pieces(store, film, output):
    job = add_job(store, film, output)
    JobRun(claimed(store, job), Journal(store))
    store.cancel(job.id)
    store.desk(HERE, "farm").release(job.id)
    with JobQueue(store.path.parent, workers=0) as queue:
        assert queue.remove(job.id) is None
    assert not WorkFolder.of(output, job.id).path.exists()
    assert Journal(store).begun_with(job.id) is None
