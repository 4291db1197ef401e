"""The library's front door: donors and settings in, swapped pictures and videos out."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from masquerade.core.errors import InputError, MasqueradeError, NoFaceInTargetError, SettingsError
from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.models.detector import Detector
from masquerade.models.embedder import Embedder
from masquerade.models.landmarker import Landmarker
from masquerade.pipeline.conceal import Concealment
from masquerade.pipeline.line import Line
from masquerade.pipeline.meter import Meter, Progress
from masquerade.pipeline.report import Report, Tally
from masquerade.pipeline.scheduler import Scheduler
from masquerade.stages.composite import Composite
from masquerade.stages.detect import Detect
from masquerade.stages.disclose import Disclose
from masquerade.stages.donor_face import FaceFinder
from masquerade.stages.identity import Identity
from masquerade.stages.select import Select
from masquerade.stages.swap import Swap
from masquerade.stages.track import Track
from masquerade.trust.badge import make_badge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.disclosure import Disclosure
    from masquerade.core.face import Attributes
    from masquerade.core.protocols import Sink, Source
    from masquerade.media.file import VideoOptions
    from masquerade.media.limits import MediaLimits

    Photo = str | PathLike[str] | NDArray[np.uint8]
    Donor = Photo | Identity | list[Photo] | tuple[Photo, ...]
    Reference = Photo | Identity | int

__all__ = ["Engine", "Report", "swap_image", "swap_video"]

_IDENTITY_SUFFIX = ".mqid"
_FRAME_BUDGET_BYTES = (
    96 * 2**20
)  # for frames under way: keeps a 4K film in the memory of a 720p one
_BYTES_PER_PIXEL = 8  # decoder's planes, BGR, and the output


class Engine:
    """Swaps the faces of pictures, of streams of frames and of videos for a donor's.

    Donors are enrolled and networks loaded when they are first needed; networks are shared by
    all engines of the process that use as many threads. One engine serves one thread at a time.

    Args:
        donors: one person: a photo (path, or uint8 (H, W, 3) BGR), a saved identity's path
            (``.mqid``), an :class:`Identity`, or a list of photos of that person. Several people:
            a mapping from names to any of these.
        settings: how to swap.
        references: whom to replace, by donor's name: a photo of that person, an
            :class:`Identity`, or a track number. With one donor the photo or number alone will do.
        stage_clock: seconds; what ``Report.timings_ms`` is measured with. ``time.thread_time``
            gives the steps' CPU time instead of wall time.

    Raises:
        NoFaceInDonorError: a donor's photo shows no face.
        InputError: a donor's file is missing, damaged or no picture.
        SettingsError: no donor, or a reference for a donor that is not there.
    """

    def __init__(
        self,
        donors: Donor | Mapping[str, Donor],
        settings: Settings | None = None,
        *,
        references: Reference | Mapping[str, Reference] | None = None,
        stage_clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._stage_clock = stage_clock
        self.settings = settings or Settings()
        self.identities: Mapping[str, Identity] = _identities(donors)
        self._references = _references(references, self.identities)
        self._lines: dict[bool, Line] = {}
        self._next_seq = 0
        self._closed = False

    def process(self, frame_bgr: NDArray[np.uint8], pts: int | None = None) -> NDArray[np.uint8]:
        """Swap the faces of the next frame of a stream, in this thread.

        Faces are followed from one frame to the next; call :meth:`reset` before another stream.

        Args:
            frame_bgr: uint8 (H, W, 3), BGR. It is not changed.
            pts: time of the frame in milliseconds, if known.

        Returns:
            uint8 (H, W, 3), BGR, a new array, with the label that the settings ask for.

        Raises:
            InputError: the frame is no such array.
            MasqueradeError: a step failed for good.
        """
        job = FrameJob(Frame(_checked(frame_bgr), seq=self._next_seq, pts=pts))
        self._next_seq += 1
        return self._line().process(job).writable_output()

    def reset(self) -> None:
        """Forget the stream that :meth:`process` has followed."""
        self._next_seq = 0
        self._line().reset()

    def swap_picture(
        self, picture_bgr: NDArray[np.uint8], *, allow_no_face: bool = False
    ) -> tuple[NDArray[np.uint8], Report]:
        """Swap the faces of one still; the stream of :meth:`process` is not touched.

        Args:
            picture_bgr: uint8 (H, W, 3), BGR. It is not changed.
            allow_no_face: return the picture as it is, unlabelled, where there is nobody to swap.

        Returns:
            uint8 (H, W, 3), BGR, and what was done.

        Raises:
            NoFaceInTargetError: nobody to swap and ``allow_no_face`` is False.
            InputError: the picture is no such array.
            MasqueradeError: a step failed.
        """
        line, meter, tally = self._line(still=True), Meter(total=1), Tally()
        line.reset()
        job = line.process(FrameJob(Frame(_checked(picture_bgr))))
        tally.add(job)
        meter.frame_finished(job.timings_ms)
        report = tally.report(meter, advice=self.advice)
        if tally.faces_selected:
            return job.writable_output(), report
        if not allow_no_face:
            raise _nobody_to_swap(tally)
        return picture_bgr.copy(), report

    def run(
        self,
        source: Source,
        sink: Sink,
        progress: Callable[[Progress], None] | None = None,
        *,
        allow_no_face: bool = False,
    ) -> Report:
        """Swap a whole stream, reading, working and writing side by side.

        What :meth:`process` has followed before is forgotten.

        Args:
            source: frames; opened and closed by the caller.
            sink: committed at the end, or aborted if anything prevents a whole output.
            progress: called in this thread about ten times a second, and at the end.
            allow_no_face: write the output even if nobody was swapped on any frame.

        Raises:
            NoFaceInTargetError: no frame shows anybody to swap and ``allow_no_face`` is False.
            CancelledError: Ctrl-C was pressed.
            MasqueradeError: reading, a step or writing failed.
        """
        self.reset()
        tally = Tally()
        meter = Scheduler(frames_alive=_frames_alive(source.info.size_wh)).run(
            source,
            self._line(),
            sink,
            on_job=tally.add,
            on_progress=progress,
            accept=None if allow_no_face else functools.partial(_require_face, tally),
        )
        notices = (*getattr(source, "notices", ()), *getattr(sink, "notices", ()))
        encoder = getattr(sink, "encoder_name", None)
        return tally.report(meter, encoder=encoder, advice=self.advice, warnings=notices)

    @property
    def advice(self) -> tuple[str, ...]:
        """How better donor photos would look, the weightiest first."""
        return tuple(
            dict.fromkeys(text for item in self.identities.values() for text in item.advice)
        )

    def close(self) -> None:
        """Let go of the stream's memory; the engine cannot be used afterwards."""
        self._lines.clear()
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def _line(self, *, still: bool = False) -> Line:
        """The stages for stills, or those for streams; each kind is made once and reset."""
        if self._closed:
            raise MasqueradeError("This engine is closed; make a new one.")
        if still not in self._lines:
            self._lines[still] = self._new_line(still)
        return self._lines[still]

    def _new_line(self, still: bool) -> Line:
        """New stages in the order of the frame's way."""
        settings = self.settings
        networks = _networks(settings.threads)
        track = Track(networks.landmarker, settings)
        find = Detect(networks.detector, settings, wanted=lambda: track.wants_detection)
        select = Select(networks.embedder, settings, self.identities, self._references)
        return Line(
            [[find, track, select], [Swap(self.identities, settings), Composite(settings)]],
            finish=[Disclose(make_badge(settings.label))],
            concealment=Concealment(settings.on_lost, settings.hold_frames),
            give_up_after=1 if still else 30,
            clock=self._stage_clock,
        )


