"""Boxes: overlap and weighted suppression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["iou_matrix", "weighted_nms"]


def iou_matrix(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of every box of ``a`` with every box of ``b``.

    Args:
        a: (N, 4) x0, y0, x1, y1.
        b: (M, 4).

    Returns:
        float32 (N, M), 0..1; empty boxes overlap nothing.
    """
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:4], b[None, :, 2:4])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    union = _area(a)[:, None] + _area(b)[None, :] - shared
    return (shared / np.maximum(union, 1e-9)).astype(np.float32)


def _area(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    sides = np.clip(boxes[:, 2:4] - boxes[:, :2], 0, None)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def weighted_nms(
    rows: NDArray[np.float32], scores: NDArray[np.float32], threshold: float = 0.3
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Merge detections of one face into their mean, weighted by score.

    The best detection gathers all that overlap it by more than ``threshold``; their coordinates
    are averaged, the score stays the best one. Source: MediaPipe's weighted non-maximum
    suppression (BlazeFace, arXiv 1907.05047, section 4.2).

    Args:
        rows: (N, 4 + K): a box x0, y0, x1, y1 followed by further coordinates averaged alike.
        scores: (N,), above 0.
        threshold: intersection over union, 0..1.

    Returns:
        The merged rows (M, 4 + K) and their scores (M,), best first.
    """
    rest = np.argsort(-scores, kind="stable")
    merged, best = [], []
    while rest.size:
        overlap = iou_matrix(rows[rest[:1]], rows[rest])[0] > threshold
        overlap[0] = True
        group = rest[overlap]
        weights = scores[group] / scores[group].sum()
        merged.append(weights @ rows[group])
        best.append(scores[group[0]])
        rest = rest[~overlap]
    if not merged:
        return rows[:0], scores[:0]
    return np.stack(merged).astype(np.float32), np.array(best, np.float32)
