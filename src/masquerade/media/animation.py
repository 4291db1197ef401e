"""Animated pictures (GIF, WebP, APNG) as a Source and a Sink."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from masquerade.core.errors import InputError, OutputError
from masquerade.core.frame import Frame
from masquerade.core.lifetimes import Closing, Committing
from masquerade.core.protocols import SourceInfo
from masquerade.media.image_read import input_error
from masquerade.media.image_write import png_metadata, unknown_extension
from masquerade.media.limits import MediaLimits
from masquerade.media.originals import Originals
from masquerade.media.output_file import OutputFile
from masquerade.media.palette import paletted
from masquerade.media.pillow_errors import mapped, open_picture_lock
from masquerade.media.png_tiff import gif_with_xmp, png_with_chunks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.disclosure import Disclosure
    from masquerade.core.protocols import Source

__all__ = ["ANIMATION_EXTENSIONS", "AnimationSink", "AnimationSource"]

ANIMATION_EXTENSIONS = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG", ".apng": "PNG"}
"""What is written for which extension."""

_MILLISECOND = Fraction(1, 1000)
_HURRIED_MS, _USUAL_MS = 10, 100
"""Browsers show frames of 10 ms or less for 100 ms; such is what their makers saw."""


@dataclass(frozen=True, slots=True)
class _Original:
    """A frame as it was read."""

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    duration_ms: int


class AnimationSource(Closing):
    """The frames of an animated picture, each composed to a whole one, with its time.

    Args:
        path: the file.
        limits: the largest size, of a frame and of all frames together.

    Raises:
        InputError: as ``read_image``.
    """

    def __init__(self, path: str | Path, *, limits: MediaLimits | None = None) -> None:
        self.path = Path(path)
        limits = limits or MediaLimits()
        self.natives: Originals[_Original] = Originals()
        try:
            with mapped(str(path)), open_picture_lock():
                self._image: Any = Image.open(self.path, formats=("GIF", "WEBP", "PNG", "AVIF"))
        except InputError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno:
                raise input_error(error.__cause__, self.path) from error
            raise
        width, height = self._image.size
        limits.check_picture(width, height, str(path))
        with mapped(str(path)):
            count = int(getattr(self._image, "n_frames", 1))
            limits.check_animation(width, height, count, str(path))
            self.format = str(self._image.format)
            self.loop = self._image.info.get("loop")
            total_ms = sum(self._duration_at(index) for index in range(count))
        self.lossless = self.format in ("GIF", "PNG") or _is_lossless_webp(self.path)
        rate = Fraction(1000 * count, total_ms).limit_denominator(1001)
        self.info = SourceInfo((width, height), count, rate, total_ms / 1000)
        self._closed = False

    @property
    def time_base(self) -> Fraction:
        """Seconds per unit of the frames' ``pts``: milliseconds."""
        return _MILLISECOND

    def __iter__(self) -> Iterator[Frame]:
        at_ms = 0
        for seq in range(self.info.frame_count or 1):
            with mapped(str(self.path)):
                duration = self._duration_at(seq)
                pixels, alpha = _planes(self._image)
            self.natives.put(seq, _Original(pixels, alpha, duration))
            yield Frame(pixels, seq, at_ms, _MILLISECOND)
            if self._closed:
                return
            at_ms += duration

    def _duration_at(self, index: int) -> int:
        self._image.seek(index)
        # WebP and AVIF tell how long a frame lasts only once it is decoded.
        if self._image.format in ("WEBP", "AVIF"):
            self._image.load()
        raw = round(float(self._image.info.get("duration", 0)))
        return raw if raw > _HURRIED_MS else _USUAL_MS

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._closed = True
        self._image.close()
        self.natives.clear()


def _planes(image: Any) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    rgba = np.asarray(image.convert("RGBA"))
    pixels: Any = cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGR)
    alpha = rgba[:, :, 3]
    return pixels, None if alpha.min() == 255 else np.ascontiguousarray(alpha)


def _is_lossless_webp(path: Path) -> bool:
    with path.open("rb") as file:
        return b"VP8L" in file.read(4096)


