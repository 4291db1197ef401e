"""One job on its way through the farm: what is to be done next, and what became of it."""

from __future__ import annotations

import contextlib
import platform
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from masquerade.apps.farm.answers import checked_result
from masquerade.apps.farm.executor import Done, Event, Failed, Lost, Said, Told
from masquerade.apps.farm.inputs import check_unchanged, describe_inputs
from masquerade.apps.farm.journal import Finished, Journal
from masquerade.apps.farm.node_facts import NodeFacts
from masquerade.apps.farm.share import threads_of
from masquerade.apps.farm.task import Step, Task
from masquerade.apps.farm.work_folder import WorkFolder
from masquerade.apps.jobs.job import Failure, Job, JobSpec, settings_of
from masquerade.apps.jobs.work import consents_of
from masquerade.apps.jobs.worker import remove_pieces
from masquerade.core.errors import InputError, JobError
from masquerade.engine.seam import Seams, disagreeing
from masquerade.media.containers import VIDEO_EXTENSIONS
from masquerade.media.open import open_source, open_target
from masquerade.media.segment_sink import SegmentSink
from masquerade.media.segments import SegmentPlan, plan_segments

__all__ = ["MOST_TRIES", "JobRun"]

MOST_TRIES = 4
"""A piece whose worker died this often is given up: it would take the next one down too."""


