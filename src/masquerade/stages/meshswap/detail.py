"""Sharpness and grain: the drawn face is made as soft and as noisy as the picture around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.sampling import blur

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Detail"]

_FINE_PX = 1.0
_COARSE_PX = 2.4
_REACH = 2.2
"""Sigmas after which the kernels end: what is beyond tells nothing of sharpness."""
_MEASURE_EVERY = 8
_NOISE_CLIP = 2.5
"""What exceeds the noise by this factor is an edge of the target's and stays out."""


class Detail:
    """Matches one track's swap to its target.

    Two bands of lightness are compared, below 1 px and from 1 to 2.4 px, at the edges that every
    face has (lids, brows, nostrils, lips): how strong those come out tells how sharp the picture
    is, while skin only tells whose it is. Each band of the swap is scaled to the target's, and the
    target's own fine band, clipped to its noise, is laid on top: so grain, and what compression
    made of it, stay those of the film.
    """

    def __init__(self) -> None:
        self._frames = 0
        self._fine = self._coarse = 1.0
        self._noise = 0.0

    def match(
        self,
        drawn: NDArray[np.uint8],
        target: NDArray[np.uint8],
        shown: NDArray[np.float32],
        strength: float,
    ) -> NDArray[np.uint8]:
        """Return the swap at the target's sharpness.

        Args:
            drawn: uint8 (H, W, 3) BGR, the lit texture.
            target: uint8 (H, W, 3) BGR, the same box of the frame.
            shown: float32 (H, W) 0..1, where the swap will be seen; read only when a measurement
                is due.
            strength: 0 leaves the swap alone, 1 matches in full.
        """
        if strength <= 0:
            return drawn
        own = _grey(drawn)
        film = _grey(target)
        film_fine = blur(film, _FINE_PX, _REACH)
        if self._frames % _MEASURE_EVERY == 0:
            self._measure(own, film, film_fine, shown > 0.9)
        self._frames += 1
        change = self._rescaling(own, strength)
        limit = round(strength * _NOISE_CLIP * self._noise)
        if limit > 0:
            grain = np.clip(cv2.subtract(film, film_fine, dtype=cv2.CV_16S), -limit, limit)
            change = np.asarray(grain if change is None else cv2.add(change, grain), np.int16)
        if change is None:
            return drawn
        return np.asarray(cv2.add(drawn, cv2.merge([change] * 3), dtype=cv2.CV_8U), np.uint8)

    def _rescaling(self, own: NDArray[np.uint8], strength: float) -> NDArray[np.int16] | None:
        """What brings the bands of the swap's lightness down when it is added; None for nothing."""
        fine, coarse = strength * (self._fine - 1), strength * (self._coarse - 1)
        if abs(fine) < 0.06 and abs(coarse) < 0.06:
            return None
        soft, softest = (blur(own, sigma, _REACH) for sigma in (_FINE_PX, _COARSE_PX))
        change = cv2.addWeighted(own, fine, soft, coarse - fine, 0, dtype=cv2.CV_16S)
        change = cv2.add(change, cv2.addWeighted(softest, -coarse, own, 0, 0, dtype=cv2.CV_16S))
        return np.asarray(change, np.int16)

    def _measure(
        self,
        own: NDArray[np.uint8],
        film: NDArray[np.uint8],
        film_fine: NDArray[np.uint8],
        shown: NDArray[np.bool_],
    ) -> None:
        if shown.sum() < 256:
            return
        own_bands = _bands(own, blur(own, _FINE_PX, _REACH), shown)
        film_bands = _bands(film, film_fine, shown)
        noise = min(1.4826 * float(np.median(np.abs(film_bands[0]))), 6.0)
        fine = np.clip(_edges(film_bands[0], noise) / _edges(own_bands[0], 0.0), 0.15, 1.0)
        coarse = np.clip(_edges(film_bands[1], noise / 2) / _edges(own_bands[1], 0.0), 0.4, 1.0)
        rate = 1.0 if self._frames == 0 else 0.3
        self._fine += rate * (float(fine) - self._fine)
        self._coarse += rate * (float(coarse) - self._coarse)
        self._noise += rate * (noise - self._noise)


def _grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def _bands(
    sharp: NDArray[np.uint8], fine: NDArray[np.uint8], where: NDArray[np.bool_]
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """The two bands where asked."""
    middle = fine[where].astype(np.int16)
    coarse = blur(sharp, _COARSE_PX, _REACH)[where].astype(np.int16)
    return sharp[where] - middle, middle - coarse


def _edges(band: NDArray[np.int16], noise: float) -> float:
    """Strength of a band's edges: its 97th percentile, less what noise alone would reach there."""
    strength = float(np.percentile(np.abs(band), 97))
    return max(float(np.sqrt(max(strength**2 - (2.17 * noise) ** 2, 0.0))), 0.3)
