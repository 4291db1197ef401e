"""The visible label: a small pill that says that the picture was made with AI."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from masquerade.core.errors import RuntimeSetupError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.settings import LabelStyle

__all__ = ["Badge", "make_badge"]

Box = tuple[int, int, int, int]

_BACKDROP_OPACITY = 0.5
_INK_OPACITY = 0.95
_SUPERSAMPLING = 4
_SMALLEST_INK_PX = 3


@dataclass(frozen=True, slots=True)
class _Style:
    """How large the word is; lengths are shares of the frame's short side."""

    ink_share: float
    ink_least_px: int
    seconds: float | None


_STYLES: dict[Literal["small", "gb45438"], _Style] = {
    "small": _Style(ink_share=0.022, ink_least_px=9, seconds=None),
    # GB 45438-2025, 5.2 and 5.5: characters of at least 5 % of the shortest side, for at least
    # 2 s at the start of a video. The ink of a character is a little lower than the character.
    "gb45438": _Style(ink_share=0.05, ink_least_px=9, seconds=2.0),
}


@dataclass(frozen=True, slots=True)
class _Stamp:
    """The pill at one size: ``out = frame * keep / 255 + add``; both uint8 (h, w, 3)."""

    keep: NDArray[np.uint8]
    add: NDArray[np.uint8]

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.keep.shape[1], self.keep.shape[0]


class Badge:
    """Draws the label of one style on frames of any size.

    ``small`` is a pill with the word "AI", 2.2 % of the short side high and never below 9 px
    where the picture has room. ``gb45438`` says "AI生成" in characters of 5 % of the short side,
    for the first two seconds of a video and always on a still.
    """

    def __init__(self, style: Literal["small", "gb45438"]) -> None:
        self._name: Literal["small", "gb45438"] = style
        self._style = _STYLES[style]

    @property
    def seconds(self) -> float | None:
        """How long from a video's start the label is shown; None for all of it."""
        return self._style.seconds

    def places(self, size_wh: tuple[int, int]) -> tuple[Box, ...]:
        """Where the label may stand, best first: the corners of a frame.

        Returns:
            Boxes (x0, y0, x1, y1), integer pixels, half open, inside the frame; none where the
            frame is too small for any label (less than about ten pixels).
        """
        stamp = self._stamp(size_wh)
        if stamp is None:
            return ()
        (width, height), (w, h) = size_wh, stamp.size_wh
        margin = round(0.025 * min(size_wh))
        margin = max(0, min(margin, width - w, height - h))
        left, right = margin, width - w - margin
        top, bottom = margin, height - h - margin
        corners = ((right, bottom), (left, bottom), (right, top), (left, top))
        return tuple((x, y, x + w, y + h) for x, y in corners)

    def draw(self, pixels: NDArray[np.uint8], place: Box) -> None:
        """Blend the label into ``pixels``, uint8 (H, W, 3) BGR, at a box of :meth:`places`."""
        height, width = pixels.shape[:2]
        stamp = self._stamp((width, height))
        if stamp is None:
            return
        x0, y0, x1, y1 = place
        region = pixels[y0:y1, x0:x1]
        region[:] = cv2.add(cv2.multiply(region, stamp.keep, scale=1 / 255), stamp.add)

    def _stamp(self, size_wh: tuple[int, int]) -> _Stamp | None:
        short = min(size_wh)
        ink_px = max(-int(-self._style.ink_share * short // 1), self._style.ink_least_px)
        stamp = _make_stamp(self._name, ink_px)
        while stamp.size_wh[0] > size_wh[0] or stamp.size_wh[1] > size_wh[1] / 2:
            ink_px -= 1
            if ink_px < _SMALLEST_INK_PX:
                return None
            stamp = _make_stamp(self._name, ink_px)
        return stamp


def make_badge(style: LabelStyle) -> Badge | None:
    """The badge of a style of the settings; None for "none", which is a deliberate choice."""
    return None if style == "none" else Badge(style)


@lru_cache(maxsize=16)
def _make_stamp(style: Literal["small", "gb45438"], ink_px: int) -> _Stamp:
    """Lay the word on a pill: opacity of the backdrop, then white ink over it."""
    ink = _resize_to_height(_word(style), ink_px)
    pad_y, pad_x = round(0.45 * ink_px), round(0.75 * ink_px)
    white = np.pad(ink, ((pad_y, pad_y), (pad_x, pad_x))) * _INK_OPACITY / 255
    pill = _pill(white.shape[1], white.shape[0]) * _BACKDROP_OPACITY
    keep = (1 - white) * (1 - pill)
    return _Stamp(keep=_three_channels(keep), add=_three_channels(white))


def _three_channels(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.repeat(np.rint(255 * values).astype(np.uint8)[..., None], 3, axis=2)


def _pill(width: int, height: int) -> NDArray[np.float64]:
    """Coverage 0..1 of a rectangle with round ends, smoothed by drawing it larger."""
    w, h = width * _SUPERSAMPLING, height * _SUPERSAMPLING
    large = np.zeros((h, w), np.uint8)
    radius = h * 2 // 5
    cv2.rectangle(large, (radius, 0), (w - radius - 1, h), 255, cv2.FILLED)
    cv2.rectangle(large, (0, radius), (w, h - radius - 1), 255, cv2.FILLED)
    for x in (radius, w - radius - 1):
        for y in (radius, h - radius - 1):
            cv2.circle(large, (x, y), radius, 255, cv2.FILLED)
    small = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float64) / 255


def _resize_to_height(picture: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    smaller = height < picture.shape[0]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)


@lru_cache(maxsize=2)
def _word(style: str) -> NDArray[np.uint8]:
    """The glyphs of a style, uint8 (h, w), 255 is ink (tools/build_badge.py made them)."""
    data = (files("masquerade.trust") / "assets" / f"{style}.png").read_bytes()
    glyphs = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if glyphs is None:
        raise RuntimeSetupError(
            f"The label's picture {style}.png is damaged; install masquerade again."
        )
    return np.asarray(glyphs, np.uint8)
