from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from donor_photos import NAMES, face
from hypothesis import given, settings
from hypothesis import strategies as st

from masquerade.models.canonical import CANONICAL
from masquerade.stages.neutral import expression_of, neutral_shape, pose_of, turn_degrees
from masquerade.stages.regions import mirror_index

UPRIGHT = np.array([1.0, -1.0, -1.0])


def _turned(yaw: float, pitch: float, roll: float) -> np.ndarray:
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def _in_photo(shape: np.ndarray, scale: float = 20.0, turn: np.ndarray | None = None) -> np.ndarray:
    turned = shape if turn is None else shape @ turn.T
    return turned * UPRIGHT * scale + [300, 250, 0]


def _mouth_opened(shape: np.ndarray, gap_cm: float) -> np.ndarray:
    """The lower face turned down about the ears, as a jaw does."""
    moved = shape.copy()
    below = (shape[:, 1] <= shape[14, 1] + 1e-6) * np.clip((6.5 - np.abs(shape[:, 0])) / 2, 0, 1)
    angle = gap_cm / (shape[14, 2] + 2.0)
    moved[:, 1] -= below * angle * (shape[:, 2] + 2.0)
    moved[:, 2] += below * angle * (shape[:, 1] - 0.5)
    return moved


def test_the_canonical_face_is_its_own_neutral():
    shape = neutral_shape(_in_photo(CANONICAL.pos))
    assert np.abs(shape - CANONICAL.pos).max() < 0.02


@settings(max_examples=25, deadline=None)
@given(
    yaw=st.floats(-30, 30),
    pitch=st.floats(-20, 20),
    roll=st.floats(-40, 40),
    scale=st.floats(3, 60),
)
def test_pose_and_size_do_not_change_the_shape(yaw, pitch, roll, scale):
    posed = _in_photo(CANONICAL.pos, scale, _turned(yaw, pitch, roll))
    assert np.abs(neutral_shape(posed) - CANONICAL.pos).max() < 0.05


def test_turn_is_read_back():
    yaw, pitch = turn_degrees(pose_of(_in_photo(CANONICAL.pos, turn=_turned(25, 10, 0))))
    assert yaw == pytest.approx(25, abs=0.5)
    assert pitch == pytest.approx(10, abs=0.5)


def test_an_open_mouth_is_no_shape():
    opened = _mouth_opened(CANONICAL.pos.astype(float), 1.5)
    left_over = np.abs(neutral_shape(_in_photo(opened)) - CANONICAL.pos)
    caused = np.abs(opened - CANONICAL.pos)
    assert caused[152].max() > 1.0
    assert left_over[152].max() < 0.3 * caused[152].max()
    assert expression_of(_in_photo(opened))[0] == pytest.approx(1.5, abs=0.3)


def test_a_smile_is_no_shape():
    smiling = CANONICAL.pos.astype(float).copy()
    near = np.exp(-((np.linalg.norm(smiling - smiling[61], axis=1) / 1.5) ** 2))
    near_other = near[mirror_index()[:468]]
    smiling[:, 1] += 0.8 * (near + near_other)
    smiling[:, 0] += 0.6 * (near_other - near)
    left_over = np.abs(neutral_shape(_in_photo(smiling)) - CANONICAL.pos)
    assert left_over[61].max() < 0.5 * np.abs(smiling - CANONICAL.pos)[61].max()
    assert expression_of(_in_photo(smiling))[1] > 0.6


def test_a_wide_jaw_is_shape():
    wide = CANONICAL.pos.astype(float).copy()
    wide[:, 0] *= 1 + 0.15 * np.clip((-2 - wide[:, 1]) / 6, 0, 1)
    kept = neutral_shape(_in_photo(wide)) - CANONICAL.pos
    true = wide - CANONICAL.pos
    jaw = [172, 397, 136, 365]
    assert np.abs(kept[jaw, 0]).mean() > 0.7 * np.abs(true[jaw, 0]).mean()


@pytest.mark.parametrize("name", NAMES)
def test_real_faces_stay_human(name):
    shape = neutral_shape(face(name).points)
    off = np.linalg.norm(shape - CANONICAL.pos, axis=1)
    assert 0.1 < np.sqrt((off**2).mean()) < 1.2
    gap = shape[13, 1] - shape[14, 1] - (CANONICAL.pos[13, 1] - CANONICAL.pos[14, 1])
    assert abs(gap) < 0.15


def test_people_differ():
    shapes = [neutral_shape(face(name).points) for name in NAMES]
    apart = [np.sqrt(((one - two) ** 2).sum(1).mean()) for one, two in pairwise(shapes)]
    assert min(apart) > 0.15
