"""What jobs would cost: a moment of one of them is swapped, and the rest is reckoned from it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from masquerade.apps.farm.pictures import BATCH, is_bulk, pictures_in
from masquerade.apps.farm.share import share_machine, threads_of
from masquerade.apps.jobs.job import JobSpec, execution_of, settings_of
from masquerade.apps.jobs.work import consents_of, open_engine
from masquerade.core.errors import CorruptMediaError, InputError
from masquerade.media.image import read_image
from masquerade.media.limits import MediaLimits
from masquerade.media.open import open_sink, open_source, open_target

__all__ = ["Estimate", "Item", "estimate"]

_SAMPLE_S = 2.0
_COPIES = 3
"""A film's pieces, the joined film and its signed copy are there at the same time."""


@dataclass(frozen=True, slots=True)
class Item:
    """One target's cost, about.

    Attributes:
        target: the file.
        frames: 1 for a picture.
        pieces: segments that it is cut into.
        seconds: of one worker.
        output_bytes: of the output.
    """

    target: Path
    frames: int
    pieces: int
    seconds: float
    output_bytes: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What all jobs cost together.

    Attributes:
        items: of the targets, in order.
        workers: processes that work side by side.
        seconds: until the last is done.
        output_bytes: of all outputs.
        peak_bytes: the most that is taken at a time, on the fullest disk.
        free_bytes: of that disk.
        measured_on: what was tried.
    """

    items: tuple[Item, ...]
    workers: int
    seconds: float
    output_bytes: int
    peak_bytes: int
    free_bytes: int
    measured_on: str

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        plain = asdict(self)
        plain["items"] = [{**asdict(item), "target": str(item.target)} for item in self.items]
        return plain


@dataclass(frozen=True, slots=True)
class _Film:
    """What a target is, without a look at its frames."""

    spec: JobSpec
    frames: int
    length_s: float
    pixels: int
    still: bool = False

    @property
    def pieces(self) -> int:
        """How many tasks it is cut into."""
        if self.still:
            return -(-self.frames // BATCH)
        return max(1, round(self.length_s / self.spec.segment_s))


def estimate(specs: Sequence[JobSpec]) -> Estimate:
    """Measure a moment of the largest job, and reckon.

    Raises:
        MasqueradeError: the work cannot be done; nothing is written.
    """
    films = [_look(spec) for spec in specs]
    largest = max(films, key=lambda film: film.frames * film.pixels)
    seconds, written = _measure(largest)
    items = tuple(
        Item(
            spec.target,
            film.frames,
            film.pieces,
            seconds * film.frames * film.pixels,
            round(written * film.frames * film.pixels),
        )
        for spec, film in zip(specs, films, strict=True)
    )
    share = share_machine(specs)
    all_s = sum(item.seconds for item in items)
    longest_s = max(item.seconds / item.pieces for item in items)
    output_bytes = sum(item.output_bytes for item in items)
    in_work = sorted((item.output_bytes for item in items), reverse=True)[: share.workers]
    return Estimate(
        items,
        share.workers,
        max(all_s / share.workers, longest_s),
        output_bytes,
        output_bytes + (_COPIES - 1) * sum(in_work),
        shutil.disk_usage(_existing(specs[0].output.parent)).free,
        largest.spec.name,
    )


def _look(spec: JobSpec) -> _Film:
    if is_bulk(spec):
        return _look_at_pictures(spec)
    if open_target(spec.target) == "image":
        height, width = read_image(spec.target).pixels.shape[:2]
        return _Film(spec, 1, 0.0, height * width, still=True)
    with open_source(spec.target, spec.video_options()) as source:
        width, height = source.info.size_wh
        rate, length_s = float(source.info.rate or 25), source.info.duration_s or 0.0
        frames = source.info.frame_count or max(1, round(length_s * rate))
    return _Film(spec, frames, length_s, width * height)


def _look_at_pictures(spec: JobSpec) -> _Film:
    """A folder, by the first still that can be read."""
    pictures = pictures_in(spec.target)
    for target in pictures:
        with contextlib.suppress(InputError):
            if (film := _look(replace(spec, target=target))).still:
                return replace(film, frames=len(pictures))
    raise CorruptMediaError(
        f"No still picture of {spec.target} can be read; choose another folder."
    )


def _measure(film: _Film) -> tuple[float, float]:
    """Seconds and bytes for a pixel of a frame."""
    spec = film.spec
    settings = settings_of(spec.settings).replace(threads=threads_of(spec))
    execution = execution_of(spec.execution)
    with (
        open_engine(
            spec, consents_of(spec), MediaLimits(), settings=settings, execution=execution
        ) as engine,
        tempfile.TemporaryDirectory() as folder,
    ):
        engine.load()
        output = Path(folder) / f"sample{spec.output.suffix}"
        if film.still:
            pixels = read_image(spec.target).pixels
            began_s = time.perf_counter()
            engine.swap_picture(pixels, allow_no_face=True)
            taken_s = time.perf_counter() - began_s
            return taken_s / film.pixels, spec.target.stat().st_size / film.pixels
        middle_s = max(0.0, film.length_s / 2 - _SAMPLE_S / 2)
        video = {**spec.video, "start_s": middle_s, "end_s": middle_s + _SAMPLE_S}
        options = JobSpec(
            name="", target=spec.target, output=output, donors=spec.donors, video=video
        ).video_options()
        with open_source(spec.target, options) as source:
            sink = open_sink(output, source, options)
            report = engine.run(source, sink, allow_no_face=True)
        amount = max(1, report.frames) * film.pixels
        return report.seconds / amount, output.stat().st_size / amount


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