def swap_image(
    donor: Donor | Mapping[str, Donor],
    target: str | PathLike[str] | NDArray[np.uint8],
    output: str | PathLike[str] | None = None,
    *,
    settings: Settings | None = None,
    overwrite: bool = False,
    allow_no_face: bool = False,
    disclosure: Disclosure | None = None,
    limits: MediaLimits | None = None,
) -> NDArray[np.uint8]:
    """Swap the faces of one picture.

    Args:
        donor: see :class:`Engine`.
        target: a file, or uint8 (H, W, 3) BGR.
        output: where to write; nothing is written without it. The extension chooses the format.
        settings: how to swap.
        overwrite: whether an existing output may be replaced.
        allow_no_face: write the target as it is where it shows nobody to swap.
        disclosure: what the file says of its origin; the standard statement by default.
        limits: the largest picture that is read.

    Returns:
        uint8 (H, W, 3), BGR, upright.

    Raises:
        FaceError: no face in the donor or in the target.
        InputError: a file is missing, damaged or no picture.
        OutputError: the output exists or cannot be written.
    """
    from masquerade.media.image import Picture, read_image, write_image

    inputs: list[str | Path] = []
    if isinstance(target, np.ndarray):
        picture = Picture(_checked(target))
    else:
        inputs = [Path(target)]
        picture = read_image(Path(target), limits=limits)
    with Engine(donor, settings) as engine:
        pixels, report = engine.swap_picture(picture.pixels, allow_no_face=allow_no_face)
        if output is not None:
            own = not report.faces_swapped and not report.faces_concealed
            statement = None if own else disclosure or _standard_disclosure(engine.settings)
            write_image(Path(output), picture, pixels, statement, overwrite, inputs=inputs)
    return pixels


