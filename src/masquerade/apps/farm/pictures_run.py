"""A folder of pictures on its way through the farm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from masquerade.apps.farm.inputs import check_unchanged, describe_inputs
from masquerade.apps.farm.job_run import MOST_TRIES, JobRun
from masquerade.apps.farm.journal import Finished, Journal
from masquerade.apps.farm.node_facts import NodeFacts
from masquerade.apps.farm.pictures import PictureList, is_bulk
from masquerade.apps.farm.task import Task
from masquerade.apps.farm.work_folder import BATCH_SUFFIX
from masquerade.apps.jobs.job import Failure, Job
from masquerade.core.errors import JobError
from masquerade.pipeline.report import Tally

__all__ = ["PicturesRun", "begin_run"]

_MOST_TOLD = 100
"""Pictures that were not written, by name in the job's report; the log has all of them."""


def begin_run(job: Job, journal: Journal, *, signs: bool = True) -> JobRun:
    """The run of a job, by what its target is; arguments and errors are those of JobRun."""
    kind = PicturesRun if is_bulk(job.spec) else JobRun
    return kind(job, journal, signs=signs)


class PicturesRun(JobRun):
    """A job whose target is a folder; its pieces are batches of pictures.

    A picture at which the worker dies time and again is given up, and the others are done.
    """

    def _begin(self) -> None:
        spec = self.job.spec
        self._died_at: Counter[int] = Counter()
        self._suffix = BATCH_SUFFIX
        facts = NodeFacts.here(NodeFacts.needed_by([spec]))
        begun = self._journal.begun_with(self.job.id)
        if begun is None:
            self._pictures, changed = PictureList.of(spec.target), set[int]()
            inputs = describe_inputs(self._task("pictures"))
            begun = {"inputs": inputs, "facts": facts.as_dict(), "plan": None}
        else:
            check_unchanged(begun, facts)
            kept = PictureList.from_json(begun.get("pictures", ""))
            self._pictures, changed = kept.renewed(spec.target)
        batches = self._pictures.batches
        self._frames = [len(batch) for batch in batches]
        begun |= {"frames": self._frames, "pictures": self._pictures.to_json()}
        self._journal.begin(self.job.id, begun)
        self.folder.make()
        self.folder.sweep()
        self._write_list()
        for number, batch in enumerate(batches):
            if changed & set(batch):
                self.folder.segment(number, BATCH_SUFFIX).unlink(missing_ok=True)
        self._bring_in_line()
        self._left.extend(
            self._task("pictures", number)
            for number in range(len(batches))
            if number not in self._finished
        )
        self._end_when_all_are_done()

    def _done(self, task: Task, node: str, result: Mapping[str, Any]) -> None:
        item = Finished(task.number, result["bytes"], result["report"])
        self._finished[task.number] = item
        self._journal.add(self.job.id, item)
        for failed in item.report["failed"]:
            text = f"not written: {failed['target']}: {failed['error']}"
            self._journal.log(self.job.id, node, text)
        self._end_when_all_are_done()

    def _lost(self, task: Task, node: str, reason: str) -> None:
        place = self.folder.place_at(task.number)
        if place is None:
            super()._lost(task, node, reason)
            return
        name = self._pictures.items[place][0]
        self._died_at[place] += 1
        self._journal.log(self.job.id, node, f"{task.words}: {reason}, at {name}")
        if self._died_at[place] >= MOST_TRIES:
            why = f"The program ended unexpectedly {MOST_TRIES} times at {name}; look at the file."
            given_up = {**self._pictures.given_up, place: why}
            self._pictures = PictureList(self._pictures.items, given_up)
            begun = self._journal.begun_with(self.job.id) or {}
            self._journal.begin(self.job.id, begun | {"pictures": self._pictures.to_json()})
            self._write_list()
        self._left.appendleft(task)

    def _write_list(self) -> None:
        self.folder.write(self.folder.pictures, self._pictures.to_json().encode())

    def _end_when_all_are_done(self) -> None:
        if len(self._finished) < len(self._frames):
            return
        tally, seconds, warnings = Tally(), 0.0, dict[str, None]()
        failed: list[Mapping[str, str]] = []
        for _number, item in sorted(self._finished.items()):
            tally.absorb(item.report["counts"])
            seconds += float(item.report["seconds"])
            warnings.update(dict.fromkeys(item.report["warnings"]))
            failed += item.report.get("failed", ())
        if not tally.frames:
            error = JobError(
                f"None of the {len(failed)} pictures could be done; the first, "
                f"{failed[0]['target']}: {failed[0]['error']}"
            )
            self.failure = Failure.of(error, self.job.spec)
            return
        self.report = {
            **tally.counts(),
            "seconds": round(seconds, 3),
            "fps": round(tally.frames / seconds, 3) if seconds else 0.0,
            "timings_ms": {},
            "encoder": None,
            "advice": [],
            "warnings": list(warnings),
            "models": [],
            "strategy": f"{len(self._frames)} batches of pictures",
            "pictures": len(self._pictures.items),
            "not_written": len(failed),
            "first_not_written": [dict(item) for item in failed[:_MOST_TOLD]],
        }
