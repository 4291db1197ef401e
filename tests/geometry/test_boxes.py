from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masquerade.geometry.boxes import (
    drop_contained,
    iou_matrix,
    pair_boxes,
    tile_spans,
    weighted_nms,
)

corner = st.floats(0, 500, width=32)
side = st.floats(1, 300, width=32)
boxes = st.lists(st.tuples(corner, corner, side, side), min_size=1, max_size=12).map(
    lambda items: np.array([(x, y, x + w, y + h) for x, y, w, h in items], np.float32)
)


def f32(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32)


@given(boxes, boxes)
def test_overlap_is_symmetric_and_bounded(a: np.ndarray, b: np.ndarray) -> None:
    overlap = iou_matrix(a, b)
    np.testing.assert_allclose(overlap, iou_matrix(b, a).T, atol=1e-5)
    assert (overlap >= 0).all()
    assert (overlap <= 1 + 1e-5).all()
    np.testing.assert_allclose(np.diag(iou_matrix(a, a)), 1, atol=1e-4)


def test_known_overlaps() -> None:
    a = f32((0, 0, 10, 10))
    b = f32((5, 0, 15, 10), (20, 20, 30, 30), (3, 3, 3, 3))
    np.testing.assert_allclose(iou_matrix(a, b), [[1 / 3, 0, 0]], atol=1e-6)


@given(boxes)
def test_nms_leaves_one_of_every_heap(rows: np.ndarray) -> None:
    scores = np.linspace(0.9, 0.3, len(rows)).astype(np.float32)
    merged, best = weighted_nms(rows, scores, 0.3)
    assert 1 <= len(merged) <= len(rows)
    assert best[0] == scores[0]
    assert (np.diff(best) <= 0).all()
    # A mean of boxes lies within them.
    assert merged[:, :2].min() >= rows[:, :2].min() - 1e-2
    assert merged[:, 2:].max() <= rows[:, 2:].max() + 1e-2


def test_nms_averages_by_score() -> None:
    rows = f32((0, 0, 10, 10, 100), (1, 0, 11, 10, 200), (50, 50, 60, 60, 7))
    merged, best = weighted_nms(rows, np.array([0.9, 0.3, 0.5], np.float32))
    np.testing.assert_allclose(merged, f32((0.25, 0, 10.25, 10, 125), (50, 50, 60, 60, 7)))
    assert best.tolist() == pytest.approx([0.9, 0.5])


def test_nms_of_nothing_is_nothing() -> None:
    merged, best = weighted_nms(np.zeros((0, 16), np.float32), np.zeros(0, np.float32))
    assert merged.shape == (0, 16)
    assert best.shape == (0,)


def test_a_weak_box_inside_a_strong_one_is_dropped() -> None:
    rows = f32((0, 0, 100, 100), (40, 40, 60, 60), (90, 90, 130, 130))
    assert drop_contained(rows, np.array([0.9, 0.6, 0.8], np.float32)).tolist() == [
        True,
        False,
        True,
    ]
    assert drop_contained(rows, np.array([0.6, 0.9, 0.8], np.float32)).all()


@given(st.integers(1, 5000), st.integers(50, 800), st.integers(0, 49))
def test_tiles_cover_and_overlap(length: int, tile: int, overlap: int) -> None:
    spans = tile_spans(length, tile, overlap)
    assert spans[0][0] == 0
    assert spans[-1][1] == length
    assert all(0 < end - start <= tile for start, end in spans)
    for (_, end), (start, _) in itertools.pairwise(spans):
        assert end - start >= overlap


@given(boxes, boxes)
def test_pairs_are_of_boxes_that_overlap_and_have_no_better_one_left(
    a: np.ndarray, b: np.ndarray
) -> None:
    pairs, overlap = pair_boxes(a, b), iou_matrix(a, b)
    ones, twos = {one for one, _ in pairs}, {two for _, two in pairs}
    assert len(ones) == len(twos) == len(pairs)
    assert all(overlap[pair] >= 0.5 for pair in pairs)
    left = [(i, j) for i in range(len(a)) for j in range(len(b)) if i not in ones and j not in twos]
    assert all(overlap[pair] < 0.5 for pair in left)


def test_nobody_is_paired_with_nobody() -> None:
    assert pair_boxes(np.zeros((0, 4), np.float32), f32((0, 0, 1, 1))) == []
