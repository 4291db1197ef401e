from __future__ import annotations

import cv2
import numpy as np
import pytest
from network_doubles import HalfMasker, scene

from masquerade.core.settings import Settings
from masquerade.geometry.affine import apply_affine
from masquerade.geometry.mesh import OVAL
from masquerade.geometry.templates import align, warp_crop
from masquerade.stages.crop_masks import CropMasks
from masquerade.stages.face_masks import box_mask, combine, mesh_mask, warp_mask
from masquerade.stages.mesh_occlusion import MeshOcclusion
from masquerade.stages.swapped_crop import SwappedCrop


@pytest.mark.parametrize("size", [128, 256, 512])
def test_the_box_is_the_published_one(size):
    """Border half the blur, sigma a quarter of it, blur = 0.5 * 0.3 * size."""
    blur = int(size * 0.5 * 0.3)
    expected = np.zeros((size, size), np.float32)
    expected[blur // 2 : -(blur // 2), blur // 2 : -(blur // 2)] = 1
    expected = cv2.GaussianBlur(expected, (0, 0), blur * 0.25)
    assert np.abs(box_mask(size, 0.3, 0.0) / 255 - expected).max() < 0.01


def test_padding_moves_the_box_in_and_blur_softens_it():
    padded = box_mask(128, 0.0, 0.25)
    assert (padded[32:96, 32:96] == 255).all()
    assert padded[:32].max() == 0
    soft = box_mask(128, 0.8, 0.0)
    assert np.unique(soft).size > 40
    assert box_mask(128, 1.0, 0.5).max() < 255


def test_the_box_is_made_once_and_cannot_be_spoilt():
    assert box_mask(128, 0.3, 0.1) is box_mask(128, 0.3, 0.1)
    with pytest.raises(ValueError, match="read-only"):
        box_mask(128, 0.3, 0.1)[0, 0] = 1


@pytest.mark.parametrize("size", [128, 512])
def test_the_meshs_mask_lies_within_the_face(size):
    _, landmarks, kps = scene()
    matrix = align(kps, "ffhq_512", size)
    mask = mesh_mask(landmarks, matrix, size)
    assert mask.shape == (size, size)
    oval = np.zeros((size, size), np.uint8)
    points = apply_affine(matrix, landmarks[:468, :2])
    cv2.fillConvexPoly(oval, cv2.convexHull(points.astype(np.float32)).astype(np.int32), 255)
    grown = cv2.dilate(oval, np.ones((5, 5), np.uint8))
    assert mask[grown == 0].max() < 30
    assert mask[oval > 0].mean() > 200
    features = np.round(apply_affine(matrix, kps)).astype(int)
    assert (mask[features[:, 1], features[:, 0]] == 255).all()
    rim = np.clip(np.round(points[OVAL]).astype(int), 0, size - 1)
    assert mask[rim[:, 1], rim[:, 0]].mean() < 64


def test_the_meshs_mask_does_not_depend_on_the_crops_size():
    _, landmarks, kps = scene()
    small = mesh_mask(landmarks, align(kps, "ffhq_512", 128), 128)
    large = mesh_mask(landmarks, align(kps, "ffhq_512", 512), 512)
    across = np.array([[0.25, 0, 0], [0, 0.25, 0]])
    assert np.abs(warp_mask(large, across, 128).astype(int) - small)[2:-2, 2:-2].mean() < 3


def test_a_face_out_of_the_crop_has_no_mask():
    _, landmarks, kps = scene()
    matrix = align(kps, "ffhq_512", 128)
    for far in (4.0e3, 1e7):
        moved = landmarks + np.float32(far)
        assert mesh_mask(moved, matrix, 128).max() == 0


def test_a_face_that_fills_the_crop_is_not_faded_at_its_edges():
    _, landmarks, kps = scene()
    matrix = align(kps, "ffhq_512", 128, scale=0.25)
    assert mesh_mask(landmarks, matrix, 128).min() == 255


def test_masks_join_by_their_minimum():
    one, other = np.full((4, 4), 200, np.uint8), np.full((4, 4), 90, np.uint8)
    assert combine(one) is one
    assert (combine(one, None, other) == 90).all()


def _hand(frame: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A blue board in front of the face's lower half, and where it is."""
    x0, x1 = landmarks[:468, 0].min(), landmarks[:468, 0].max()
    y0 = np.percentile(landmarks[:468, 1], 58)
    board = np.zeros(frame.shape[:2], np.uint8)
    cv2.rectangle(
        board, (int(x0 + 0.45 * (x1 - x0)), int(y0)), (int(x1 + 9), int(y0 + 30)), 255, -1
    )
    covered = frame.copy()
    covered[board > 0] = (200, 70, 20)
    return covered, board


@pytest.mark.parametrize("size", [128, 512])
def test_the_embedded_finder_sees_a_thing_in_front_without_a_network(size):
    frame, landmarks, kps = scene()
    covered, board = _hand(frame, landmarks)
    matrix = align(kps, "ffhq_512", size)
    seen = MeshOcclusion()
    for _ in range(6):
        target = warp_crop(frame, matrix, size)
        seen.find(frame, landmarks, target, matrix, 0)
    free = seen.find(covered, landmarks, warp_crop(covered, matrix, size), matrix, 0)
    there = cv2.warpAffine(board, matrix, (size, size)) > 0
    face = mesh_mask(landmarks, matrix, size) > 200
    core = cv2.erode((there & face).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert free[core].mean() < 100  # over the lips it does not look
    far = cv2.dilate(there.astype(np.uint8), np.ones((25, 25), np.uint8)) == 0
    assert free[face & far].mean() > 225


def test_a_free_face_limits_nothing():
    frame, landmarks, kps = scene()
    matrix = align(kps, "ffhq_512", 128)
    seen = MeshOcclusion()
    target = warp_crop(frame, matrix, 128)
    found = [seen.find(frame, landmarks, target, matrix, -1) for _ in range(3)]
    assert all(item is None or item.mean() > 235 for item in found)


def test_the_finder_remembers_a_bounded_number_of_tracks():
    seen = MeshOcclusion()
    for number in range(70):
        seen._memory(number)
    assert len(seen._tracks) <= 64
    assert 69 in seen._tracks
    seen.forget()
    assert not seen._tracks


def _crop() -> tuple[SwappedCrop, np.ndarray, np.ndarray]:
    frame, landmarks, kps = scene()
    matrix = align(kps, "arcface_128", 128)
    target = warp_crop(frame, matrix, 128)
    return SwappedCrop(target, target, box_mask(128, 0.3, 0.0), matrix), frame, landmarks


def test_each_mask_takes_away_and_none_adds():
    crop, frame, landmarks = _crop()
    maskers = (HalfMasker("xseg"), HalfMasker("bisenet", 512))
    before = crop.cover.astype(int)
    for wanted in (("mesh",), ("occlusion",), ("region",), ("mesh", "occlusion", "region")):
        made = CropMasks(maskers, Settings(mask=wanted)).make(crop, frame, landmarks, 0)
        assert (made <= before).all()
        assert made.astype(int).sum() < before.sum()


def test_a_kept_mouth_is_taken_out_of_the_mask():
    crop, frame, landmarks = _crop()
    kept = CropMasks((), Settings(mask=("box",), mouth_mask=0.3)).make(crop, frame, landmarks, 0)
    mouth = np.round(apply_affine(crop.matrix, landmarks[[13, 14], :2]).mean(0)).astype(int)
    assert crop.cover[mouth[1], mouth[0]] == 255
    assert kept[mouth[1], mouth[0]] < 40
