"""Other people from the same portrait: another face shape, skin, hair and make-up by a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.media.puppet.portrait import Portrait
from masquerade.media.puppet.topology import BROWS, EYES, INNER_LIPS, OVAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Disguise"]

_LIPS_OUTLINE = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375),
    *(291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
)
_BEARD = (
    *(132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361),
    *(425, 426, 327, 2, 98, 206, 205),
)


class Disguise:
    """A seeded change of shape and texture. The same seed gives the same person.

    Args:
        seed: any whole number from 0.
    """

    def __init__(self, seed: int) -> None:
        shape = np.random.default_rng([seed, 1])
        # Clearly one way or the other: in the middle everybody would be the same person.
        self._shape = shape.choice([-1.0, 1.0], 15) * shape.uniform(0.5, 1.25, 15)
        self._paint = np.random.default_rng([seed, 2])
        self._tone = self._paint.uniform(-1, 1, 9)
        self._wears = self._paint.random(5)

    def reshape(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """The face with other proportions.

        Args:
            points: float (N, 3) centimetres in the canonical face's axes.

        Returns:
            float64 (N, 3), up to about a centimetre away.
        """
        s = self._shape
        x, y = points[:, 0], points[:, 1]
        low = _ramp((-1.5 - y) / 7)
        high = _ramp((y - 3.5) / 4.5)
        sign = np.tanh(x / 0.8)
        nose = np.exp(-((x / 1.9) ** 2) - ((y + 0.6) / 2.2) ** 2)
        mouth = np.exp(-((x / 3.2) ** 2) - ((y + 4.3) / 1.7) ** 2)
        eyes = np.exp(-(((np.abs(x) - 3.2) / 2.0) ** 2) - ((y - 2.6) / 1.5) ** 2)
        brows = np.exp(-(((y - 4.6) / 1.2) ** 2))
        cheeks = np.exp(-(((np.abs(x) - 5.0) / 2.2) ** 2) - ((y + 0.5) / 2.2) ** 2)
        moved = points.astype(np.float64)
        moved[:, 0] += x * (0.06 * s[0] + 0.16 * s[1] * low + 0.3 * s[2] * nose)
        moved[:, 0] += 0.5 * s[3] * sign * mouth + 0.36 * s[4] * sign * eyes
        moved[:, 0] += 0.18 * s[5] * (np.abs(x) - 3.2) * sign * eyes + 0.5 * s[6] * sign * cheeks
        moved[:, 1] += -1.3 * s[7] * low + 0.9 * s[8] * high + 0.35 * s[14] * brows
        moved[:, 1] += 0.28 * s[5] * (y - 2.6) * eyes - 0.65 * s[9] * nose
        moved[:, 1] += 0.5 * s[10] * mouth + 0.36 * s[11] * (y + 4.3) * mouth
        moved[:, 2] += 0.8 * s[12] * nose + 0.7 * s[13] * low
        return moved

    def paint(self, portrait: Portrait) -> Portrait:
        """The portrait with other skin, hair and clothes."""
        face = portrait.landmarks[:, :2]
        skin, hair = _skin_and_hair(portrait)
        unit_bgr = portrait.pixels.astype(np.float32) / 255
        lab = np.asarray(cv2.cvtColor(unit_bgr, cv2.COLOR_BGR2LAB), np.float32)
        tone = self._tone
        person = np.asarray(portrait.matte, np.float32) / 255
        clothes = np.clip(person - skin - hair, 0, 1).astype(np.float32)
        _shift(lab, skin, 1 + 0.16 * tone[0] - 0.06, 5 * tone[1], 7 * tone[2])
        _shift(lab, hair, 1 + 0.45 * tone[3], 8 * tone[4], 10 * tone[5])
        _shift(lab, clothes, 1 + 0.3 * tone[6], 40 * tone[7], 40 * tone[8])
        self._make_up(lab, face)
        pixels = np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2BGR) * 255 + 0.5, 0, 255)
        return Portrait(portrait.name, pixels.astype(np.uint8), portrait.landmarks, portrait.matte)

    def _make_up(self, lab: NDArray[np.float32], face: NDArray[np.float32]) -> None:
        unit = float(np.ptp(face[:468, 1]))
        size_hw = lab.shape[:2]
        lips = _area(size_hw, face[list(_LIPS_OUTLINE)], 0.006 * unit)
        lips *= 1 - _area(size_hw, face[list(INNER_LIPS)], 0.004 * unit)
        if self._wears[0] < 0.45:
            _shift(lab, lips, 0.82, 18.0, 4.0)
        if self._wears[1] < 0.4:
            beard = _area(size_hw, face[list(_BEARD)], 0.035 * unit) * (1 - lips)
            stubble = np.random.default_rng(7).normal(0, 1, size_hw).astype(np.float32)
            stubble = _blur(stubble, 0.002 * unit + 0.3)
            stubble /= stubble.std()
            lab[..., 0] *= 1 - beard * np.clip(0.42 + 0.06 * stubble, 0, 0.65)
            lab[..., 1:] *= (1 - 0.15 * beard)[..., None]
        brows = sum(_area(size_hw, face[list(_ring(brow))], 0.008 * unit) for brow in BROWS)
        if self._wears[4] < 0.7:
            _shift(lab, np.asarray(brows), 0.45 if self._wears[4] < 0.45 else 1.12, 2.0, 2.0)
        if self._wears[2] < 0.4:
            self._freckles(lab, face, unit)
        if self._wears[3] < 0.4:
            for eye in EYES:
                shadow = face[[eye.outer, *eye.upper, eye.inner, *reversed(eye.crease)]]
                _shift(lab, _area(size_hw, shadow, 0.012 * unit), 0.7, 4.0, -10.0)

    def _freckles(self, lab: NDArray[np.float32], face: NDArray[np.float32], unit: float) -> None:
        dots = np.zeros(lab.shape[:2], np.float32)
        rng = np.random.default_rng(11)
        for centre in (50, 280, 205, 425, 6):
            for x, y in face[centre] + rng.normal(0, 0.07 * unit, (28, 2)):
                radius = int(16 * unit * rng.uniform(0.003, 0.008))
                cv2.circle(dots, (int(16 * x), int(16 * y)), radius, 1.0, -1, cv2.LINE_AA, 4)
        dots = _blur(dots, 0.003 * unit + 0.3)
        _shift(lab, np.minimum(dots, 1), 0.8, 4.0, 6.0)


def _ring(brow: tuple[int, ...]) -> tuple[int, ...]:
    """A brow's two edges as one outline."""
    return (*brow[:5], *reversed(brow[5:]))


