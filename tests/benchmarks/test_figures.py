"""The judge's figures on motions whose fault is known."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from masquerade.models.canonical import CANONICAL

_PATH = Path(__file__).parents[2] / "benchmarks" / "quality" / "figures.py"
_SPEC = importlib.util.spec_from_file_location("quality_figures", _PATH)
figures = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(figures)

FRAMES = 20


def turned(shape: np.ndarray, yaw: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """A mesh (478, 3) as a head that turns and comes nearer, (T, 478, 3) pixels."""
    c, s, zero, one = np.cos(yaw), np.sin(yaw), np.zeros_like(yaw), np.ones_like(yaw)
    rotation = np.stack([c, zero, s, zero, one, zero, -s, zero, c], axis=1).reshape(-1, 3, 3)
    return 12 * scale[:, None, None] * (shape @ rotation) + (300, 200, 0)


@pytest.fixture
def shape() -> np.ndarray:
    irises = np.repeat(CANONICAL.pos[[159, 386]], 5, axis=0)
    return np.concatenate([CANONICAL.pos, irises]).astype(float) * (1, -1, -1)


@pytest.fixture
def motion() -> tuple[np.ndarray, np.ndarray]:
    t = np.linspace(0, 2 * np.pi, FRAMES)
    return 0.3 * np.sin(t), 1 + 0.1 * np.cos(t)


def test_another_face_shape_in_the_same_pose_costs_no_dyn(shape, motion) -> None:
    wider = shape * (1.1, 1.0, 1.0) + (0, 0.2, 0)
    target, output = turned(shape, *motion), turned(wider, *motion)
    assert figures.dynamics_error(target, output) < 0.05
    assert figures.landmark_error(target, output, figures.iod_mesh(target)) > 3


def test_a_frozen_expression_costs_dyn(shape, motion) -> None:
    jaw = (shape[:, 1] > 5)[None, :, None] * np.sin(np.linspace(0, 9, FRAMES))[:, None, None]
    still, talking = turned(shape, *motion), turned(shape, *motion) + 5 * jaw * (0, 1, 0)
    assert figures.dynamics_error(talking, talking) == pytest.approx(0, abs=1e-9)
    assert figures.dynamics_error(talking, still) > 0.4


def test_lag_costs_dyn_and_jitter_raises_acceleration(shape, motion) -> None:
    target = turned(shape, *motion)
    late = np.concatenate([target[:1], target[:-1]])
    jittered = target + np.random.default_rng(0).normal(0, 1, target.shape)
    smoothed = target.copy()
    smoothed[1:-1] = (target[:-2] + target[1:-1] + target[2:]) / 3
    assert figures.dynamics_error(target, late) > 1
    assert figures.acceleration_ratio(target, target) == 1
    assert figures.acceleration_ratio(target, jittered) > 1.2
    assert figures.acceleration_ratio(target, smoothed) < 0.97


def test_lost_faces_are_left_out_of_the_other_figures(shape, motion) -> None:
    target = turned(shape, *motion)
    output = target.copy()
    output[5] = np.nan
    assert figures.dynamics_error(target, output) == pytest.approx(0, abs=1e-9)
    assert figures.acceleration_ratio(target, output) == 1


def test_a_resting_difference_of_blendshapes_is_forgiven_once_the_mean_is_gone() -> None:
    target = np.random.default_rng(1).random((FRAMES, 52))
    output = target + 0.1
    assert figures.blendshape_error(target, output, less_mean=True) == pytest.approx(0, abs=1e-9)
    assert figures.blendshape_error(target, output, less_mean=False) == pytest.approx(0.1)


def drifting(step_px: float, amount: int = 6) -> list[np.ndarray]:
    """A soft random picture that moves to the right."""
    import cv2

    noise = np.random.default_rng(3).integers(0, 256, (160, 200, 3)).astype(np.uint8)
    picture = cv2.GaussianBlur(noise, (0, 0), 4)
    picture = cv2.normalize(picture, None, 0, 255, cv2.NORM_MINMAX)
    moves = (np.float64([[1, 0, step_px * k], [0, 1, 0]]) for k in range(amount))
    return [cv2.warpAffine(picture, m, (200, 160), borderMode=cv2.BORDER_REFLECT) for m in moves]


def test_flow_error_is_the_speed_that_is_missing_and_flicker_the_change() -> None:
    target, slow, frozen = drifting(2.0), drifting(1.0), drifting(0.0)
    mask = np.zeros((160, 200), np.uint8)
    mask[40:120, 50:150] = 255
    masks, iod = [mask] * 6, np.full(6, 100.0)
    flows = figures.flows(target)
    assert figures.flow_error(flows, flows, masks, iod) == 0
    assert figures.flow_error(flows, figures.flows(slow), masks, iod) == pytest.approx(1, abs=0.3)
    assert figures.flow_error(flows, figures.flows(frozen), masks, iod) == pytest.approx(2, abs=0.4)
    assert figures.flicker_ratio(target, target, masks) == 1
    assert figures.flicker_ratio(target, slow, masks) == pytest.approx(0.5, abs=0.15)
    assert figures.flicker_ratio(target, frozen, masks) == 0


def test_identity_figures() -> None:
    a, b = np.zeros((1, 128)), np.zeros((1, 128))
    a[0, 0] = b[0, 1] = 1
    output = np.repeat(0.9 * a + 0.1 * b, 4, axis=0)
    output[3] = 0.2 * a + 0.8 * b
    assert figures.nearest_share(output, {"a": a, "b": b}, "a") == 75
    assert figures.distances(a, b) == pytest.approx(np.sqrt(2))
    pair = np.concatenate([a, b])
    assert figures.distances(pair, pair, leave_same=True) == pytest.approx(np.sqrt(2))


def test_the_mask_is_the_face_oval(shape, motion) -> None:
    mesh = turned(shape, *motion)[0]
    mask = figures.face_mask(mesh, (640, 480))
    nose, ear_side = mesh[1, :2], mesh[:, :2].max(axis=0) + 5
    assert mask[int(nose[1]), int(nose[0])] == 255
    assert mask[int(ear_side[1]), int(ear_side[0])] == 0
