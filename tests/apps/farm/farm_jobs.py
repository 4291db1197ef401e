"""Jobs of the farm, and an executor that only writes down what it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from talking_film import packets

from masquerade.apps.farm.executor import Done, Event
from masquerade.apps.farm.task import Task
from masquerade.apps.farm.work_folder import WorkFolder
from masquerade.apps.jobs.job import Job, JobSpec
from masquerade.apps.jobs.store import JobStore
from masquerade.engine.seam import Seams
from masquerade.media.segments import SegmentPlan
from masquerade.pipeline.report import Tally

MONA = Path(__file__).parents[3] / "src/masquerade/media/assets/mona_lisa.jpg"


def add_job(store: JobStore, film: Path, output: Path, *, priority: int = 0, **more: object) -> Job:
    values = {
        "name": film.name,
        "target": film,
        "output": output,
        "donors": {"mona": (MONA,)},
        "consents": {"mona": "public-domain"},
        "segment_s": 1.0,
    }
    return store.add_farm([(JobSpec(**{**values, **more}), priority)])[0]


class PaperExecutor:
    """Does nothing by itself; a test says what becomes of each task.

    Args:
        finish: finish every task at once, with files that hold nothing of a film.
    """

    signs = True

    def __init__(self, *, finish: bool = True) -> None:
        self.submitted: list[Task] = []
        self.cancelled: list[str] = []
        self.events: list[Event] = []
        self._finish = finish

    slots = 2

    def submit(self, task: Task) -> None:
        self.submitted.append(task)
        if self._finish:
            self.events.append(finished(task))

    def results(self, timeout_s: float) -> Sequence[Event]:
        events, self.events = self.events, []
        return events

    def cancel(self, job_id: str) -> None:
        self.cancelled.append(job_id)
        self.events = [event for event in self.events if not event.task_id.startswith(job_id)]

    def close(self) -> None:
        pass


def finished(task: Task, seams: Seams | None = None) -> Done:
    """What a worker would have left and answered; ``seams`` of a segment."""
    folder, result = WorkFolder(task.folder), {"words": "", "frames": 1}
    match task.step:
        case "scout":
            plan = SegmentPlan.from_json(folder.read(folder.plan))
            result = {"words": "scouted", "plan": replace(plan, scouted_for="ab").to_json()}
        case "segment":
            passing = folder.passing("segment.mp4")
            passing.write_bytes(b"film" * (task.number + 1))
            own = {"seams": (seams or Seams()).as_dict(), "entry": task.entry}
            report = {"counts": Tally().counts(), "seconds": 1.0, "warnings": [], **own}
            item = folder.place(passing, task.number, report)
            result = {"words": "swapped", "bytes": item.size, "report": dict(item.report)}
        case "join" | "whole":
            task.spec.output.write_bytes(b"joined")
    return Done(task.id, "here", result)


def same_film(one: Path, two: Path) -> bool:
    """Whether picture and sound are the same bytes; signatures are made anew each time."""
    return all(packets(one, kind) == packets(two, kind) for kind in ("video", "audio"))
