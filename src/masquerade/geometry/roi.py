"""The square, rotated window of the frame that a face network looks at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Roi"]

_LEFT_EYE, _RIGHT_EYE = 33, 263
"""Outer corners of the eyes on the image's left and right in the 478-point mesh."""

_MARGIN = 1.5
"""Side of the window over the longer side of the face: what the landmark network was taught."""


@dataclass(frozen=True, slots=True)
class Roi:
    """A square window, rotated about its centre.

    Convention: frame and crop coordinates are pixels with pixel centres at whole numbers, x right,
    y down. A positive angle turns the window clockwise as seen on the screen: it is the angle of
    the line from the left to the right eye.

    Attributes:
        cx: centre in frame pixels.
        cy: centre in frame pixels.
        size_px: side in frame pixels, above 0.
        angle_rad: -pi to pi.

    Source of the window's rule: MediaPipe, ``face_landmarks_to_roi`` and
    ``face_detection_front_detection_to_roi`` (Apache-2.0).
    """

    cx: float
    cy: float
    size_px: float
    angle_rad: float = 0.0

    @classmethod
    def from_detection(
        cls, bbox: NDArray[np.float32], kps: NDArray[np.float32], scale: float = _MARGIN
    ) -> Self:
        """Window around a detection: upright along the eyes, ``scale`` times the box's longer side.

        Args:
            bbox: (4,) x0, y0, x1, y1 in frame pixels.
            kps: (5, 2) frame pixels; the first two are the left and the right eye.
            scale: side of the window over the longer side of the box.
        """
        x0, y0, x1, y1 = (float(value) for value in bbox)
        size = max(x1 - x0, y1 - y0) * scale
        return cls((x0 + x1) / 2, (y0 + y1) / 2, max(size, 1.0), _roll(kps[0], kps[1]))

    @classmethod
    def from_landmarks(cls, landmarks: NDArray[np.float32], scale: float = _MARGIN) -> Self:
        """Window for the next look at a known face.

        Unlike MediaPipe's, the box is taken along the eyes and not along the frame, so that the
        window of a tilted face is no larger than that of an upright one.

        Args:
            landmarks: (N >= 264, 2 or 3) frame pixels in the order of the 478-point mesh.
            scale: side of the window over the longer side of the mesh.
        """
        points = landmarks[:, :2].astype(np.float64)
        angle = _roll(points[_LEFT_EYE], points[_RIGHT_EYE])
        cos, sin = math.cos(angle), math.sin(angle)
        along = points @ np.array([[cos, -sin], [sin, cos]])
        low, high = along.min(axis=0), along.max(axis=0)
        middle = (low + high) / 2
        cx = cos * middle[0] - sin * middle[1]
        cy = sin * middle[0] + cos * middle[1]
        size = float((high - low).max()) * scale
        return cls(float(cx), float(cy), max(size, 1.0), angle)

    def matrix(self, out_px: int) -> NDArray[np.float64]:
        """Affine map from frame pixels to the pixels of a crop of ``out_px`` squared.

        Returns:
            float64 (2, 3), as cv2.warpAffine takes it.
        """
        scale = out_px / self.size_px
        cos, sin = math.cos(self.angle_rad) * scale, math.sin(self.angle_rad) * scale
        middle = (out_px - 1) / 2
        return np.array(
            [
                [cos, sin, middle - cos * self.cx - sin * self.cy],
                [-sin, cos, middle + sin * self.cx - cos * self.cy],
            ]
        )

    def inverse_matrix(self, out_px: int) -> NDArray[np.float64]:
        """Affine map from crop pixels back to frame pixels, float64 (2, 3)."""
        scale = self.size_px / out_px
        cos, sin = math.cos(self.angle_rad) * scale, math.sin(self.angle_rad) * scale
        middle = (out_px - 1) / 2
        return np.array(
            [
                [cos, -sin, self.cx - (cos - sin) * middle],
                [sin, cos, self.cy - (sin + cos) * middle],
            ]
        )


def _roll(left: NDArray[np.floating], right: NDArray[np.floating]) -> float:
    return math.atan2(float(right[1] - left[1]), float(right[0] - left[0]))
