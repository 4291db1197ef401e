"""A batch of pictures: done with an engine that stays open, and bounded memory.

A picture that cannot be done is listed with its reason, and the others are done.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.apps.farm.pictures import PictureList, output_of
from masquerade.apps.jobs.job import JobSpec
from masquerade.apps.jobs.work import do_file, statement_of
from masquerade.apps.picture_stream import read_ahead
from masquerade.apps.plan import Work
from masquerade.core.errors import (
    CancelledError,
    MasqueradeError,
    OutputError,
    RuntimeSetupError,
    SigningError,
)
from masquerade.engine import Engine
from masquerade.media.animation import ANIMATION_EXTENSIONS
from masquerade.media.limits import MediaLimits
from masquerade.pipeline.meter import Progress
from masquerade.pipeline.report import Tally
from masquerade.trust.consent import Consent

if TYPE_CHECKING:
    from masquerade.core.disclosure import Disclosure
    from masquerade.media.picture import Picture

__all__ = ["BatchReport", "do_batch", "finished_output", "go_through"]

_ENDS_ALL = (RuntimeSetupError, CancelledError, SigningError)
_ENDS_ALL_CODES = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


@dataclass(slots=True)
class BatchReport:
    """What became of a batch so far."""

    _tally: Tally = field(default_factory=Tally)
    _seconds: float = 0.0
    _warnings: dict[str, None] = field(default_factory=dict)
    _failed: list[dict[str, str]] = field(default_factory=list)

    def add(self, report: Mapping[str, Any]) -> None:
        """A picture is done; see ``Report.as_dict``."""
        self._tally.absorb(report)
        self._seconds += float(report["seconds"])
        self._warnings.update(dict.fromkeys(report["warnings"]))

    def add_failed(self, target: Path, kind: str, error: str) -> None:
        """A picture was not written; it is called by its name, wherever this machine has it."""
        words = " ".join(error.split()).replace(str(target), target.name)
        self._failed.append({"target": target.name, "kind": kind, "error": words})

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, see :func:`do_batch`."""
        return {
            "counts": self._tally.counts(),
            "seconds": round(self._seconds, 3),
            "warnings": list(self._warnings),
            "failed": self._failed,
        }


def do_batch(
    engine: Engine,
    spec: JobSpec,
    pictures: PictureList,
    places: Sequence[int],
    *,
    consents: Mapping[str, Consent | str],
    show: Callable[[Progress], None],
    at: Callable[[int], None],
) -> dict[str, Any]:
    """Do some pictures of a job.

    Args:
        engine: of the job's donors and settings.
        spec: the job.
        pictures: all of its pictures.
        places: which ones are to be done.
        consents: what was said of each donor.
        show: called with how many are done.
        at: called with the place of each picture before it is done.

    Returns:
        Plain JSON: ``counts``, ``seconds``, ``warnings``, and ``failed``, which has ``target``,
        ``kind`` and ``error`` of each picture that was not written.

    Raises:
        MasqueradeError: what all other pictures would meet too: a full disk, a missing network.
    """
    report = BatchReport()

    def do(place: int, target: Path, picture: Picture | None) -> None:
        output = finished_output(spec, target.name, place, moves=picture is None)
        one = replace(spec, name=target.name, target=target, output=output)

        def state(touched: bool) -> Disclosure:
            return statement_of(engine, one, consents, touched=touched)

        done = do_file(engine, one, picture, state, lambda _progress: None, MediaLimits())
        report.add(done.as_dict())

    go_through(spec, pictures, places, do, report.add_failed, show=show, at=at)
    return report.as_dict()


def go_through(
    spec: JobSpec,
    pictures: PictureList,
    places: Sequence[int],
    do: Callable[[int, Path, Picture | None], None],
    failed: Callable[[Path, str, str], None],
    *,
    show: Callable[[Progress], None],
    at: Callable[[int], None],
) -> None:
    """Read the pictures of a batch one after the other, and do something with each.

    Args:
        spec, pictures, places, show, at: as for :func:`do_batch`.
        do: given a picture's place, its file, and what was read: None of one that moves.
        failed: told of a picture that cannot be done its file, the kind of error and its message.

    Raises:
        MasqueradeError: what all other pictures would meet too.
    """
    for place in places:
        if place in pictures.given_up:
            failed(spec.target / pictures.items[place][0], "JobError", pictures.given_up[place])
    works = {
        Work(spec.target / name, output_of(spec, name, place)): place
        for place in places
        if place not in pictures.given_up
        for name in [pictures.items[place][0]]
    }
    found_of = read_ahead(works, lambda _work: None, MediaLimits())
    for done, (work, found) in enumerate(found_of, 1):
        at(works[work])
        try:
            if isinstance(found, MasqueradeError):
                raise found
            do(works[work], work.target, found)
        except MasqueradeError as error:
            if _ends_all(error):
                raise
            failed(work.target, type(error).__name__, str(error))
        show(Progress(done, len(places), 0.0, None))


def finished_output(spec: JobSpec, name: str, place: int, *, moves: bool) -> Path:
    """Where the picture of that name and place goes; one that moves to a file that can hold it."""
    output = output_of(spec, name, place)
    if not moves or output.suffix.lower() in ANIMATION_EXTENSIONS:
        return output
    return output.with_name(f"{output.name}.gif")


def _ends_all(error: MasqueradeError) -> bool:
    """Whether the other pictures would meet it too."""
    if isinstance(error, _ENDS_ALL):
        return True
    cause = error.__cause__
    return (
        isinstance(error, OutputError)
        and isinstance(cause, OSError)
        and cause.errno in _ENDS_ALL_CODES
    )
