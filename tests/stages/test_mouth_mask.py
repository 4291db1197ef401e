from __future__ import annotations

import numpy as np
import pytest
from network_doubles import scene

from masquerade.geometry.affine import apply_affine
from masquerade.geometry.templates import align
from masquerade.stages.mouth_mask import mouth_mask

CHIN, NOSE_TIP, LEFT_EYE_LID, JAW_LEFT = 199, 1, 159, 150


def _at(mask: np.ndarray, matrix: np.ndarray, landmarks: np.ndarray, vertex: int) -> int:
    x, y = np.round(apply_affine(matrix, landmarks[[vertex], :2])[0]).astype(int)
    return int(mask[y, x])


def _made(share: float, size: int = 256) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    _, landmarks, kps = scene()
    matrix = align(kps, "ffhq_512", size)
    return mouth_mask(landmarks, matrix, size, share), matrix, landmarks


def test_zero_keeps_nothing():
    assert _made(0.0)[0].max() == 0


def test_a_little_keeps_the_lips_alone():
    mask, matrix, landmarks = _made(0.01)
    assert _at(mask, matrix, landmarks, 13) > 200
    assert _at(mask, matrix, landmarks, 17) > 100
    for vertex in (CHIN, NOSE_TIP, LEFT_EYE_LID, JAW_LEFT):
        assert _at(mask, matrix, landmarks, vertex) < 10


def test_one_keeps_the_whole_lower_face_and_no_more():
    mask, matrix, landmarks = _made(1.0)
    for vertex in (13, CHIN, 17, 61, 291):
        assert _at(mask, matrix, landmarks, vertex) > 230
    for vertex in (NOSE_TIP, LEFT_EYE_LID, 6, 9):
        assert _at(mask, matrix, landmarks, vertex) < 60


def test_it_grows_with_its_size():
    areas = [_made(share)[0].astype(int).sum() for share in np.linspace(0.05, 1, 6)]
    assert (np.diff(areas) > 0).all()


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_its_edge_is_soft(share):
    mask = _made(share)[0].astype(int)
    assert np.abs(np.diff(mask, axis=0)).max() < 90
    assert mask.max() > 230


def test_the_size_of_the_crop_changes_its_place_by_nothing():
    small, large = _made(0.4, 128)[0], _made(0.4, 512)[0]
    assert np.abs(large[::4, ::4].astype(int) - small).mean() < 2
