from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from masquerade.geometry.affine import apply_affine, fit_motion, fit_similarity

_POINTS = np.random.default_rng(3).uniform(-50, 50, (60, 2))


def similarity(scale: float, turn: float, x: float, y: float) -> np.ndarray:
    cos, sin = scale * math.cos(turn), scale * math.sin(turn)
    return np.array([[cos, -sin, x], [sin, cos, y]])


similarities = st.builds(
    similarity,
    st.floats(0.2, 5),
    st.floats(-math.pi, math.pi),
    st.floats(-1000, 1000),
    st.floats(-1000, 1000),
)


@given(similarities)
def test_a_similarity_is_found_again_from_its_points(matrix: np.ndarray) -> None:
    found = fit_similarity(_POINTS, apply_affine(matrix, _POINTS))
    np.testing.assert_allclose(found, matrix, atol=1e-8)


@given(similarities)
def test_there_and_back_is_where_it_was(matrix: np.ndarray) -> None:
    moved = apply_affine(matrix, _POINTS)
    back = fit_similarity(moved, _POINTS)
    np.testing.assert_allclose(apply_affine(back, moved), _POINTS, atol=1e-6)


@given(similarities, st.integers(0, 1000))
def test_motion_ignores_a_third_that_went_elsewhere(matrix: np.ndarray, seed: int) -> None:
    moved = apply_affine(matrix, _POINTS)
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    moved[:20] += scale * np.random.default_rng(seed).uniform(30, 60, (20, 2))
    off = np.linalg.norm(apply_affine(fit_motion(_POINTS, moved, 12), _POINTS) - moved, axis=1)
    plain = np.linalg.norm(apply_affine(fit_similarity(_POINTS, moved), _POINTS) - moved, axis=1)
    assert np.median(off[20:]) < 0.1 * np.median(plain[20:])


def test_weights_choose_the_pairs_that_count() -> None:
    target = _POINTS + np.array([5.0, -3.0])
    target[:30] += 40.0
    weights = np.concatenate([np.zeros(30), np.ones(30)])
    found = fit_similarity(_POINTS, target, weights)
    np.testing.assert_allclose(found, [[1, 0, 5], [0, 1, -3]], atol=1e-9)


def test_one_place_has_no_turn_and_no_crash() -> None:
    here = np.full((5, 2), 7.0)
    assert np.isfinite(fit_similarity(here, here + 1.0)).all()
