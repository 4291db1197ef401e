"""A batch of pictures: done with an engine that stays open, and bounded memory.

A picture that cannot be done is listed with its reason, and the others are done.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from masquerade.apps.farm.pictures import PictureList, output_of
from masquerade.apps.jobs.job import JobSpec
from masquerade.apps.jobs.work import do_file
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

__all__ = ["do_batch"]

_ENDS_ALL = (RuntimeSetupError, CancelledError, SigningError)
_ENDS_ALL_CODES = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


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
    limits, tally, failed = MediaLimits(), Tally(), list[dict[str, str]]()
    warnings, seconds = dict[str, None](), 0.0
    works = {Work(spec.target / pictures.items[p][0], _out(spec, pictures, p)): p for p in places}
    todo = [work for work, place in works.items() if place not in pictures.given_up]
    for place in places:
        if place in pictures.given_up:
            failed.append(_failed(pictures.items[place][0], "JobError", pictures.given_up[place]))
    for done, (work, found) in enumerate(read_ahead(todo, lambda _work: None, limits), 1):
        at(works[work])
        one = replace(spec, name=work.target.name, target=work.target, output=_moving(work, found))
        try:
            if isinstance(found, MasqueradeError):
                raise found
            report = do_file(engine, one, consents, found, lambda _progress: None, limits)
        except MasqueradeError as error:
            if _ends_all(error):
                raise
            failed.append(_failed(work.target.name, type(error).__name__, str(error)))
        else:
            tally.absorb(report.as_dict())
            seconds += report.seconds
            warnings.update(dict.fromkeys(report.warnings))
        show(Progress(done, len(places), 0.0, None))
    return {
        "counts": tally.counts(),
        "seconds": round(seconds, 3),
        "warnings": list(warnings),
        "failed": failed,
    }


def _out(spec: JobSpec, pictures: PictureList, place: int) -> Path:
    return output_of(spec, pictures.items[place][0], place)


def _moving(work: Work, found: object) -> Path:
    """The output; of an animation one that can hold it."""
    still = found is not None or work.output.suffix.lower() in ANIMATION_EXTENSIONS
    return work.output if still else work.output.with_name(f"{work.output.name}.gif")


def _failed(name: str, kind: str, error: str) -> dict[str, str]:
    return {"target": name, "kind": kind, "error": " ".join(error.split())}


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
