"""Mouth and eyes: what comes to light when they open is in no key frame where they were shut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np

from masquerade.geometry.mesh import EYE_LEFT, EYE_RIGHT, INNER_LIPS
from masquerade.geometry.sampling import blur, reduce

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Openings", "fill_openings"]

_RINGS = (INNER_LIPS, EYE_LEFT, EYE_RIGHT)
_GAPS = ((13, 14), (159, 145), (386, 374))
"""The middle of the upper and of the lower lip, and of each eye's lids."""
_SPAN = (33, 263)
"""Outer corners of the eyes: what gaps are measured by."""
_CHANGE = ((0.012, 0.04), (0.015, 0.04), (0.015, 0.04))
"""Change of each gap, over that span, from which the frame's own inside comes in, and is all."""
_SOFT, _GROWN = 0.012, 0.012
"""Softness of an opening's edge, and how far it reaches over the rim, as shares of the span."""
_TONE = 0.12
"""Width of the blur by which the face's tone is taken over, as a share of the span."""
_TONE_RANGE = (0.75, 1.33)


@dataclass(frozen=True, slots=True)
class Openings:
    """How far mouth, left and right eye are open, over the distance of the eyes' outer corners."""

    gaps: tuple[float, float, float]

    @classmethod
    def of(cls, landmarks: NDArray[np.floating]) -> Self:
        """Measure a mesh, (>= 468, 2 or 3) pixels."""
        span = max(float(np.linalg.norm(landmarks[_SPAN[0]] - landmarks[_SPAN[1]])), 1e-6)
        mouth, left, right = (
            float(np.linalg.norm(landmarks[a] - landmarks[b])) / span for a, b in _GAPS
        )
        return cls((mouth, left, right))

    def strange_to(self, key: Openings) -> tuple[float, float, float]:
        """How far the insides are others than in a key frame, 0..1 each.

        A mouth differs whether it has opened or shut; an eye that shuts is only covered.
        """
        mouth, left, right = (
            _smooth_step((change - low) / (high - low))
            for change, (low, high) in zip(self._changes(key), _CHANGE, strict=True)
        )
        return mouth, left, right

    def opened_since(self, then: Openings) -> float:
        """The largest of these changes, over the distance of the eyes' outer corners."""
        return max(0.0, *self._changes(then))

    def shut_since(self, then: Openings) -> float:
        """How much further an eye is shut, over the same distance; 0 where none is."""
        _, left, right = self._changes(then)
        return max(0.0, -left, -right)

    def _changes(self, then: Openings) -> tuple[float, float, float]:
        mouth, left, right = (a - b for a, b in zip(self.gaps, then.gaps, strict=True))
        return abs(mouth), left, right


def fill_openings(
    face: NDArray[np.uint8],
    film: NDArray[np.uint8],
    tone: NDArray[np.float32],
    points: NDArray[np.float32],
    shares: tuple[float, float, float],
) -> None:
    """Show the frame's own mouth and eyes in place, in the tone of the face that is drawn.

    Args:
        face: uint8 (H, W, 3) BGR, the face as drawn; changed.
        film: uint8 (H, W, 3) BGR, the frame there.
        tone: float32 (h, w, 3), what the drawn face makes of the frame as a factor, of any smaller
            size.
        points: float32 (>= 468, 2) pixels of ``face``.
        shares: of mouth, left and right eye, 0..1.
    """
    span = float(np.linalg.norm(points[_SPAN[0]] - points[_SPAN[1]]))
    for ring, share in zip(_RINGS, shares, strict=True):
        if share > 0:
            _fill(face, film, tone, points[ring, :2], share, span)


def _fill(
    face: NDArray[np.uint8],
    film: NDArray[np.uint8],
    tone: NDArray[np.float32],
    outline: NDArray[np.float32],
    share: float,
    span: float,
) -> None:
    soft = max(_SOFT * span, 0.6)
    margin = np.ceil(3 * soft + _GROWN * span) + 1
    height, width = face.shape[:2]
    x0, y0 = np.maximum(np.floor(outline.min(0) - margin), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(outline.max(0) + margin) + 1, (width, height)).astype(int)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    hole = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillPoly(hole, [np.round((outline - (x0, y0)) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    grow = 2 * round(_GROWN * span) + 1
    hole = np.asarray(cv2.dilate(hole, np.ones((grow, grow), np.uint8)), np.uint8)
    weight = blur(hole, soft).astype(np.float32) * np.float32(share / 255)
    part = (slice(y0, y1), slice(x0, x1))
    factor = _tone_of(tone, hole, (x0, y0, x1, y1), (width, height), span)
    own = cv2.multiply(np.ascontiguousarray(film[part]), factor, dtype=cv2.CV_8U)
    face[part] = cv2.blendLinear(np.ascontiguousarray(face[part]), own, 1 - weight, weight)


def _tone_of(
    tone: NDArray[np.float32],
    hole: NDArray[np.uint8],
    box: tuple[int, int, int, int],
    size_wh: tuple[int, int],
    span: float,
) -> NDArray[np.float32]:
    """The smooth part of the tone within a hole of the full picture, over its box."""
    scale = np.array(tone.shape[1::-1], np.float32) / size_wh
    x0, y0 = np.floor(box[:2] * scale).astype(int)
    x1, y1 = np.ceil(box[2:] * scale).astype(int)
    near = np.clip(tone[y0:y1, x0:x1], *_TONE_RANGE).astype(np.float32)
    trust = reduce(hole, near.shape[1::-1]).astype(np.float32)[..., None] + np.float32(1)
    sigma = max(_TONE * span * float(scale[0]), 0.5)
    smooth = blur(near * trust, sigma, 2.0) / blur(trust[..., 0], sigma, 2.0)[..., None]
    return np.asarray(cv2.resize(smooth, (box[2] - box[0], box[3] - box[1])), np.float32)


def _smooth_step(t: float) -> float:
    t = min(max(t, 0.0), 1.0)
    return t * t * (3 - 2 * t)
