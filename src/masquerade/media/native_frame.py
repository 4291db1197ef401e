"""Decoded frames in their own pixel format: turned upright, and mended where pixels changed.

A swap changes a small part of a frame. The rest is never converted: :func:`mended` takes the
decoder's own planes and replaces the samples of changed pixels alone, which keeps the rest bit
for bit, keeps 10-bit samples, and is quicker than converting whole frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from masquerade.media.colorimetry import plane_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.media.colorimetry import BgrWriter
    from masquerade.media.orientation import Orientation

__all__ = ["PLANAR", "base_name", "copied", "mended", "planes", "turned", "white"]

# Planar formats whose chroma is halved alike in both directions or not at all, so that they can
# be turned by 90 degrees: name -> (dtype, chroma step).
_SQUARE: dict[str, tuple[type[np.generic], int]] = {
    "yuv420p": (np.uint8, 2), "yuv444p": (np.uint8, 1), "yuvj420p": (np.uint8, 2),
    "yuvj444p": (np.uint8, 1), "yuv420p10le": (np.uint16, 2), "yuv444p10le": (np.uint16, 1),
    "yuv420p12le": (np.uint16, 2), "yuv444p12le": (np.uint16, 1),
}  # fmt: skip
PLANAR = frozenset(_SQUARE)
"""Pixel formats whose planes can be turned and mended."""

_BAND_GAP_ROWS = 32


def base_name(format_name: str) -> str:
    """The format without FFmpeg's old 'j' for full range: yuvj420p holds what yuv420p holds."""
    return format_name.replace("yuvj", "yuv")


def planes(frame: av.VideoFrame) -> list[NDArray[Any]]:
    """Writable views (H, W) of the planes of a frame in one of PLANAR."""
    dtype, _ = _SQUARE[frame.format.name]
    views = []
    for plane in frame.planes:
        rows = plane_rows(plane).view(dtype)
        views.append(rows[: plane.height, : plane.width])
    return views


def turned(frame: av.VideoFrame, orientation: Orientation) -> av.VideoFrame:
    """A frame in one of PLANAR, turned upright, with its time and colour tags."""
    width, height = frame.width, frame.height
    if orientation.transpose:
        width, height = height, width
    result = av.VideoFrame(width, height, frame.format.name)
    for source, target in zip(planes(frame), planes(result), strict=True):
        target[:] = orientation.upright(source)
    result.pts, result.duration = frame.pts, frame.duration
    result.colorspace, result.color_range = frame.colorspace, frame.color_range
    return result


def mended(
    native: av.VideoFrame,
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    writer: BgrWriter,
    reformatter: VideoReformatter,
) -> av.VideoFrame:
    """``native`` in the writer's format, with the samples of changed pixels replaced.

    Args:
        native: the decoded frame, in one of PLANAR; it is not changed.
        before: its BGR pixels, uint8 (H, W, 3).
        after: the finished pixels, same shape.
        writer: converts changed regions; its format must be one of PLANAR.
        reformatter: converts between planar formats where they differ.
    """
    result = copied(native, writer.format_name, reformatter)
    views = planes(result)
    step = _SQUARE[result.format.name][1]
    for x0, y0, mask in changed_regions(before, after):
        height, width = mask.shape
        fresh_planes = planes(writer.write(after[y0 : y0 + height, x0 : x0 + width]))
        for index, fresh in enumerate(fresh_planes):
            scale = step if index else 1
            part = mask if scale == 1 else _halved(mask, fresh.shape)
            target = views[index][y0 // scale :, x0 // scale :]
            target = target[: fresh.shape[0], : fresh.shape[1]]
            cv2.copyTo(fresh, part, target)
    return result


def white(format_name: str) -> int:
    """The largest sample of a format in PLANAR: 255, 1023 or 4095.

    >>> white("yuv420p10le")
    1023
    """
    return {"10le": 1023, "12le": 4095}.get(format_name[-4:], 255)


def copied(native: av.VideoFrame, format_name: str, reformatter: VideoReformatter) -> av.VideoFrame:
    """A frame in one of PLANAR in another such format, or the same; never the frame itself."""
    if base_name(native.format.name) != format_name:
        return reformatter.reformat(native, format=format_name, threads=1)
    result = av.VideoFrame(native.width, native.height, format_name)
    for source, target in zip(planes(native), planes(result), strict=True):
        target[:] = source
    return result


def _halved(mask: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """255 where any of the 2x2 pixels that share a chroma sample has changed."""
    height, width = shape[:2]
    padded = np.zeros((2 * height, 2 * width), np.uint8)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    rows = padded[0::2] | padded[1::2]
    halved: NDArray[np.uint8] = rows[:, 0::2] | rows[:, 1::2]
    return halved


def changed_regions(
    before: NDArray[np.uint8], after: NDArray[np.uint8]
) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Regions that hold every changed pixel: even x0 and y0, and a mask, 255 where changed.

    Rows are grouped into bands, so that a face in the middle and a label in the corner do not
    make one large region.
    """
    height, width = before.shape[:2]
    differs, chunk_bytes = _chunks_that_differ(before, after)
    rows = np.flatnonzero(differs.any(axis=1))
    if not rows.size:
        return
    for band in np.split(rows, np.flatnonzero(np.diff(rows) > _BAND_GAP_ROWS) + 1):
        chunks = np.flatnonzero(differs[band[0] : band[-1] + 1].any(axis=0))
        first_px = int(chunks[0]) * chunk_bytes // 3
        last_px = (int(chunks[-1] + 1) * chunk_bytes - 1) // 3
        y0, y1 = int(band[0]) & ~1, min((int(band[-1]) + 2) & ~1, height)
        x0, x1 = first_px & ~1, min((last_px + 2) & ~1, width)
        box = (slice(y0, y1), slice(x0, x1))
        same = cv2.inRange(cv2.absdiff(before[box], after[box]), (0, 0, 0), (0, 0, 0))
        yield x0, y0, np.asarray(cv2.bitwise_not(same), np.uint8)


def _chunks_that_differ(
    before: NDArray[np.uint8], after: NDArray[np.uint8]
) -> tuple[NDArray[np.bool_], int]:
    """Where rows differ, in chunks of eight bytes if the width allows it; and a chunk's size."""
    a, b = (x.reshape(x.shape[0], -1) for x in (before, after))
    if a.shape[1] % 8:
        return a != b, 1
    return a.view(np.uint64) != b.view(np.uint64), 8