class JobRun:
    """A job that a driver does.

    Args:
        job: claimed.
        journal: of the same store.
        signs: whether the workers can sign; then a film of one segment is done from file to file.

    Raises:
        InputError: an input is missing, of a kind that is not handled, or was changed.
        JobError: the program was changed since the job began.
        ConsentError: what was said of a donor was revoked.
        OutputError: the output's folder cannot be written.
    """

    def __init__(self, job: Job, journal: Journal, *, signs: bool = True) -> None:
        self.job = job
        self.folder = WorkFolder.of(job.spec.output, job.id)
        self.report: Mapping[str, Any] | None = None
        self.failure: Failure | None = None
        self._journal = journal
        self._under_way: dict[str, Task] = {}
        self._tries: Counter[str] = Counter()
        self._left: deque[Task] = deque()
        self._told: dict[str, int] = {}
        self._frames: list[int] = []
        self._suffix, self._kept, self._signs = "", 0, signs
        self._plan: SegmentPlan | None = None
        self._finished: dict[int, Finished] = {}
        self._consents = consents_of(job.spec)
        self._begin()

    @property
    def ended(self) -> bool:
        """Whether there is a report or a failure."""
        return self.report is not None or self.failure is not None

    @property
    def resumed(self) -> int:
        """How many segments were finished before this run."""
        return self._kept

    def next_task(self) -> Task | None:
        """What can be begun now; None where the job waits for its workers or has ended."""
        if self.ended or not self._left:
            return None
        task = self._left.popleft()
        self._under_way[task.id] = task
        return task

    def sweep(self) -> None:
        """Delete what was being written when its worker was stopped."""
        remove_pieces(self.job.spec.output)
        self.folder.sweep()

    def is_under_way(self, task_id: str) -> bool:
        """Whether a worker has that task, or will have it."""
        return task_id in self._under_way

    def take(self, event: Event) -> None:
        """Take in what was heard of one of the tasks.

        Raises:
            OutputError: the store cannot be written.
        """
        task = self._under_way.get(event.task_id)
        if task is None or self.ended:
            return
        match event:
            case Told(done=done):
                self._told[task.id] = done
            case Said(node=node, text=text):
                self._journal.log(self.job.id, node, f"{task.words}: {text}")
            case Done(node=node, result=result):
                self._forget(task)
                self._hear(task, node, result)
            case Failed(node=node, failure=failure):
                self._forget(task)
                self._journal.log(self.job.id, node, f"{task.words}: {failure.message}")
                self.failure = failure
            case Lost(node=node, reason=reason):
                self._forget(task)
                self._lost(task, node, reason)

    def progress(self) -> tuple[int, int]:
        """Frames that are finished and frames that there are; (0, 0) while nobody knows."""
        total = sum(self._frames)
        done = sum(self._frames[number] for number in self._finished)
        told = sum(
            min(done_, self._frames[self._under_way[id_].number])
            for id_, done_ in self._told.items()
            if id_ in self._under_way and self._under_way[id_].step in ("segment", "pictures")
        )
        return done + told, total

    # Beginning and going on

    def _begin(self) -> None:
        spec = self.job.spec
        self.sweep()
        facts = NodeFacts.here(NodeFacts.needed_by([spec]))
        begun = self._journal.begun_with(self.job.id)
        if begun is None:
            begun = self._begin_anew(facts)
        else:
            check_unchanged(begun, facts)
        if begun["plan"] is None:
            self._left.append(self._task("whole"))
            return
        self._suffix = SegmentSink.suffix(spec.video_options())
        self._plan = SegmentPlan.from_json(begun["plan"])
        self._frames = list(begun["frames"])
        if len(self._frames) != len(self._plan.segments):
            self._frames = _frames_of(self._plan, spec)
        self.folder.make()
        self._go_on(self._plan)

    def _begin_anew(self, facts: NodeFacts) -> dict[str, Any]:
        spec = self.job.spec
        inputs = describe_inputs(self._task("whole"))
        begun: dict[str, Any] = {"inputs": inputs, "facts": facts.as_dict(), "plan": None}
        if open_target(spec.target) == "video" and spec.output.suffix.lower() in VIDEO_EXTENSIONS:
            plan = plan_segments(spec.target, _length_s(spec), options=spec.video_options())
            if len(plan.segments) > 1 or not self._signs:
                begun |= {"plan": plan.to_json(), "frames": _frames_of(plan, spec)}
        self._journal.begin(self.job.id, begun)
        return begun

    def _go_on(self, plan: SegmentPlan) -> None:
        """See what is left."""
        self.folder.write(self.folder.plan, plan.to_json().encode())
        if len(plan.segments) > 1 and not plan.scouted_for:
            self._left.append(self._task("scout"))
            return
        self._bring_in_line()
        left = [number for number in range(len(plan.segments)) if number not in self._finished]
        self._left.extend(self._task("segment", number) for number in left)
        self._join_when_ready()

    def _bring_in_line(self) -> None:
        """Have the journal say what the folder holds."""
        noted = set(self._journal.numbers(self.job.id))
        self._finished = self.folder.finished(self._suffix)
        self._journal.strike(self.job.id, *(noted - set(self._finished)))
        new = [item for number, item in self._finished.items() if number not in noted]
        self._journal.add(self.job.id, *new)
        self._kept = len(self._finished)

    # What became of a task

    def _hear(self, task: Task, node: str, result: Mapping[str, Any]) -> None:
        """Take an answer, if it is one."""
        try:
            self._done(task, node, checked_result(task.step, result))
        except (InputError, JobError) as error:
            self.failure = Failure.of(error, self.job.spec)
        except ValueError as error:
            self._lost(task, node, f"the answer makes no sense ({error})")

    def _done(self, task: Task, node: str, result: Mapping[str, Any]) -> None:
        match task.step:
            case "scout":
                self._journal.log(self.job.id, node, f"scout: {result['words']}")
                spec, plan = self.job.spec, SegmentPlan.from_json(result["plan"])
                self._plan = replace(plan, path=str(spec.target))  # a node may have had a copy
                self._frames = _frames_of(self._plan, spec)
                begun = self._journal.begun_with(self.job.id) or {}
                more = {"plan": self._plan.to_json(), "frames": self._frames}
                self._journal.begin(self.job.id, begun | more)
                self._go_on(self._plan)
            case "segment":
                item = Finished(task.number, result["bytes"], result["report"])
                self._finished[task.number] = item
                self._journal.add(self.job.id, item)
                self._journal.log(self.job.id, node, f"{task.words}: {result['words']}")
                self._join_when_ready()
            case "join" | "whole":
                self._journal.log(self.job.id, node, f"{task.words}: written")
                self.report = result

    def _lost(self, task: Task, node: str, reason: str) -> None:
        self._tries[task.id] += 1
        self._journal.log(self.job.id, node, f"{task.words}: {reason}")
        if self._tries[task.id] < MOST_TRIES:
            self._left.appendleft(task)
            return
        error = JobError(
            f"The program that did {task.words} ended unexpectedly {MOST_TRIES} times; look at "
            f"`masquerade farm logs {self.job.id[:8]}`."
        )
        self.failure = Failure.of(error, self.job.spec)

    def _forget(self, task: Task) -> None:
        del self._under_way[task.id]
        self._told.pop(task.id, None)

    def _join_when_ready(self) -> None:
        """Once all segments are there: have those done anew that do not fit the ones before."""
        assert self._plan is not None
        if len(self._finished) < len(self._frames):
            return
        reports = [item.report for _number, item in sorted(self._finished.items())]
        seams = [Seams.of_dict(report.get("seams")) for report in reports]
        told = [str(report.get("entry", "")) for report in reports]
        again = disagreeing(self._plan.segments, seams, told)
        for number, entry in again.items():
            self._do_again(number, entry.to_json())
        if not again:
            self._left.append(self._task("join"))

    def _do_again(self, number: int, entry: str) -> None:
        words = "is done again: it had other people or another label than the one before it"
        self._journal.log(self.job.id, platform.node(), f"segment {number + 1}: {words}")
        with contextlib.suppress(OSError):  # it will be replaced
            self.folder.segment(number, self._suffix).unlink()
        self._journal.strike(self.job.id, number)
        del self._finished[number]
        self._left.append(self._task("segment", number, entry))

    def _task(self, step: Step, number: int = 0, entry: str = "") -> Task:
        spec = self.job.spec
        return Task(
            job_id=self.job.id,
            step=step,
            number=number,
            entry=entry,
            spec=spec,
            folder=self.folder.path,
            threads=threads_of(spec),
            consents=self._consents,
        )


def _length_s(spec: JobSpec) -> float:
    """Of a segment; a day of what is not cut.

    Who is replaced by the number of a track cannot be: segments count anew. And where the content
    check is off, it is somebody's age on one frame that may turn it on for all that follow.
    """
    numbered = any(isinstance(whom, int) for whom in spec.references.values())
    if numbered or not settings_of(spec.settings).content_check:
        return 86_400.0
    return spec.segment_s


def _frames_of(plan: SegmentPlan, spec: JobSpec) -> list[int]:
    """About how many frames each segment has, for the progress."""
    with open_source(spec.target, spec.video_options()) as source:
        rate, length_s = float(source.info.rate or 25), source.info.duration_s
    ends = [part.end_pts for part in plan.segments[:-1]]
    lengths_s = [
        float((end - part.start_pts) * plan.base)
        for part, end in zip(plan.segments, ends, strict=False)
        if end is not None
    ]
    rest_s = spec.segment_s if length_s is None else max(0.0, length_s - sum(lengths_s))
    return [max(1, round(seconds * rate)) for seconds in (*lengths_s, rest_s)]