def _ramp(t: NDArray[np.float64]) -> NDArray[np.float64]:
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def _shift(
    lab: NDArray[np.float32], mask: NDArray[np.float32], gain: float, a: float, b: float
) -> None:
    """Scale lightness and move the colour inside a mask, in place."""
    lab[..., 0] *= 1 + mask * (gain - 1)
    lab[..., 1] += mask * a
    lab[..., 2] += mask * b


def _area(
    size_hw: tuple[int, ...], outline: NDArray[np.float32], blur_px: float
) -> NDArray[np.float32]:
    mask = np.zeros(size_hw[:2], np.float32)
    cv2.fillPoly(mask, [np.rint(outline * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    return _blur(mask, max(blur_px, 0.5))


def _blur(picture: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), np.float32)


def _skin_and_hair(portrait: Portrait) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Soft masks, float32 (H, W): what has the cheeks' colour; the rest above the chin."""
    face = portrait.landmarks[:, :2]
    unit = portrait.face_px
    lab = cv2.cvtColor(portrait.pixels, cv2.COLOR_BGR2LAB).astype(np.float32)
    lab = _blur(lab, 0.01 * unit + 0.5)
    spots = np.rint(face[[50, 280, 205, 425, 9, 151, 5]]).astype(int)
    cheek = np.median(lab[spots[:, 1], spots[:, 0]], axis=0)
    off = (lab - cheek) / (55.0, 13.0, 16.0)
    alike = np.exp(-(off**2).sum(axis=-1))
    inside = _area(lab.shape, face[list(OVAL)], 0.03 * unit)
    skin = np.maximum(np.clip(1.6 * alike, 0, 1), inside) * (portrait.matte / 255)
    rows = np.arange(lab.shape[0], dtype=np.float32)[:, None]
    above = np.clip((face[152, 1] + 0.25 * unit - rows) / (0.3 * unit), 0, 1)
    hair = above * (1 - skin) * (portrait.matte / 255)
    return skin.astype(np.float32), hair.astype(np.float32)
