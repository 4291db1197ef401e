"""Sharpness and grain: the drawn face is made as soft and as noisy as the picture around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Detail"]

_FINE_PX = 1.0
_COARSE_PX = 2.4
_MEASURE_EVERY = 6


class Detail:
    """Matches one track's swap to its target.

    Two bands are compared, below 1 px and from 1 to 2.4 px. Each band of the swap is scaled by the
    ratio of its spread to the target's, and the target's own fine band, clipped to its noise, is
    laid on top: so grain, and what compression made of it, stay those of the film and move with it.
    """

    def __init__(self) -> None:
        self._frames = 0
        self._fine = self._coarse = 1.0
        self._noise = 0.0

    def match(
        self,
        drawn: NDArray[np.uint8],
        target: NDArray[np.uint8],
        skin: NDArray[np.bool_],
        strength: float,
    ) -> NDArray[np.uint8]:
        """Return the swap at the target's sharpness.

        Args:
            drawn: uint8 (H, W, 3) BGR, the lit texture.
            target: uint8 (H, W, 3) BGR, the same box of the frame.
            skin: bool (H, W), where both show bare skin; needed only when a measurement is due.
            strength: 0 leaves the swap alone, 1 matches in full.
        """
        if strength <= 0:
            return drawn
        own_fine = _blur(drawn, _FINE_PX)
        own_coarse = _blur(drawn, _COARSE_PX)
        film_fine = _blur(target, _FINE_PX)
        if self._frames % _MEASURE_EVERY == 0 and skin.sum() > 64:
            film_coarse = _blur(target, _COARSE_PX)
            self._measure(
                (drawn[skin], own_fine[skin], own_coarse[skin]),
                (target[skin], film_fine[skin], film_coarse[skin]),
            )
        self._frames += 1
        fine = 1 + strength * (self._fine - 1)
        coarse = 1 + strength * (self._coarse - 1)
        out = cv2.addWeighted(drawn, fine, own_fine, coarse - fine, 0, dtype=cv2.CV_16S)
        out = cv2.scaleAdd(own_coarse.astype(np.int16), 1 - coarse, out)
        if self._noise > 0.3:
            grain = cv2.subtract(target, film_fine, dtype=cv2.CV_16S)
            limit = round(strength * 2.5 * self._noise)
            np.clip(grain, -limit, limit, out=grain)
            out = cv2.add(out, grain)
        return cv2.convertScaleAbs(cv2.max(out, 0))  # type: ignore[return-value]

    def _measure(
        self, own: tuple[NDArray[np.uint8], ...], film: tuple[NDArray[np.uint8], ...]
    ) -> None:
        own_bands, film_bands = _bands(own), _bands(film)
        noise = 1.4826 * float(np.median(np.abs(film_bands[0])))
        noise = min(noise, 6.0)
        # What the clipped grain brings need not come from the texture.
        left = np.sqrt(max(_spread(film_bands[0]) ** 2 - noise**2, 0.0))
        fine = float(np.clip(left / max(_spread(own_bands[0]), 0.2), 0.0, 1.3))
        coarse = float(np.clip(_spread(film_bands[1]) / max(_spread(own_bands[1]), 0.2), 0.25, 1.3))
        rate = 1.0 if self._frames == 0 else 0.3
        self._fine += rate * (fine - self._fine)
        self._coarse += rate * (coarse - self._coarse)
        self._noise += rate * (noise - self._noise)


def _blur(picture: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    size = 2 * int(np.ceil(2.2 * sigma)) + 1
    return cv2.GaussianBlur(picture, (size, size), sigma, borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _bands(levels: tuple[NDArray[np.uint8], ...]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    sharp, fine, coarse = (level[:, 1].astype(np.int16) for level in levels)
    return sharp - fine, fine - coarse


def _spread(band: NDArray[np.int16]) -> float:
    """Robust standard deviation: the middle 90 % stand for all, a few edges do not."""
    low, high = np.percentile(band, (5, 95))
    return float(high - low) / 3.29
