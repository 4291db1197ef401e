"""The first pass over a film that is worked on in segments: scenes, and who is where, once.

Faces are searched, followed, numbered and given their donors exactly as in a film that is swapped
in one go, and what was found is written down for every frame. Whoever works on a segment reads it
there: so the segments agree about who is who, nobody searches twice, and what must not be swapped
is refused before anything is drawn.

A survey is a folder: ``survey.json``, and a file for each segment, which is all that a machine
needs that works on that segment. The files of the first segments can be used while the last ones
are still being surveyed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.core.errors import CancelledError
from masquerade.core.face import Attributes
from masquerade.engine.survey_file import SURVEY_FILE, PartFacts, Person, Survey
from masquerade.engine.survey_part import write_part
from masquerade.engine.survey_record import SurveyPart
from masquerade.engine.survey_recorder import Recorder
from masquerade.pipeline.meter import Progress
from masquerade.stages.disclose import Disclose
from masquerade.trust.badge import make_badge

if TYPE_CHECKING:
    from masquerade.core.face import Face
    from masquerade.core.frame import Frame
    from masquerade.core.settings import Settings
    from masquerade.engine.engine import Engine
    from masquerade.media.limits import MediaLimits
    from masquerade.media.segments import SegmentPlan
    from masquerade.pipeline.line import Line

__all__ = ["PartFacts", "Person", "Survey", "survey", "survey_fingerprint", "watched"]

_HEADS_KEPT_S = 1.0
_SAME_PERSON = 0.6
"""Cosine of two tracks' embeddings from which they are taken for one person."""


def survey(
    plan: SegmentPlan,
    engine: Engine,
    folder: str | Path,
    *,
    progress: Callable[[Progress], None] | None = None,
    on_part: Callable[[int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    limits: MediaLimits | None = None,
) -> Survey:
    """Look through a film once and write down what was found.

    Args:
        plan: the film and its segments.
        engine: with the settings, donors and references of the swap.
        folder: where the survey is written; it must be there.
        progress: called now and then.
        on_part: called with a segment's number as soon as its part is there.
        cancel: asked now and then; True ends the work.
        limits: the largest frame that is read.

    Raises:
        InputError: the film was changed since it was planned, or cannot be read.
        ContentError: the content check refuses the film.
        ConsentError: it shows a face that must not be used.
        OutputError: the folder cannot be written.
        CancelledError: ``cancel`` said so, or Ctrl-C was pressed.
    """
    from masquerade.media.cut_source import CutSource

    plan.check()
    folder, parts = Path(folder), list[PartFacts]()
    fingerprint = survey_fingerprint(plan, engine)
    _remove(folder / SURVEY_FILE)

    def emit(part: SurveyPart) -> None:
        write_part(part, Survey.part_path(folder, part.index))
        parts.append(_facts(part))
        if on_part is not None:
            on_part(part.index)

    def adapt(line: Line) -> Line:
        return line.with_sections([line.sections[0], recorder])

    with CutSource(plan, None, limits=limits) as source:
        label = Disclose(make_badge(engine.settings.label))
        lead_frames = _lead_frames(plan, engine.settings, source.info.rate)
        recorder = Recorder(plan, fingerprint, label, lead_frames, emit)
        engine.run(source, _Nowhere(), watched(progress, cancel), allow_no_face=True, adapt=adapt)
    recorder.finish()
    found = Survey(
        folder, fingerprint, tuple(parts), tuple(recorder.scenes), _people(recorder.tracks)
    )
    found.save()
    return found


def _remove(path: Path) -> None:
    from masquerade.media.output_file import output_error

    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(error, path) from error


def _lead_frames(plan: SegmentPlan, settings: Settings, rate: Fraction | None) -> int:
    """The plan's, or as many as cover what is remembered for seconds: what was last drawn of a
    face that is lost, and in the strict mode heads that were seen.
    """
    seconds = max(settings.hold_s, _HEADS_KEPT_S if settings.strict else 0.0)
    return max(plan.lead_frames, math.ceil(seconds * (rate or 25)) + 1)


def watched(
    progress: Callable[[Progress], None] | None, cancel: Callable[[], bool] | None
) -> Callable[[Progress], None]:
    """A progress callback that ends the work when it is cancelled."""

    def show(now: Progress) -> None:
        if cancel is not None and cancel():
            raise CancelledError("The segment was stopped; nothing was written.")
        if progress is not None:
            progress(now)

    return show


def survey_fingerprint(plan: SegmentPlan, engine: Engine) -> str:
    """What a survey holds for, as SHA-256, hexadecimal; the number of threads does not count."""
    settings = {**asdict(engine.settings), "threads": 0}
    plain = [plan.fingerprint, settings, list(engine.identities), _references(engine.references)]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _references(given: Mapping[str, Attributes | int]) -> dict[str, int | str]:
    return {
        name: hashlib.sha256(whom.embedding_unit.tobytes()).hexdigest()
        if isinstance(whom, Attributes)
        else whom
        for name, whom in given.items()
    }


class _Nowhere:
    """A sink for a pass that writes no frame."""

    def write(self, frame: Frame) -> None:
        """Nothing."""

    def commit(self) -> None:
        """Nothing."""

    def abort(self) -> None:
        """Nothing."""


def _facts(part: SurveyPart) -> PartFacts:
    own = part.frames[part.skip :]
    return PartFacts(
        frames=len(own),
        lead_frames=part.skip,
        faces_found=sum(len(frame.faces) for frame in own),
        faces_selected=sum(face.selected for frame in own for face in frame.faces),
    )


def _people(tracks: Mapping[int, Face]) -> tuple[Person, ...]:
    """Tracks whose embeddings agree are one person: each joins whom it is most like."""
    found: list[tuple[Any, list[int], set[str]]] = []
    for number, face in sorted(tracks.items()):
        assert face.attributes is not None
        unit = face.attributes.embedding_unit
        likeness = [float(unit @ other) for other, _, _ in found]
        best = int(np.argmax(likeness)) if likeness else -1
        if best < 0 or likeness[best] < _SAME_PERSON:
            found.append((unit, [], set()))
            best = len(found) - 1
        found[best][1].append(number)
        found[best][2].update([face.donor] if face.donor is not None else [])
    return tuple(Person(tuple(numbers), tuple(sorted(donors))) for _, numbers, donors in found)
