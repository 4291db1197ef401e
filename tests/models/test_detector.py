from __future__ import annotations

from importlib.resources import files

import cv2
import numpy as np
import pytest
import skimage.data

from masquerade.core.face import Face
from masquerade.geometry.boxes import iou_matrix
from masquerade.models.detector import Detector
from masquerade.models.finder import FaceFinder
from masquerade.models.landmarker import Landmarker

# Where the meshes of the faces lie in the two photos: x0, y0, x1, y1.
_ASTRONAUT = (180.0, 70.0, 271.0, 178.0)
_HOPPER = (171.0, 131.0, 354.0, 334.0)


def _bgr(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(picture[..., ::-1])


def _hopper() -> np.ndarray:
    jpeg = (files("matplotlib") / "mpl-data" / "sample_data" / "grace_hopper.jpg").read_bytes()
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


PEOPLE = {"astronaut": (_bgr(skimage.data.astronaut()), _ASTRONAUT), "hopper": (_hopper(), _HOPPER)}


def draw(
    scene: np.ndarray, name: str, size: float, cx: float, cy: float
) -> tuple[np.ndarray, np.ndarray]:
    """The head of a person drawn with its face ``size`` px high at (cx, cy); frame and box."""
    photo, box = PEOPLE[name]
    x0, y0, x1, y1 = box
    scale = size / (y1 - y0)
    small = cv2.resize(
        photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else 1
    )
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) * scale
    axes = ((x1 - x0) * scale * 0.8, (y1 - y0) * scale * 0.85)
    soft = np.zeros(small.shape[:2], np.float32)
    cv2.ellipse(soft, ((middle[0], middle[1]), (2 * axes[0], 2 * axes[1]), 0), 1.0, -1)
    alpha = cv2.GaussianBlur(soft, (0, 0), max(1.0, size * 0.04))
    shift = np.array([[1, 0, cx - middle[0]], [0, 1, cy - middle[1]]])
    size_wh = scene.shape[1], scene.shape[0]
    head, alpha = (cv2.warpAffine(layer, shift, size_wh) for layer in (small, alpha))
    frame = scene * (1 - alpha[..., None]) + head * alpha[..., None]
    half = np.array([x1 - x0, y1 - y0]) * scale / 2
    truth = np.array([cx - half[0], cy - half[1], cx + half[0], cy + half[1]], np.float32)
    return frame.astype(np.uint8), truth


def background(width: int = 1280, height: int = 720) -> np.ndarray:
    return cv2.resize(_bgr(skimage.data.coffee()), (width, height))


def hits(faces: list[Face], truth: np.ndarray, wh: tuple[int, int]) -> list[Face]:
    limits = np.array([*wh, *wh], np.float32)
    seen = np.clip(truth, 0, limits)[None]
    return [f for f in faces if iou_matrix(np.clip(f.bbox, 0, limits)[None], seen)[0, 0] > 0.35]


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(1)


@pytest.fixture(scope="module")
def finder(detector: Detector) -> FaceFinder:
    return FaceFinder(detector, Landmarker(1))


@pytest.mark.parametrize("name", list(PEOPLE))
@pytest.mark.parametrize("size", [40, 56, 90, 150, 400])
def test_faces_of_every_size(detector: Detector, name: str, size: int) -> None:
    middle = np.clip(size * 0.62, 0, 360)
    for cx, cy in ((middle, middle), (1280 - middle, 360), (700, 720 - middle)):
        frame, truth = draw(background(), name, size, cx, cy)
        assert hits(detector.find(frame, thorough=True), truth, (1280, 720)), (cx, cy)


def test_a_small_face_in_a_4k_frame(detector: Detector) -> None:
    frame, truth = draw(background(3840, 2160), "hopper", 48, 2100, 1500)
    assert hits(detector.find(frame, thorough=True), truth, (3840, 2160))


