"""What an uploaded file is: looked at once, when it has arrived."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2

from masquerade.media.image import read_image
from masquerade.media.limits import MediaLimits
from masquerade.media.open import open_source, open_target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["UploadFacts", "look_at", "thumbnail_of"]

_THUMBNAIL_PX = 320
_THUMBNAIL_QUALITY = 82


@dataclass(frozen=True, slots=True)
class UploadFacts:
    """What an uploaded file is.

    Attributes:
        kind: a still picture, or anything that moves.
        width: pixels, upright.
        height: pixels, upright.
        duration_s: None for a picture.
        thumbnail: JPEG of at most 320 pixels a side.
    """

    kind: Literal["picture", "video"]
    width: int
    height: int
    duration_s: float | None
    thumbnail: bytes


def look_at(path: Path, limits: MediaLimits) -> UploadFacts:
    """Decode the picture, or the first frame of the video, and say what it is.

    Raises:
        InputError: as :func:`masquerade.media.open.open_target`; the errors name ``path``.
    """
    if open_target(path, limits=limits) == "image":
        picture = read_image(path, limits=limits)
        return UploadFacts("picture", *picture.size_wh, None, thumbnail_of(picture.pixels))
    with open_source(path, limits=limits) as source:
        first = next(iter(source)).pixels
        width, height = source.info.size_wh
        duration = source.info.duration_s
        return UploadFacts("video", width, height, duration, thumbnail_of(first))


def thumbnail_of(pixels: NDArray[np.uint8], side: int = _THUMBNAIL_PX) -> bytes:
    """A small JPEG of a picture.

    Args:
        pixels: uint8 (H, W, 3) BGR.
        side: the longer side of the result in pixels; a smaller picture keeps its size.
    """
    height, width = pixels.shape[:2]
    zoom = min(1.0, side / max(height, width))
    size = (max(1, round(width * zoom)), max(1, round(height * zoom)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, _THUMBNAIL_QUALITY))[1].tobytes()
