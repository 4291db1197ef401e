"""Boxes: overlap, weighted suppression, and tiles that cover a length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["drop_contained", "iou_matrix", "pair_boxes", "tile_spans", "weighted_nms"]


def iou_matrix(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of every box of ``a`` with every box of ``b``.

    Args:
        a: (N, 4) x0, y0, x1, y1.
        b: (M, 4).

    Returns:
        float32 (N, M), 0..1; empty boxes overlap nothing.
    """
    shared = _shared(a, b)
    union = _area(a)[:, None] + _area(b)[None, :] - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float32)


def pair_boxes(
    a: NDArray[np.float32], b: NDArray[np.float32], least: float = 0.5
) -> list[tuple[int, int]]:
    """Which box of ``a`` is which of ``b``: those that overlap most find each other first.

    Args:
        a: (N, 4) x0, y0, x1, y1.
        b: (M, 4).
        least: intersection over union of a pair, above 0.

    Returns:
        Numbers of the rows; each row is in one pair at the most.

    >>> pair_boxes(np.float32([[0, 0, 4, 4], [9, 9, 12, 12]]), np.float32([[0, 0, 4, 5]]))
    [(0, 0)]
    """
    if not len(a) or not len(b):
        return []
    overlap, pairs = iou_matrix(a, b), list[tuple[int, int]]()
    while overlap.max() >= least:
        one, two = divmod(int(overlap.argmax()), len(b))
        pairs.append((one, two))
        overlap[one], overlap[:, two] = -1, -1
    return pairs


def _shared(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:4], b[None, :, 2:4])
    return np.asarray(np.clip(high - low, 0, None).prod(axis=2), np.float32)


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


def drop_contained(
    rows: NDArray[np.float32], scores: NDArray[np.float32], threshold: float = 0.8
) -> NDArray[np.bool_]:
    """Which boxes to keep: all but those that lie in a box of a higher score.

    A fine search may see a small face in the cheek of a large one, which overlap alone misses.

    Args:
        rows: (N, 4 or more) boxes.
        scores: (N,).
        threshold: part of a box, 0..1, that must lie in the other one.

    Returns:
        bool (N,).
    """
    inside = _shared(rows, rows) > threshold * np.maximum(_area(rows), 1e-9)[:, None]
    weaker = scores[:, None] < scores[None, :]
    return np.asarray(~(inside & weaker).any(axis=1))


def tile_spans(length: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """Equal, evenly spread spans that cover ``length``.

    Args:
        length: what is to be covered, at least 1.
        tile: greatest length of one span, above ``overlap``.
        overlap: least overlap of neighbours, so that nothing of that length is cut by all.

    Returns:
        Half-open spans in order; one alone where ``length`` fits in a tile.

    >>> tile_spans(100, 60, 20)
    [(0, 60), (40, 100)]
    """
    if length <= tile:
        return [(0, length)]
    count = -(-(length - overlap) // (tile - overlap))
    side = -(-(length + (count - 1) * overlap) // count)
    starts = [round(i * (length - side) / (count - 1)) for i in range(count)]
    return [(start, start + side) for start in starts]
