from __future__ import annotations

import cv2
import numpy as np
import pytest
from donor_photos import NAMES, face

from masquerade.models.canonical import CANONICAL
from masquerade.stages.regions import ATLAS_PX, EYES, mirror_index, region_mask
from masquerade.stages.unwrap import iris_to_uv, spread, unwrap, vertex_normals

SIDE = 400


def _posed(yaw_deg: float = 0.0) -> np.ndarray:
    """The canonical face in photo pixels, turned to the image's right."""
    c, s = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    turned = CANONICAL.pos @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T
    points = turned * [15, -15, -15] + [SIDE / 2, SIDE / 2, 0]
    return np.concatenate([points, np.zeros((10, 3))]).astype(np.float32)


def _coordinates() -> np.ndarray:
    v, u = np.mgrid[0:SIDE, 0:SIDE] * 255 / SIDE
    return np.stack([u, v, np.full_like(u, 128)], -1).astype(np.uint8)


def test_mirror_is_an_involution_that_swaps_sides():
    index = mirror_index()
    assert (index[index] == np.arange(478)).all()
    assert index[33] == 263
    assert index[468] == 473


def test_each_vertex_finds_its_pixel_in_the_atlas():
    points = _posed()
    texture = unwrap(_coordinates(), points).texture
    texels = np.round(CANONICAL.uv * ATLAS_PX - 0.5).astype(int)
    inner = region_mask("face", ATLAS_PX)[texels[:, 1], texels[:, 0]] > 0.5
    # On edges of the mesh the map bends, so a texel may be half a triangle off.
    found = texture[texels[:, 1], texels[:, 0], :2].astype(float) * SIDE / 255
    off = np.abs(found - points[:468, :2]).max(1)[inner]
    assert np.median(off) < 2
    assert off.max() < 6


def test_forehead_is_up_and_left_is_left():
    top, bottom = CANONICAL.uv[10, 1], CANONICAL.uv[152, 1]
    texture = unwrap(_coordinates(), _posed()).texture.astype(int)
    row = round(float(CANONICAL.uv[4, 1]) * ATLAS_PX)
    assert top < bottom
    assert texture[300, 512, 1] < texture[800, 512, 1]
    assert texture[row, 300, 0] < texture[row, 700, 0]


def test_a_turned_head_hides_its_far_side():
    seen = unwrap(_coordinates(), _posed(40)).seen
    frontal = unwrap(_coordinates(), _posed()).seen
    assert np.abs(frontal - frontal[:, ::-1]).mean() < 0.02
    left, right = seen[100:200, 20:90].mean(), seen[100:200, 166:236].mean()
    assert min(left, right) < 0.6 * max(left, right)


def test_what_leaves_the_picture_is_not_seen():
    points = _posed()
    points[:, 0] -= SIDE / 2
    seen = unwrap(_coordinates(), points).seen
    assert seen[:, :100].max() == 0
    assert seen[128, 180] == 1


def test_normals_of_the_nose_point_to_the_camera():
    normals = vertex_normals(_posed()[:468])
    assert normals[4, 2] > 0.7
    assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-4)


def test_spread_reproduces_linear_fields():
    field = spread(CANONICAL.uv, 128)
    v, u = (np.mgrid[0:128, 0:128] + 0.5) / 128
    assert np.allclose(field, np.stack([u, v], -1), atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_irises_lie_between_the_lids(name):
    iris = iris_to_uv(face(name).points)
    for eye, centre in zip(EYES, iris[[0, 5]], strict=True):
        lids = CANONICAL.uv[list(eye)].astype(np.float32)
        assert cv2.pointPolygonTest(lids, centre.tolist(), False) > 0


def test_a_large_face_is_area_filtered():
    noise = np.random.default_rng(0).integers(0, 256, (4 * SIDE, 4 * SIDE, 3), np.uint8)
    points = _posed() * 4
    texture = unwrap(noise, points).texture
    patch = texture[560:600, 340:420].astype(float)
    assert patch.std() < 60  # a nearest-texel copy would keep the noise's 74
