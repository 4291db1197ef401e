"""Colour of video: tags, and conversion between a video's own planes and BGR, both ways.

Convention: BGR here is full range, with the primaries and the transfer curve of the video; only
the matrix and the range are converted. The same matrix serves both ways, so that a round trip
does not shift colours, and the tags are written back as they were read, also when unspecified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

if TYPE_CHECKING:
    from av.video.plane import VideoPlane
    from numpy.typing import NDArray

__all__ = ["BgrReader", "BgrWriter", "ColorTags", "plane_rows"]

_RGB, _UNSPECIFIED, _RESERVED = 0, 2, 3
_BT709, _BT601, _BT2020 = 1, 5, 9
# AVColorSpace -> swscale's number for the matrix.
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
# Kr and Kb of ITU-R BT.709, BT.601 and BT.2020, section 'derivation of luminance'.
_LUMA = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 9: (0.2627, 0.0593)}
_PQ, _HLG = 16, 18

# swscale has a fast path for 4:2:0, which replicates chroma; averaging it again on the way back
# returns it exactly. Its fast path for 4:2:2 skips every second chroma line, so that is not used.
_FAST = Interpolation.POINT
_EXACT = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_AVERAGE = Interpolation.AREA | Interpolation.ACCURATE_RND
_FAST_FORMATS = ("yuv420p", "yuvj420p")


@dataclass(frozen=True, slots=True)
class ColorTags:
    """FFmpeg's numbers for matrix, primaries, transfer curve and range, as in the file.

    Attributes:
        space: AVColorSpace. primaries: AVColorPrimaries. transfer:
            AVColorTransferCharacteristic. range: AVColorRange (1 limited, 2 full, 0 unknown).
        matrix: swscale's number of the matrix that is used, also where ``space`` says nothing.
    """

    space: int
    primaries: int
    transfer: int
    range: int
    matrix: int

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Self:
        """The tags of a decoded frame.

        Where no matrix is given it is guessed as players do: BT.709 from HD sizes up, else
        BT.601.
        """
        high = frame.width >= 1280 or frame.height > 576
        guess = _BT709 if high else _BT601
        full = frame.format.name.startswith("yuvj")
        return cls(
            space=int(frame.colorspace),
            primaries=int(frame.color_primaries),
            transfer=int(frame.color_trc),
            range=2 if full else int(frame.color_range),
            matrix=_MATRICES.get(int(frame.colorspace), guess),
        )

    @classmethod
    def for_size(cls, width: int, height: int) -> Self:
        """Tags for video that is made here: BT.709 from HD sizes up, else BT.601; limited."""
        high = width >= 1280 or height > 576
        return cls(1, 1, 1, 1, _BT709) if high else cls(6, 6, 6, 1, _BT601)

    @property
    def full_range(self) -> bool:
        """Samples use 0..255 rather than 16..235."""
        return self.range == 2

    @property
    def hdr(self) -> str | None:
        """``PQ`` or ``HLG`` where the transfer curve is one of the two of HDR, else None."""
        return {_PQ: "PQ", _HLG: "HLG"}.get(self.transfer)

    def mark(self, target: Any) -> None:
        """Write the tags to a frame or to an encoder."""
        target.colorspace = _UNSPECIFIED if self.space in (_RGB, _RESERVED) else self.space
        target.color_primaries = self.primaries
        target.color_trc = self.transfer
        target.color_range = self.range


def plane_rows(plane: VideoPlane) -> NDArray[np.uint8]:
    """A writable view of a plane's bytes, uint8 (rows, bytes a row with padding).

    The view keeps the frame's memory alive.
    """
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)


class BgrReader:
    """Turns decoded frames into BGR pixels. One per stream: it keeps swscale's tables."""

    def __init__(self, tags: ColorTags, format_name: str) -> None:
        self._reformatter = VideoReformatter()
        self._rgb = tags.space == _RGB
        self._matrix = tags.matrix
        self._range = ColorRange.JPEG if tags.full_range else ColorRange.MPEG
        self._flags = _FAST if format_name in _FAST_FORMATS else _EXACT
        self._offset = np.zeros(4)
        if self._flags == _FAST:
            self._offset = self._measure_offset(tags, format_name)

    def read(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """uint8 (H, W, 3), BGR, full range, C-contiguous, of a frame in any pixel format.

        Raises:
            av.FFmpegError: swscale does not know the pixel format or the matrix.
        """
        pixels = self._convert(frame)
        if self._offset.any():
            cv2.add(pixels, self._offset, dst=pixels)
        return pixels

    def _convert(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        if self._rgb:
            converted = self._reformatter.reformat(frame, format="bgr24", threads=1)
        else:
            converted = self._reformatter.reformat(
                frame,
                format="bgr24",
                src_colorspace=self._matrix,
                dst_colorspace=self._matrix,
                src_color_range=self._range,
                dst_color_range=ColorRange.JPEG,
                interpolation=self._flags,
                threads=1,
            )
        rows = plane_rows(converted.planes[0])
        flat = rows[: frame.height, : frame.width * 3]
        return np.ascontiguousarray(flat).reshape(frame.height, frame.width, 3)

    def _measure_offset(self, tags: ColorTags, format_name: str) -> NDArray[np.float64]:
        """How much each channel must be raised, measured against the formula of BT.601/709.

        swscale's fast path truncates where it should round, by an amount that depends on the
        processor and the range. Over a whole picture that is a constant, so it is added back.
        """
        if tags.matrix not in _LUMA:
            return np.zeros(4)
        rng = np.random.default_rng(0)
        size = 64
        frame = av.VideoFrame(size, size, format_name)
        levels = []
        for index, (low, high) in enumerate(((60, 190), (112, 144), (112, 144))):
            plane = frame.planes[index]
            step = size // plane.height, size // plane.width
            values = rng.integers(low, high, (plane.height, plane.width), np.uint8)
            plane_rows(plane)[: plane.height, : plane.width] = values
            levels.append(values.repeat(step[0], 0).repeat(step[1], 1).astype(np.float64))
        error = _exact_bgr(levels, tags) - self._convert(frame)
        return np.append(np.round(error.mean((0, 1))), 0.0)


def _exact_bgr(yuv: list[NDArray[np.float64]], tags: ColorTags) -> NDArray[np.float64]:
    kr, kb = _LUMA[tags.matrix]
    y, u, v = yuv
    if tags.full_range:
        luma, cb, cr = y / 255, (u - 128) / 255, (v - 128) / 255
    else:
        luma, cb, cr = (y - 16) / 219, (u - 128) / 224, (v - 128) / 224
    red, blue = luma + 2 * (1 - kr) * cr, luma + 2 * (1 - kb) * cb
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    return np.stack([blue, green, red], axis=-1) * 255


class BgrWriter:
    """Turns BGR pixels into frames of an encoder's pixel format."""

    def __init__(self, tags: ColorTags, format_name: str) -> None:
        self.format_name = format_name
        self._tags = tags
        self._reformatter = VideoReformatter()
        self._range = ColorRange.JPEG if tags.full_range else ColorRange.MPEG

    def write(self, pixels: NDArray[np.uint8]) -> av.VideoFrame:
        """A frame of ``pixels``, uint8 (H, W, 3) BGR; the array is read, not kept."""
        frame = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(pixels), "bgr24")
        return self._reformatter.reformat(
            frame,
            format=self.format_name,
            src_colorspace=self._tags.matrix,
            dst_colorspace=self._tags.matrix,
            src_color_range=ColorRange.JPEG,
            dst_color_range=self._range,
            interpolation=_AVERAGE,
            threads=1,
        )
