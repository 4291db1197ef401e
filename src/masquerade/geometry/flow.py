"""Where the points of a face went from one frame to the next, told by its pixels.

The flow is computed between two small grey views of the face, each taken through a window that
already follows the head. So the cost does not depend on the size of the face, a fast head leaves
only a small motion to find, and what is found is as fine as the face itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from masquerade.geometry.affine import apply_affine
from masquerade.geometry.warp import warp_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.geometry.roi import Roi

    _Picture = NDArray[np.integer[Any] | np.floating[Any]]

__all__ = ["FaceFlow", "FaceView"]

_FINEST_SCALE = 0
_DESCENT_STEPS = 5
"""More steps fit a patch's noise, and a blank cheek has nothing else: 16 are slower and 10 %
worse."""
_SHRINK = 2
_PATCH_STRIDE_PX = 5
_BLUR_PX = 1.8
"""What neighbouring patches disagree on is noise: it costs nothing to average it away."""


@dataclass(frozen=True, slots=True)
class FaceView:
    """One look at a face.

    Attributes:
        grey: uint8 (S, S).
        roi: the window of the frame that it shows.
    """

    grey: NDArray[np.uint8]
    roi: Roi


class FaceFlow:
    """Dense inverse search between two views of a face.

    Source: T. Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016, without
    the variational refinement, which doubles the time and improves the points by little.

    Args:
        side_px: side S of a view.
    """

    def __init__(self, side_px: int = 136) -> None:
        self._side = side_px
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._search.setFinestScale(_FINEST_SCALE)
        self._search.setPatchStride(_PATCH_STRIDE_PX)
        self._search.setGradientDescentIterations(_DESCENT_STEPS)
        self._search.setVariationalRefinementIterations(0)

    def view(self, pixels_bgr: NDArray[np.uint8], roi: Roi) -> FaceView:
        """Look at ``roi``; what lies outside the frame repeats the frame's edge.

        Args:
            pixels_bgr: uint8 (H, W, 3).
            roi: window to look through.
        """
        side = self._side
        # A window far larger than the view would be sampled sparsely, and its noise would be
        # taken for motion: it is taken at twice the size and averaged.
        shrink = _SHRINK if roi.size_px > 1.5 * side else 1
        large = side * shrink
        crop = warp_picture(pixels_bgr, roi.matrix(large), (large, large), cv2.BORDER_REPLICATE)
        grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
        if shrink > 1:
            grey = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)
        return FaceView(np.asarray(grey, np.uint8), roi)

    def carry(
        self, before: FaceView, after: FaceView, points: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Take points of the first view's frame to the second view's frame.

        Args:
            before: view of the earlier frame.
            after: view of the later frame; its window may have moved.
            points: (N, 2) pixels of the earlier frame. One outside the view moves as the view's
                nearest edge does.

        Returns:
            float64 (N, 2), pixels of the later frame.
        """
        unset: Any = None
        flow = self._search.calc(before.grey, after.grey, unset)
        flow = cv2.GaussianBlur(flow, (0, 0), _BLUR_PX)
        local = apply_affine(before.roi.matrix(self._side), points)
        step = _sample(flow, local)
        return np.asarray(
            apply_affine(after.roi.inverse_matrix(self._side), local + step), np.float64
        )

    def likeness(
        self,
        before: FaceView,
        after: FaceView,
        points: NDArray[np.float64],
        carried: NDArray[np.float64],
    ) -> float:
        """How well the pixels under carried points are those that the points left.

        Args:
            before: view of the earlier frame.
            after: view of the later frame.
            points: (N, 2) pixels of the earlier frame.
            carried: (N, 2) pixels of the later frame.

        Returns:
            Correlation of the two views' grey values at the points, -1..1: above 0.9 where a face
            was followed, low where it is covered or gone; 0 where one side is blank.
        """
        left, found = (
            _sample(view.grey, apply_affine(view.roi.matrix(self._side), at))[:, 0]
            for view, at in ((before, points), (after, carried))
        )
        spread = float(left.std() * found.std())
        if spread < 1e-6:
            return 0.0
        return float(((left - left.mean()) * (found - found.mean())).mean() / spread)


def _sample(picture: _Picture, at: NDArray[np.floating]) -> NDArray[np.float64]:
    """Bilinear values (N, channels) of a picture at points (N, 2); the edge goes on outside."""
    x, y = at[:, :1].astype(np.float32), at[:, 1:].astype(np.float32)
    values = cv2.remap(picture, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    return values.reshape(len(at), -1).astype(np.float64)
