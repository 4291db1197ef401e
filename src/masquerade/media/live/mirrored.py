"""Any live source, with left and right changed over while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from masquerade.core.lifetimes import Closing

if TYPE_CHECKING:
    from masquerade.core.frame import Frame
    from masquerade.core.protocols import Source, SourceInfo

__all__ = ["MirroredSource"]


class MirroredSource(Closing):
    """What another source gives, mirrored for as long as it is asked to.

    Args:
        source: closed with this one.
        mirror: whether to begin mirrored.

    Attributes:
        mirror: whether the next frame is mirrored; may be set from any thread.
        info: size and rate.
    """

    def __init__(self, source: Source, *, mirror: bool = False) -> None:
        self._source, self.mirror = source, mirror
        self.info: SourceInfo = source.info

    @property
    def notices(self) -> tuple[str, ...]:
        """What the source has to tell."""
        found: tuple[str, ...] = getattr(self._source, "notices", ())
        return found

    @property
    def status(self) -> str:
        """What the source is waiting for."""
        return getattr(self._source, "status", "")

    @property
    def sound(self) -> Any:
        """The source's sound; None without."""
        return getattr(self._source, "sound", None)

    @property
    def origin_s(self) -> float | None:
        """The moment of the source's pts 0; None before the first frame."""
        return getattr(self._source, "origin_s", None)

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._source:
            if self.mirror:
                flipped = np.asarray(cv2.flip(frame.pixels, 1), np.uint8)
                yield replace(frame, pixels=flipped)
            else:
                yield frame

    def close(self) -> None:
        """Close the source; may be called twice and from any thread."""
        self._source.close()
