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

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.core.errors import CancelledError, CorruptMediaError, InputError, MissingInputError
from masquerade.core.face import Attributes
from masquerade.engine.survey_part import SurveyPart, write_part
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

__all__ = ["PartFacts", "Person", "Survey", "survey", "survey_fingerprint"]

_FILE, _KIND, _VERSION = "survey.json", "masquerade survey", 1
_MOST_BYTES = 64 * 2**20
_HEADS_KEPT_S = 1.0
_SAME_PERSON = 0.6
"""Cosine of two tracks' embeddings from which they are taken for one person."""


@dataclass(frozen=True, slots=True)
class PartFacts:
    """One segment's part: how many frames are written of it and worked on before it, and how
    often a face is found and swapped on the written ones.
    """

    frames: int
    lead_frames: int
    faces_found: int
    faces_selected: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the film.

    Attributes:
        tracks: the numbers under which they are followed, one a scene as a rule.
        donors: names of the donors that they get; none for bystanders.
    """

    tracks: tuple[int, ...]
    donors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """A film's finished survey.

    Attributes:
        folder: where it lies.
        fingerprint: of the plan, the settings, the donors' names and whom they replace.
        parts: of the segments, in order.
        scenes: times at which scenes begin, in the plan's time base, as frames leave the source.
        people: who was seen well enough to be told from others.
    """

    folder: Path
    fingerprint: str
    parts: tuple[PartFacts, ...]
    scenes: tuple[int, ...]
    people: tuple[Person, ...]

    @property
    def frames(self) -> int:
        """Of the whole film."""
        return sum(part.frames for part in self.parts)

    @property
    def faces_found(self) -> int:
        """Faces in the film, counted anew in every frame."""
        return sum(part.faces_found for part in self.parts)

    @property
    def faces_selected(self) -> int:
        """Those of them that are to be swapped; where there is none nothing need be done."""
        return sum(part.faces_selected for part in self.parts)

    @staticmethod
    def part_path(folder: Path, index: int) -> Path:
        """Where a segment's part lies; it is there as soon as it is finished."""
        return folder / f"part-{index:06}.faces"

    @classmethod
    def load(cls, folder: str | Path) -> Survey:
        """The survey in a folder. Its files are not trusted: nothing in them is executed.

        Raises:
            MissingInputError: there is none, or it is not finished.
            InputError: it is damaged or of another version.
        """
        folder = Path(folder)
        path = folder / _FILE
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ValueError("its size")
            return _from_plain(folder, json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise MissingInputError(f"There is no finished survey in {folder}.") from error
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}).") from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise CorruptMediaError(f"{path} is damaged or no survey; make it anew.") from error

    def save(self) -> None:
        """Write ``survey.json``, whole or not at all.

        Raises:
            OutputError: the folder cannot be written.
        """
        from masquerade.media.output_file import OutputFile

        plain = {
            "kind": _KIND,
            "version": _VERSION,
            "fingerprint": self.fingerprint,
            "parts": [dataclasses.astuple(part) for part in self.parts],
            "scenes": self.scenes,
            "people": [[person.tracks, person.donors] for person in self.people],
        }
        text = json.dumps(plain, sort_keys=True)
        OutputFile(self.folder / _FILE, overwrite=True).write_whole(text.encode())


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
    (folder / _FILE).unlink(missing_ok=True)

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


def _from_plain(folder: Path, plain: Any) -> Survey:
    if plain["kind"] != _KIND or plain["version"] != _VERSION:
        raise ValueError("its kind")
    parts = tuple(PartFacts(*map(_count, item)) for item in plain["parts"])
    people = tuple(
        Person(tuple(map(_count, tracks)), tuple(map(_word, donors)))
        for tracks, donors in plain["people"]
    )
    scenes = tuple(plain["scenes"])
    if not all(type(pts) is int for pts in scenes):
        raise ValueError("its scenes")
    return Survey(folder, _word(plain["fingerprint"]), parts, scenes, people)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**40:
        raise ValueError("a number")
    return value


def _word(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 500:
        raise ValueError("a word")
    return value
