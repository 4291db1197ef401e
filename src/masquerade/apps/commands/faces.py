"""``masquerade faces``: what the product sees in a file."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from masquerade.apps.arguments import settings_changes
from masquerade.apps.console import Console, clock_time
from masquerade.apps.limit_arguments import limits_from
from masquerade.apps.network_arguments import execution_from
from masquerade.apps.table import table
from masquerade.core.errors import NoFaceInTargetError
from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.engine.annotation import annotation_origin
from masquerade.engine.finding import finding_stages
from masquerade.engine.held_networks import HeldNetworks
from masquerade.engine.networks import shared_networks
from masquerade.media.image import Picture, read_image, write_image
from masquerade.media.open import open_source, open_target
from masquerade.media.output_file import OutputFile
from masquerade.pipeline.meter import Meter
from masquerade.stages.quality import assess

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.face import Attributes, Face
    from masquerade.media.limits import MediaLimits
    from masquerade.models.network_detector import FindsFacesAt

__all__ = ["run"]

_LOOK_AGAIN = 1.25  # a face is described anew once it is this much larger than at the last time
_COLOURS_BGR = ((99, 210, 68), (60, 170, 250), (240, 170, 60), (200, 110, 230), (80, 220, 230))


@dataclass
class _Person:
    """One track and its best view."""

    id: int
    first_s: float
    last_s: float
    frames: int
    face: Face
    attributes: Attributes
    quality: float
    reasons: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "box": [round(float(value), 1) for value in self.face.bbox],
            "score": round(self.face.score, 3),
            "age": round(self.attributes.age, 1),
            "gender": self.attributes.gender,
            "quality": round(self.quality, 2),
            "reasons": list(self.reasons),
            "first_s": round(self.first_s, 3),
            "last_s": round(self.last_s, 3),
            "frames": self.frames,
        }


class _Watcher:
    """Follows the faces of a stream and remembers its people and its fullest frame."""

    def __init__(self, settings: Settings, detector: FindsFacesAt | None) -> None:
        self._stages = finding_stages(settings, detector)
        self._embedder = shared_networks(settings.threads).embedder
        self.people: dict[int, _Person] = {}
        self._fullness: tuple[int, float] = (-1, 0.0)
        self._fullest: tuple[NDArray[np.uint8], list[Face]] | None = None

    def watch(self, frame: Frame) -> None:
        job = FrameJob(frame)
        for stage in self._stages:
            job = stage.process(job)
        seen = [face for face in job.faces if face.state != "lost" and face.landmarks is not None]
        for face in seen:
            self._meet(face, frame)
        fullness = (len(seen), sum(face.size_px for face in seen))
        if fullness > self._fullness:
            self._fullness, self._fullest = fullness, (frame.pixels, seen)

    def drawn(self) -> NDArray[np.uint8]:
        """The frame with the most faces, with what is known of them drawn in."""
        assert self._fullest is not None, "nothing was watched"
        pixels, faces = self._fullest
        picture = pixels.copy()
        for face in faces:
            _draw(picture, face, self.people[face.track_id])
        return picture

    def _meet(self, face: Face, frame: Frame) -> None:
        person = self.people.get(face.track_id)
        if person is None or face.size_px > _LOOK_AGAIN * person.face.size_px:
            person = self._describe(face, frame, person)
            self.people[face.track_id] = person
        person.last_s = frame.seconds
        person.frames += 1

    def _describe(self, face: Face, frame: Frame, known: _Person | None) -> _Person:
        assert face.landmarks is not None
        quality = assess(frame.pixels, face.landmarks)
        return _Person(
            id=face.track_id,
            first_s=known.first_s if known else frame.seconds,
            last_s=frame.seconds,
            frames=known.frames if known else 0,
            face=face,
            attributes=self._embedder.describe(frame.pixels, [face.landmarks])[0],
            quality=quality.score,
            reasons=quality.reasons,
        )


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """List the faces of a file and draw them if that is asked for."""
    settings = Settings().replace(**settings_changes(args))
    limits = limits_from(args)
    if args.output:
        OutputFile(args.output, overwrite=args.overwrite, inputs=[args.file]).abort()
    kind = open_target(args.file, limits=limits)
    with (
        HeldNetworks(settings, execution_from(args), console.note) as held,
        _frames(args.file, kind, limits, console) as frames,
    ):
        watcher = _Watcher(settings, held.networks.detector)
        for frame in frames:
            watcher.watch(frame)
    people = sorted(watcher.people.values(), key=lambda person: person.id)
    if not people:
        raise NoFaceInTargetError(
            f"{args.file} shows no face; lower --detect-score to look harder."
        )
    console.say(table(*_rows(people, moving=kind != "image")))
    if args.output:
        picture = watcher.drawn()
        stated = annotation_origin(Path(args.file), len(people))
        write_image(args.output, Picture(picture), picture, stated, args.overwrite)
        console.say(f"Drawn into {args.output}.")
    return {"file": args.file, "kind": kind, "faces": [person.as_dict() for person in people]}


@contextmanager
def _frames(
    path: str, kind: str, limits: MediaLimits, console: Console
) -> Iterator[Iterator[Frame]]:
    """The frames of a picture (one) or of anything that moves."""
    if kind == "image":
        yield iter([Frame(read_image(path, limits=limits).pixels)])
        return
    with open_source(path, limits=limits) as source, console.progress(Path(path).name) as show:
        meter = Meter(source.info.frame_count)

        def watched() -> Iterator[Frame]:
            for frame in source:
                yield frame
                meter.frame_finished({})
                show(meter.progress())

        yield watched()


def _rows(people: list[_Person], *, moving: bool) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    header: tuple[str, ...] = ("id", "box", "score", "age", "gender", "quality")
    rows = []
    for person in people:
        x0, y0, x1, y1 = np.round(person.face.bbox).astype(int)
        row: tuple[str, ...] = (
            str(person.id),
            f"{x1 - x0}x{y1 - y0} at {x0},{y0}",
            f"{person.face.score:.2f}",
            f"{person.attributes.age:.0f}",
            person.attributes.gender,
            f"{person.quality:.2f}",
        )
        if moving:
            row += (f"{clock_time(person.first_s)}-{clock_time(person.last_s)}", str(person.frames))
        rows.append(row)
    return (*header, *(("seen", "frames") if moving else ())), rows


def _draw(picture: NDArray[np.uint8], face: Face, person: _Person) -> None:
    """Box, landmarks and a line of text, at a size that fits the face."""
    colour = _COLOURS_BGR[person.id % len(_COLOURS_BGR)]
    thick = max(1, round(min(picture.shape[:2]) / 400))
    x0, y0, x1, y1 = np.round(face.bbox).astype(int).tolist()
    cv2.rectangle(picture, (x0, y0), (x1, y1), colour, thick, cv2.LINE_AA)
    assert face.landmarks is not None
    for x, y in np.round(face.landmarks[:, :2]).astype(int).tolist():
        cv2.circle(picture, (x, y), thick, colour, -1)
    text = f"{person.id}: {person.attributes.gender} {person.attributes.age:.0f}"
    scale = float(np.clip((x1 - x0) / 220, 0.4, 2.0))
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
    top = max(y0 - height - 2 * below, 0)
    cv2.rectangle(picture, (x0, top), (x0 + width + below, top + height + 2 * below), colour, -1)
    at = (x0 + below // 2, top + height + below // 2)
    cv2.putText(
        picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (16, 16, 16), thick, cv2.LINE_AA
    )
