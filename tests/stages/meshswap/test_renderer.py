from __future__ import annotations

import cv2
import numpy as np
import pytest

from masquerade.core.settings import Settings
from masquerade.geometry.mesh import INNER_LIPS, OVAL
from masquerade.geometry.roi import Roi
from masquerade.models.landmarker import Landmarker
from masquerade.stages.meshswap.renderer import Donor, FaceRenderer
from masquerade.stages.meshswap.settle import Lean
from masquerade.stages.overlay import blend


def _drawn(person, identity, **settings):
    patch = FaceRenderer(Donor(identity), Settings(**settings)).draw(
        person.pixels, person.landmarks, 3
    )
    picture = person.pixels.copy()
    blend(picture, patch)
    return patch, picture


def _inside(landmarks, ring, shape, shrink=1.0):
    points = landmarks[ring, :2]
    points = points.mean(0) + shrink * (points - points.mean(0))
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(points).astype(np.int32)], 1)
    return mask > 0


def test_a_face_on_itself_is_itself(astronaut, astronaut_identity) -> None:
    _, picture = _drawn(astronaut, astronaut_identity, shape=0)
    face = _inside(astronaut.landmarks, OVAL, picture.shape, 0.7)
    error = picture[face].astype(float) - astronaut.pixels[face]
    assert 10 * np.log10(255**2 / (error**2).mean()) > 24


def test_another_face_is_another_face(hopper, astronaut_identity) -> None:
    _, picture = _drawn(hopper, astronaut_identity)
    face = _inside(hopper.landmarks, OVAL, picture.shape, 0.7)
    assert np.abs(picture[face].astype(float) - hopper.pixels[face]).mean() > 8


@pytest.mark.parametrize("shape", [0.0, 0.75])
def test_pixels_outside_the_mask_are_the_targets_own(hopper, astronaut_identity, shape) -> None:
    patch, picture = _drawn(hopper, astronaut_identity, shape=shape)
    x0, y0, x1, y1 = patch.box
    outside = np.ones(picture.shape[:2], bool)
    outside[y0:y1, x0:x1] = patch.mask == 0
    assert (picture[outside] == hopper.pixels[outside]).all()
    assert patch.track_id == 3
    assert patch.pixels.shape == (y1 - y0, x1 - x0, 3)
    assert patch.mask.shape == (y1 - y0, x1 - x0)


def test_light_and_colour_are_the_targets(hopper, astronaut_identity) -> None:
    face = _inside(hopper.landmarks, OVAL, hopper.pixels.shape, 0.6)
    own = hopper.pixels[face].mean(0)
    lit = _drawn(hopper, astronaut_identity, shape=0)[1][face].mean(0)
    plain = _drawn(hopper, astronaut_identity, shape=0, relight=0.0)[1][face].mean(0)
    assert np.abs(lit - own).max() < 14
    assert np.abs(lit - own).max() < 0.5 * np.abs(plain - own).max()


def test_nothing_is_drawn_without_strength(hopper, astronaut_identity) -> None:
    patch, picture = _drawn(hopper, astronaut_identity, shape=0, strength=0.0)
    assert not patch.mask.any()
    assert (picture == hopper.pixels).all()


def test_the_open_mouth_stays_the_targets(astronaut, hopper_identity) -> None:
    _, picture = _drawn(astronaut, hopper_identity, shape=0)
    lips = _inside(astronaut.landmarks, INNER_LIPS, picture.shape)
    teeth = cv2.erode(lips.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert teeth.sum() > 30
    assert (picture[teeth] == astronaut.pixels[teeth]).all()


def test_the_face_shape_moves_the_outline(hopper, astronaut_identity) -> None:
    rim = ~_inside(hopper.landmarks, OVAL, hopper.pixels.shape, 1.02)
    kept = _drawn(hopper, astronaut_identity, shape=0)[1][rim]
    moved = _drawn(hopper, astronaut_identity, shape=1.0)[1][rim]
    target = hopper.pixels[rim]
    assert (kept != target).any(1).mean() < 0.001
    assert (moved != target).any(1).mean() > 0.005


def test_a_face_cut_by_the_border_is_drawn_within_the_frame(hopper, astronaut_identity) -> None:
    left = int(hopper.landmarks[1, 0])
    cut = np.ascontiguousarray(hopper.pixels[:, left:])
    landmarks = hopper.landmarks - np.array([left, 0, 0], np.float32)
    renderer = FaceRenderer(Donor(astronaut_identity), Settings())
    patch = renderer.draw(cut, landmarks, 0)
    assert patch is not None and patch.box[0] == 0 and patch.mask.any()


def test_a_face_outside_the_frame_has_no_patch(hopper, astronaut_identity) -> None:
    away = hopper.landmarks + np.array([5000, 0, 0], np.float32)
    assert FaceRenderer(Donor(astronaut_identity), Settings()).draw(hopper.pixels, away, 0) is None


@pytest.mark.parametrize("factor", [0.12, 3.0])
def test_small_and_large_faces_are_drawn(hopper, astronaut_identity, factor) -> None:
    pixels = cv2.resize(hopper.pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    renderer = FaceRenderer(Donor(astronaut_identity), Settings())
    patch = renderer.draw(pixels, (hopper.landmarks * factor).astype(np.float32), 0)
    x0, y0, x1, y1 = patch.box
    shown = patch.mask > 0
    change = np.abs(patch.pixels.astype(int) - pixels[y0:y1, x0:x1])[shown]
    assert change.mean() > 4


def test_a_shut_eye_shows_no_eye(hopper, astronaut_identity) -> None:
    open_eyed = FaceRenderer(Donor(astronaut_identity), Settings(shape=0))
    shut = hopper.landmarks.copy()
    upper, lower = [246, 161, 160, 159, 158, 157, 173], [7, 163, 144, 145, 153, 154, 155]
    shut[upper] = shut[lower] + (shut[upper] - shut[lower]) * 0.12
    x, y = hopper.landmarks[468, :2].round().astype(int)
    spot = (slice(y - 2, y + 3), slice(x - 2, x + 3))
    seen = []
    for landmarks in (hopper.landmarks, shut):
        picture = hopper.pixels.copy()
        blend(picture, open_eyed.draw(hopper.pixels, landmarks, 0))
        seen.append(picture[spot].mean())
    assert seen[1] > seen[0] + 10  # a dark iris against the skin of the lid


def test_a_swap_that_looks_at_itself_lies_where_the_target_lies(hopper, astronaut_identity) -> None:
    network, roi = Landmarker(), Roi.from_landmarks(hopper.landmarks)
    film = network.locate(hopper.pixels, roi).points
    errors = []
    for look in (None, network):
        renderer = FaceRenderer(Donor(astronaut_identity), Settings(shape=0), look)
        picture = hopper.pixels.copy()
        blend(picture, renderer.draw(hopper.pixels, hopper.landmarks, 0))
        seen = network.locate(picture, roi).points
        errors.append(np.linalg.norm(seen[:468, :2] - film[:468, :2], axis=1).mean())
    assert errors[1] < 0.8 * errors[0]


def test_a_turned_face_is_not_judged_by(hopper, astronaut_identity) -> None:
    turned = hopper.landmarks.copy()
    turned[:, 2] += 1.2 * (turned[:, 0] - turned[:, 0].mean())
    offsets = np.zeros((468, 3), np.float32)
    never = Lean.measure(Landmarker(), hopper.pixels, turned, offsets, 1.0, lambda _: 1 / 0)
    assert not never.offset_cm.any()
