from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from masquerade.geometry.mesh import facing, inter_ocular_px, smooth_over_mesh, umeyama
from masquerade.models.canonical import CANONICAL

SEEDS = st.integers(0, 2**32 - 1)
IN_IMAGE = CANONICAL.pos * np.array([1, -1, -1], np.float32)


def _rotation(rng: np.random.Generator) -> np.ndarray:
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


@given(SEEDS, st.floats(0.1, 50))
def test_umeyama_recovers_a_similarity(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(20, 3))
    rotation, shift = _rotation(rng), rng.normal(size=3) * 100
    target = scale * source @ rotation.T + shift
    found = umeyama(source, target)
    assert np.allclose(found.apply(source), target, atol=1e-6 * max(scale, 100))
    assert np.allclose(found.apply_inverse(target), source, atol=1e-6)
    assert np.isclose(found.scale, scale)


@given(SEEDS)
def test_umeyama_never_mirrors(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(20, 3))
    assert np.linalg.det(umeyama(source, source * [-1, 1, 1]).rotation) > 0.99


def test_weights_choose_who_is_believed() -> None:
    source = np.random.default_rng(0).normal(size=(30, 2))
    target = source + 5
    target[:10] += 40
    weights = np.r_[np.zeros(10), np.ones(20)]
    assert np.allclose(umeyama(source, target, weights).apply(source)[10:], target[10:])


def test_a_frontal_face_faces_the_camera_and_its_back_does_not() -> None:
    front = facing(IN_IMAGE, CANONICAL.tri)
    assert (front > 0).mean() > 0.95
    turned = IN_IMAGE * np.array([-1, 1, -1], np.float32)
    assert (facing(turned, CANONICAL.tri) < 0).mean() > 0.95


def test_eyes_distance_is_that_of_the_middles() -> None:
    points = np.zeros((478, 3))
    points[[33, 133]] = [[0, 0, 0], [10, 0, 0]]
    points[[362, 263]] = [[60, 0, 0], [70, 0, 40]]
    assert np.isclose(inter_ocular_px(points), np.hypot(60, 20))


def test_smoothing_keeps_constants_and_calms_noise() -> None:
    values = np.random.default_rng(1).normal(size=(468, 2)) * [1, 0] + [0, 3]
    smooth = smooth_over_mesh(values, CANONICAL.tri, 3)
    assert np.allclose(smooth[:, 1], 3)
    assert smooth[:, 0].std() < 0.5 * values[:, 0].std()