@pytest.mark.parametrize("size", [600, 1000])
def test_a_close_up_cut_by_the_border(detector: Detector, size: int) -> None:
    frame, truth = draw(background(), "hopper", size, 600, 380)
    assert hits(detector.find(frame, thorough=True), truth, (1280, 720))


def test_a_face_that_fills_a_photo(detector: Detector) -> None:
    x0, y0, x1, y1 = (int(value) for value in _HOPPER)
    close = np.ascontiguousarray(PEOPLE["hopper"][0][y0:y1, x0:x1])
    found = detector.find(close, thorough=True)
    assert len(found) == 1
    assert found[0].size_px > 120


def test_quick_searches_find_large_faces_at_once_and_small_ones_in_turn(
    detector: Detector,
) -> None:
    frame, large = draw(background(), "hopper", 220, 350, 400)
    frame, small = draw(frame, "astronaut", 44, 1100, 180)
    seen = [detector.find(frame, turn=turn) for turn in range(7)]
    assert all(hits(faces, large, (1280, 720)) for faces in seen)
    assert any(hits(faces, small, (1280, 720)) for faces in seen)
    assert seen[0][0].bbox.tolist() == detector.find(frame, turn=0)[0].bbox.tolist()


def test_each_face_is_found_once(detector: Detector) -> None:
    frame, large = draw(background(), "hopper", 330, 400, 360)
    frame, small = draw(frame, "astronaut", 100, 1000, 300)
    faces = detector.find(frame, 0.6, thorough=True)
    assert [len(hits(faces, truth, (1280, 720))) for truth in (large, small)] == [1, 1]


def test_points_and_score(detector: Detector) -> None:
    face = detector.find(PEOPLE["hopper"][0])[0]
    assert 0.5 <= face.score <= 1
    assert face.kps.shape == (5, 2)
    left_eye, right_eye, nose, left_mouth, right_mouth = face.kps
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_eye[1] < nose[1] < left_mouth[1]
    assert left_mouth[0] < nose[0] < right_mouth[0]
    np.testing.assert_allclose(left_eye, (222, 198), atol=12)
    np.testing.assert_allclose(right_eye, (302, 198), atol=12)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turned_pictures(finder: FaceFinder, quarters: int) -> None:
    photo = PEOPLE["hopper"][0]
    upright = finder.find(photo)[0]
    turned = np.ascontiguousarray(np.rot90(photo, quarters))
    faces = finder.find(turned)
    assert len(faces) == 1
    height, width = photo.shape[:2]
    x, y = upright.landmarks[:, 0], upright.landmarks[:, 1]
    expected = {
        1: (y, width - 1 - x),
        2: (width - 1 - x, height - 1 - y),
        3: (height - 1 - y, x),
    }[quarters]
    error = np.hypot(*(faces[0].landmarks[:, :2].T - np.array(expected)))
    assert error.mean() < 0.02 * upright.size_px


@pytest.mark.parametrize("name", ["coffee", "rocket", "hubble_deep_field", "brick"])
def test_nothing_is_found_where_nobody_is(finder: FaceFinder, name: str) -> None:
    picture = getattr(skimage.data, name)()
    if picture.ndim == 2:
        picture = np.dstack([picture] * 3)
    assert finder.find(_bgr(picture)) == []


def test_the_finder_confirms_and_sorts(finder: FaceFinder) -> None:
    frame, _ = draw(background(), "astronaut", 110, 300, 300)
    frame, _ = draw(frame, "hopper", 260, 900, 380)
    faces = finder.find(frame)
    assert [face.landmarks.shape for face in faces] == [(478, 3)] * 2
    assert faces[0].size_px > faces[1].size_px


@pytest.mark.parametrize("wh", [(1, 1), (2, 500), (500, 3), (33, 31)])
def test_odd_pictures_hold_nobody(detector: Detector, wh: tuple[int, int]) -> None:
    assert detector.find(np.full((wh[1], wh[0], 3), 128, np.uint8), thorough=True) == []
