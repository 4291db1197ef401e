"""Small real files of every kind that is written."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from PIL import Image

PICTURES = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tiff": "TIFF", ".gif": "GIF",
            ".avif": "AVIF"}  # fmt: skip
VIDEOS = {".mp4": "libx264", ".mov": "libx264", ".mkv": "libx264", ".webm": "libvpx"}
KINDS = (*PICTURES, *VIDEOS)
BESIDE = (".mkv", ".webm")
"""Kinds that cannot carry their credentials."""


def make_file(path: Path, seed: int = 0) -> Path:
    """A picture or a short video of noise."""
    rng = np.random.default_rng(seed)
    kind = PICTURES.get(path.suffix)
    if kind is not None:
        Image.fromarray(rng.integers(0, 255, (60, 80, 3), np.uint8)).save(path, kind)
        return path
    with av.open(str(path), "w") as container:
        stream = container.add_stream(VIDEOS[path.suffix], rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 255, (48, 64, 3), np.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
