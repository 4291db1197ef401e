"""From what each family of detectors returns to boxes, points and scores in network pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.models.face_detectors.candidates import Candidates
from masquerade.models.face_detectors.levels import by_width, cell_corners

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.models.spec import Decoding

__all__ = ["DECODERS", "Decoder"]

Decoder = Callable[
    [Sequence["NDArray[Any]"], tuple[int, int], float, "Decoding"],
    Candidates,
]
"""Takes the outputs of one run, the input's size (w, h), the least score and the registry's facts.
Raises ValueError where the outputs are not those of the family."""


def _scrfd(
    results: Sequence[NDArray[Any]], size_wh: tuple[int, int], least: float, facts: Decoding
) -> Candidates:
    """SCRFD and RetinaFace: distances from a cell's corner to the box's sides and the points.

    All in units of the stride. Source: InsightFace, ``SCRFD.forward``.
    """
    levels = zip(facts.strides, *(by_width(results, width) for width in (1, 4, 10)), strict=True)
    parts = []
    for stride, scores, distances, offsets in levels:
        corners = cell_corners(size_wh, stride, facts.anchors)
        likely = np.flatnonzero(scores[:, 0] >= least)
        corners, reach = corners[likely], distances[likely] * stride
        boxes = np.concatenate([corners - reach[:, :2], corners + reach[:, 2:]], axis=1)
        kps = corners[:, None] + (offsets[likely] * stride).reshape(-1, 5, 2)
        parts.append(Candidates(boxes, kps, scores[likely, 0]))
    return Candidates.join(parts)


def _yunet(
    results: Sequence[NDArray[Any]], size_wh: tuple[int, int], least: float, facts: Decoding
) -> Candidates:
    """YuNet: a class times an object score; a shift of the cell and the logarithm of the size.

    Source: OpenCV, ``FaceDetectorYN``, whose score is the root of that product.
    """
    scores = by_width(results, 1)
    # Sorted by length, the two scores of a level stand side by side; the product knows no order.
    products = [scores[at] * scores[at + 1] for at in range(0, len(scores), 2)]
    levels = zip(facts.strides, products, by_width(results, 4), by_width(results, 10), strict=True)
    parts = []
    for stride, product, boxes, points in levels:
        corners = cell_corners(size_wh, stride, facts.anchors)
        likely = np.flatnonzero(product[:, 0] >= least)
        corners, raw = corners[likely], boxes[likely]
        centre, half = corners + raw[:, :2] * stride, np.exp(raw[:, 2:]) * stride / 2
        kps = corners[:, None] + points[likely].reshape(-1, 5, 2) * stride
        both = np.concatenate([centre - half, centre + half], axis=1)
        parts.append(Candidates(both, kps, product[likely, 0]))
    return Candidates.join(parts)


def _yoloface(
    results: Sequence[NDArray[Any]], size_wh: tuple[int, int], least: float, facts: Decoding
) -> Candidates:
    """YOLO-face: 20 values a cell: centre, size, score, and five times x, y and a confidence."""
    del size_wh, facts  # all in network pixels, all levels in one
    (values,) = (result for result in results if result.shape[-2:-1] == (20,))
    rows = values.reshape(20, -1).T.astype(np.float32)
    rows = rows[rows[:, 4] >= least]
    centre, half = rows[:, :2], rows[:, 2:4] / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    return Candidates(boxes, rows[:, 5:].reshape(-1, 5, 3)[:, :, :2], rows[:, 4])


DECODERS: Mapping[str, Decoder] = {
    "scrfd": _scrfd,
    "retinaface": _scrfd,
    "yunet": _yunet,
    "yoloface": _yoloface,
}
"""By the registry's family."""
