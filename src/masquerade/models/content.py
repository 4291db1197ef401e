"""How likely it is that a picture is sexual: the open_nsfw network."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.models.store import open_network

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.runtime.session import Session

__all__ = ["CONTENT_PX", "ContentNetwork", "content_crop"]

CONTENT_PX = 224
"""Side of what the network sees, in pixels."""
_WHOLE_PX, _LARGE_PX = 256, 1024
_EDGE_PX = (_WHOLE_PX - CONTENT_PX) // 2


def content_crop(pixels_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What the network sees of a picture: all of it but a narrow edge, pressed into a square.

    Yahoo's own way, without its JPEG compression.

    Args:
        pixels_bgr: uint8 (H, W, 3).

    Returns:
        uint8 (224, 224, 3) BGR, an array of its own.
    """
    if min(pixels_bgr.shape[:2]) > _LARGE_PX:  # averaging all pixels of a large one takes long
        large = (_LARGE_PX, _LARGE_PX)
        pixels_bgr = cv2.resize(pixels_bgr, large, interpolation=cv2.INTER_NEAREST)  # type: ignore[assignment]
    shrinks = min(pixels_bgr.shape[:2]) >= _WHOLE_PX
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    whole = cv2.resize(pixels_bgr, (_WHOLE_PX, _WHOLE_PX), interpolation=way)
    middle = slice(_EDGE_PX, _EDGE_PX + CONTENT_PX)
    return np.ascontiguousarray(whole[middle, middle]).astype(np.uint8, copy=False)


class ContentNetwork:
    """open_nsfw (Yahoo, 2016): one number for a whole picture. Loaded at the first call.

    Yahoo's own reading: below 0.2 very likely harmless, above 0.8 very likely not. It was trained
    on photographs and knows nothing of violence, of drawings, or of ages.

    Args:
        threads: threads of the network; 0 chooses by the machine.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    @cached_property
    def _network(self) -> Session:
        return open_network("content", self._threads)

    def score(self, crop_bgr: NDArray[np.uint8]) -> float:
        """0..1, how sure the network is that the picture is sexual.

        Args:
            crop_bgr: uint8 (224, 224, 3), from :func:`content_crop`.

        Raises:
            ModelError: the weights are missing, or the network failed.
        """
        shares = self._network.run({"picture": crop_bgr[None]})[0]
        return float(shares[0, 1])