def swap_video(
    donor: Donor | Mapping[str, Donor],
    target: str | PathLike[str],
    output: str | PathLike[str],
    *,
    settings: Settings | None = None,
    options: VideoOptions | None = None,
    overwrite: bool = False,
    allow_no_face: bool = False,
    progress: Callable[[Progress], None] | None = None,
    disclosure: Disclosure | None = None,
    limits: MediaLimits | None = None,
) -> Report:
    """Swap the faces of a video or an animation; sound, subtitles and timestamps are kept.

    Args:
        donor: see :class:`Engine`.
        target: a video file, an animated GIF, WebP or PNG.
        output: where to write; the extension chooses the container.
        settings: how to swap.
        options: encoder, quality, preset, frame rate, stretch.
        overwrite: whether an existing output may be replaced.
        allow_no_face: write the video even if it shows nobody to swap.
        progress: called now and then with a :class:`Progress`.
        disclosure: what the file says of its origin; the standard statement by default.
        limits: the largest frame that is read.

    Raises:
        FaceError: no face in the donor or anywhere in the target; nothing is written.
        InputError: a file is missing, damaged or no video.
        OutputError: the output exists or cannot be written.
        CancelledError: Ctrl-C was pressed; nothing is written.
    """
    from masquerade.media.open import open_sink, open_source

    with (
        Engine(donor, settings) as engine,
        open_source(Path(target), options, limits=limits) as source,
    ):
        sink = open_sink(
            Path(output),
            source,
            options,
            disclosure=disclosure or _standard_disclosure(engine.settings),
            overwrite=overwrite,
        )
        return engine.run(source, sink, progress, allow_no_face=allow_no_face)


@dataclass(frozen=True, slots=True)
class _Networks:
    """The networks of one thread setting; each is loaded at its first use."""

    detector: Detector
    landmarker: Landmarker
    embedder: Embedder


@functools.cache
def _networks(threads: int) -> _Networks:
    return _Networks(Detector(threads), Landmarker(threads), Embedder(threads))


def _identities(donors: Any) -> dict[str, Identity]:
    """The donors by name, enrolled."""
    if isinstance(donors, Mapping):
        if not donors:
            raise SettingsError("No donor was given; give at least one photo.")
        return {name: _identity(donor, name) for name, donor in donors.items()}
    identity = _identity(donors, None)
    return {identity.name: identity}


def _identity(donor: Any, name: str | None) -> Identity:
    if isinstance(donor, Identity):
        return donor
    if isinstance(donor, str | PathLike) and Path(donor).suffix.lower() == _IDENTITY_SUFFIX:
        return Identity.load(donor)
    if isinstance(donor, list | tuple) and not donor:
        raise SettingsError("A donor has no photo; give at least one photo.")
    return Identity.from_photos(donor, name)


def _references(given: Any, identities: Mapping[str, Identity]) -> dict[str, Attributes | int]:
    """Whom to replace, by donor's name: what a face looks like, or a track number."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        if len(identities) != 1:
            raise SettingsError("With several donors, give references as a mapping by donor.")
        given = {next(iter(identities)): given}
    unknown = sorted(set(given) - set(identities))
    if unknown:
        raise SettingsError(
            f"There is a reference for {unknown[0]!r} but no such donor; "
            f"there are {', '.join(identities)}."
        )
    return {name: _reference(item) for name, item in given.items()}


def _reference(given: Any) -> Attributes | int:
    if isinstance(given, int):
        return given
    if isinstance(given, Identity):
        return given.attributes
    if isinstance(given, np.ndarray):
        label, pixels = "The reference photo", _checked(given)
    else:
        from masquerade.media.image import read_image

        label, pixels = f"The reference photo {given}", read_image(Path(given)).pixels
    face = FaceFinder().find(pixels, label, None)
    return _networks(0).embedder.describe(face.pixels, [face.points])[0]


def _checked(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The array, C-contiguous, if it is a picture."""
    shape = getattr(pixels, "shape", None)
    fits = shape is not None and len(shape) == 3 and shape[2] == 3 and min(shape) > 0
    if not fits or pixels.dtype != np.uint8:
        kind = f"{pixels.dtype} {shape}" if shape is not None else type(pixels).__name__
        raise InputError(f"The picture is {kind}; give uint8 of shape (H, W, 3), BGR.")
    return np.ascontiguousarray(pixels)


def _require_face(tally: Tally) -> None:
    """Refuse an output on which nobody was swapped."""
    if not tally.faces_selected:
        raise _nobody_to_swap(tally)


def _nobody_to_swap(tally: Tally) -> NoFaceInTargetError:
    if tally.faces_found:
        return NoFaceInTargetError(
            "The target shows faces, but none that was asked for; loosen the filters "
            "(age, gender, reference, index) or pass --allow-no-face."
        )
    return NoFaceInTargetError(
        "The target shows no face; choose another one, lower --detect-score, "
        "or pass --allow-no-face to write it as it is."
    )


def _standard_disclosure(settings: Settings) -> Disclosure:
    from masquerade.trust.metadata import build_disclosure

    return build_disclosure(settings)


def _frames_alive(size_wh: tuple[int, int]) -> int:
    """How many frames may be under way, from 3 (full overlap on two cores) to 8."""
    frame_bytes = size_wh[0] * size_wh[1] * _BYTES_PER_PIXEL
    return max(3, min(8, _FRAME_BUDGET_BYTES // max(frame_bytes, 1)))