class AnimationSink(Committing):
    """Collects frames and writes an animated picture at commit.

    A GIF without a mark keeps the exact colours of untouched pixels where its palette has room, and
    one with a mark is dithered whole; WebP is lossless where the source was; APNG always is.
    Transparency, loop count and durations are those of an animated source; of other sources the
    times of the frames are kept.

    Args:
        path: where to write: .gif, .webp, .png or .apng.
        source: where the frames come from.
        disclosure: embedded as XMP; its mark is put into every frame.
        overwrite: whether an existing file may be replaced.
        inputs: further files that must not be the output.
        limits: bounds what is held in memory.

    Raises:
        OutputExistsError: the file exists and ``overwrite`` is False.
        OutputError: unknown extension, unwritable folder, the output is the input.
        MediaLimitError: too many frames of too many pixels.
    """

    def __init__(
        self,
        path: str | Path,
        source: Source,
        *,
        disclosure: Disclosure | None = None,
        overwrite: bool = False,
        inputs: Iterable[str | Path] = (),
        limits: MediaLimits | None = None,
    ) -> None:
        self.path = Path(path)
        form = ANIMATION_EXTENSIONS.get(self.path.suffix.lower())
        if form is None:
            raise unknown_extension(self.path, ANIMATION_EXTENSIONS)
        self._format = form
        self._disclosure = disclosure
        self._limits = limits or MediaLimits()
        self._source = source if isinstance(source, AnimationSource) else None
        own = getattr(source, "path", None)
        self._file = OutputFile(
            self.path,
            overwrite=overwrite,
            inputs=[*inputs, *([own] if own else [])],
            disclosure=disclosure,
        )
        self._images: list[Image.Image] = []
        self._durations_ms: list[int] = []
        self._times_ms: list[int] = []
        if self._source is not None:
            self._source.natives.want()

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should be told of the output."""
        return ()

    def write(self, frame: Frame) -> None:
        """Take one finished frame.

        Raises:
            MediaLimitError: it would be too much to hold in memory.
        """
        width, height = frame.size_wh
        self._limits.check_animation(width, height, len(self._images) + 1, str(self.path))
        native = self._source.natives.take(frame.seq) if self._source else None
        alpha = native.alpha if native else None
        if native is not None:
            self._durations_ms.append(native.duration_ms)
        self._times_ms.append(round(frame.seconds * 1000))
        if self._format == "GIF":
            changed = None if native is None else (frame.pixels != native.pixels).any(axis=2)
            self._images.append(paletted(frame.pixels, alpha, changed, self._marked(frame.pixels)))
            return
        marked = self._marked(frame.pixels)
        shown = frame.pixels if marked is None else marked
        image = Image.fromarray(cv2.cvtColor(shown, cv2.COLOR_BGR2RGB))
        if alpha is not None:
            image.putalpha(Image.fromarray(alpha))
        self._images.append(image)

    def _marked(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """A copy with the invisible mark; None if there is none."""
        if self._disclosure is None or self._disclosure.mark is None:
            return None
        marked = pixels.copy()
        self._disclosure.mark.add(marked)
        return marked

    def commit(self) -> None:
        """Encode the file and put it in its place.

        Raises:
            OutputError: no frame was written, the disk is full, the name was taken meanwhile.
        """
        try:
            data = self._encode()
        except BaseException:
            self.abort()
            raise
        self._images.clear()
        self._file.write_whole(data)

    def abort(self) -> None:
        """Remove what was begun; does nothing after a commit."""
        self._images.clear()
        self._file.abort()

    def _encode(self) -> bytes:
        if not self._images:
            raise OutputError(f"No frame was written to {self.path}; the input was empty.")
        out = io.BytesIO()
        first, *rest = self._images
        try:
            first.save(out, self._format, save_all=True, append_images=rest, **self._options())
        except (OSError, ValueError, MemoryError) as error:
            raise OutputError(f"{self.path} could not be encoded ({error}).") from error
        data = out.getvalue()
        if self._format == "PNG":
            return png_with_chunks(data, png_metadata(None, self._disclosure))
        if self._format == "GIF" and self._disclosure:
            return gif_with_xmp(data, self._disclosure.xmp)
        return data

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"duration": self._durations()}
        loop = self._source.loop if self._source else 0
        if loop is not None:
            options["loop"] = loop
        clear = any("A" in image.mode or "transparency" in image.info for image in self._images)
        if self._format == "GIF":
            options["optimize"] = False
            if clear:
                options |= {"disposal": 2, "transparency": 255}
        if self._format == "WEBP":
            lossless = self._source.lossless if self._source else False
            options |= {"lossless": lossless, "exact": lossless, "quality": 90, "method": 3}
            if self._disclosure:
                options["xmp"] = self._disclosure.xmp
        return options

    def _durations(self) -> list[int]:
        """Milliseconds per frame; GIF counts in hundredths, whose rounding must not add up."""
        if len(self._durations_ms) == len(self._images):
            return self._durations_ms
        step = 10 if self._format == "GIF" else 1
        times = [round(time / step) * step for time in self._times_ms]
        gaps = [max(step, b - a) for a, b in itertools.pairwise(times)]
        return [*gaps, gaps[-1] if gaps else _USUAL_MS]
