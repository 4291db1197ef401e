"""One piece of a job: what a worker is given, here or on another machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from masquerade.apps.jobs.job import JobSpec
from masquerade.core.errors import JobError
from masquerade.trust.consent import Consent

__all__ = ["Step", "Task"]

Step = Literal["scout", "segment", "join", "whole", "pictures"]
"""``scout`` says where a film is cut; ``segment`` swaps one piece of it; ``join`` makes
one signed file of the pieces; ``whole`` does a file that is not cut; ``pictures`` does one batch of
a folder."""
_NUMBERED = ("segment", "pictures")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be done; everything in it can be written as JSON.

    Attributes:
        job_id: whose piece it is.
        step: what kind of work.
        number: of the segment or batch; 0 for the other steps.
        entry: of a segment that is done anew, who is who where it begins; see
            :class:`masquerade.engine.seam.Entry`, as text.
        spec: the job. Its files may be copies that only the worker's machine has.
        folder: where the job's pieces lie.
        threads: of each network and each coder. It is the same for all pieces of a job, on all
            machines, since the bytes that a video encoder writes depend on it.
        consents: by donor, what was said of the use of the face.
    """

    job_id: str
    step: Step
    number: int = 0
    entry: str = ""
    spec: JobSpec
    folder: Path
    threads: int = 1
    consents: Mapping[str, Consent | str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Of this task among all."""
        return f"{self.job_id}/{self.step}/{self.number}"

    @property
    def words(self) -> str:
        """What it is called in a log."""
        return f"{self.step} {self.number + 1}" if self.step in _NUMBERED else self.step

    def inputs(self) -> tuple[Path, ...]:
        """The files that the work reads, but for those in ``folder`` and a folder's pictures."""
        photos = [file for files in self.spec.donors.values() for file in files]
        references = [ref for ref in self.spec.references.values() if isinstance(ref, Path)]
        target = () if self.step == "pictures" else (self.spec.target,)
        return tuple(dict.fromkeys((*target, *photos, *references)))

    def moved(self, places: Mapping[Path, Path], folder: Path) -> Task:
        """The same with its inputs at other places and its pieces in another folder."""
        spec = replace(
            self.spec,
            target=places.get(self.spec.target, self.spec.target),
            donors={
                name: tuple(places.get(file, file) for file in files)
                for name, files in self.spec.donors.items()
            },
            references={
                name: places.get(ref, ref) if isinstance(ref, Path) else ref
                for name, ref in self.spec.references.items()
            },
        )
        return replace(self, spec=spec, folder=folder)

    def to_json(self) -> str:
        """The same on one line, for :meth:`from_json`."""
        return json.dumps(
            {
                "job_id": self.job_id,
                "step": self.step,
                "number": self.number,
                "entry": self.entry,
                "spec": self.spec.to_json(),
                "folder": str(self.folder),
                "threads": self.threads,
                "consents": {
                    name: said if isinstance(said, str) else asdict(said)
                    for name, said in self.consents.items()
                },
            }
        )

    @staticmethod
    def from_json(text: str) -> Task:
        """What :meth:`to_json` wrote.

        Raises:
            JobError: the text is something else.
        """
        try:
            plain = json.loads(text)
            spec, folder = JobSpec.from_json(plain.pop("spec")), Path(plain.pop("folder"))
            consents = {
                name: said if isinstance(said, str) else Consent(**said)
                for name, said in plain.pop("consents").items()
            }
            task = Task(spec=spec, folder=folder, consents=consents, **plain)
            if task.step not in get_args(Step) or not all(
                type(number) is int and number >= 0 for number in (task.number, task.threads)
            ):
                raise ValueError("no step")
            if not (isinstance(task.job_id, str) and isinstance(task.entry, str)):
                raise TypeError("no text")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise JobError(
                "A task cannot be read; install the same version on all machines."
            ) from error
        return task
