"""Reads and writes the judged clips: FFV1 in Matroska, exact to the bit.

Both environments import this module, so it needs NumPy and OpenCV, and PyAV for writing alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["read_clip", "read_picture", "write_clip"]

Picture = NDArray[np.uint8]


def read_clip(path: Path) -> list[Picture]:
    """All frames, uint8 (H, W, 3) BGR, of a video file or of a folder of PNG files."""
    if path.is_dir():
        return [read_picture(item) for item in sorted(path.glob("*.png"))]
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        more, frame = capture.read()
        if not more:
            break
        frames.append(frame)
    capture.release()
    if not frames:
        raise SystemExit(f"{path} has no readable frames.")
    return frames


def read_picture(path: Path) -> Picture:
    """One picture, uint8 (H, W, 3) BGR."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise SystemExit(f"{path} is not a readable picture.")
    return picture


def write_clip(path: Path, frames: Iterable[Picture], fps: int = 25) -> None:
    """Write frames without loss; the file appears whole or not at all."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.mkv")
    with av.open(str(partial), "w", format="matroska") as container:
        stream = None
        for frame in frames:
            if stream is None:
                stream = container.add_stream("ffv1", rate=Fraction(fps))
                stream.width, stream.height = frame.shape[1], frame.shape[0]
                stream.pix_fmt = "bgr0"
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="bgr24")
            container.mux(stream.encode(picture))
        if stream is None:
            raise SystemExit(f"{path.name} would have no frames.")
        container.mux(stream.encode(None))
    partial.replace(path)
