"""Every network on real photos: what goes in, what comes out, and what does not change it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from masquerade.core.face import Attributes
from masquerade.geometry.roi import Roi
from masquerade.models.canonical import CANONICAL
from masquerade.models.detector import Detector
from masquerade.models.embedder import Embedder
from masquerade.models.landmarker import Landmarker, Mesh

_NAMES = ("astronaut", "hopper", "mona")
_LEFT_EYE, _RIGHT_EYE, _NOSE, _CHIN, _FOREHEAD = 33, 263, 1, 152, 10


def _photo(name: str) -> np.ndarray:
    if name == "astronaut":
        return np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])
    if name == "mona":
        return cv2.imread(str(Path(__file__).parents[1] / "media" / "mona_lisa.jpg"))
    jpeg = (files("matplotlib") / "mpl-data" / "sample_data" / "grace_hopper.jpg").read_bytes()
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


@pytest.fixture(scope="module")
def landmarker() -> Landmarker:
    return Landmarker(1)


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder(1)


@pytest.fixture(scope="module")
def people(landmarker: Landmarker) -> dict[str, tuple[np.ndarray, Mesh]]:
    detector = Detector(1)
    found = {}
    for name in _NAMES:
        pixels = _photo(name)
        face = detector.find(pixels)[0]
        rough = landmarker.locate(pixels, Roi.from_detection(face.bbox, face.kps))
        found[name] = pixels, landmarker.locate(pixels, Roi.from_landmarks(rough.points))
    return found


@pytest.mark.parametrize("name", _NAMES)
def test_mesh_is_a_face(people: dict[str, tuple[np.ndarray, Mesh]], name: str) -> None:
    mesh = people[name][1]
    assert mesh.points.shape == (478, 3)
    assert mesh.points.dtype == np.float32
    assert mesh.presence > 0.99
    left, right, nose, chin, top = mesh.points[[_LEFT_EYE, _RIGHT_EYE, _NOSE, _CHIN, _FOREHEAD], :2]
    assert left[0] < nose[0] < right[0]
    assert top[1] < left[1] < nose[1] < chin[1]
    # The nose is nearer to the camera than the outline.
    assert mesh.points[_NOSE, 2] < mesh.points[[234, 454], 2].min()


@pytest.mark.parametrize("name", _NAMES)
def test_mesh_does_not_depend_on_the_window(
    people: dict[str, tuple[np.ndarray, Mesh]], landmarker: Landmarker, name: str
) -> None:
    pixels, mesh = people[name]
    roi = Roi.from_landmarks(mesh.points)
    moved = Roi(roi.cx + 0.03 * roi.size_px, roi.cy, roi.size_px * 1.05, roi.angle_rad + 0.1)
    again = landmarker.locate(pixels, moved)
    eyes = np.linalg.norm(mesh.points[_LEFT_EYE, :2] - mesh.points[_RIGHT_EYE, :2])
    error = np.linalg.norm(again.points[:, :2] - mesh.points[:, :2], axis=1).mean() / eyes
    assert error < 0.025


def test_mesh_moves_with_the_picture(
    people: dict[str, tuple[np.ndarray, Mesh]], landmarker: Landmarker
) -> None:
    pixels, mesh = people["hopper"]
    roi = Roi.from_landmarks(mesh.points)
    moved = np.roll(pixels, (5, 12), axis=(0, 1))
    before = landmarker.locate(pixels, roi)
    after = landmarker.locate(moved, Roi(roi.cx + 12, roi.cy + 5, roi.size_px, roi.angle_rad))
    np.testing.assert_allclose(after.points - before.points, [[12, 5, 0]] * 478, atol=0.02)


def test_half_a_pixel_is_kept(
    people: dict[str, tuple[np.ndarray, Mesh]], landmarker: Landmarker
) -> None:
    """In the mirrored picture x becomes W - 1 - x; half a pixel off would show twice."""
    biases = []
    for pixels, mesh in people.values():
        roi = Roi.from_landmarks(mesh.points)
        last = pixels.shape[1] - 1
        mirrored = np.ascontiguousarray(pixels[:, ::-1])
        pairs = [
            (
                Roi(roi.cx + dx, roi.cy, roi.size_px, a),
                Roi(last - roi.cx - dx, roi.cy, roi.size_px, -a),
            )
            for dx, a in ((-3.0, 0.0), (0.0, 0.05), (3.0, -0.05))
        ]
        sums = [
            landmarker.locate(pixels, here).points[:468, 0].mean()
            + landmarker.locate(mirrored, there).points[:468, 0].mean()
            for here, there in pairs
        ]
        biases.append((np.mean(sums) - last) / 2 * 256 / roi.size_px)
    assert abs(np.mean(biases)) < 0.3


def test_many_windows_in_one_run_are_as_one_by_one(
    people: dict[str, tuple[np.ndarray, Mesh]], landmarker: Landmarker
) -> None:
    pixels, mesh = people["astronaut"]
    roi = Roi.from_landmarks(mesh.points)
    rois = [roi, Roi(roi.cx + 9, roi.cy - 5, roi.size_px * 1.2), Roi(5.0, 5.0, 80.0)]
    together = landmarker.locate_many(pixels, rois)
    for window, mesh in zip(rois, together, strict=True):
        alone = landmarker.locate(pixels, window)
        np.testing.assert_allclose(mesh.points, alone.points, atol=2e-3)
        assert mesh.presence == pytest.approx(alone.presence, abs=1e-4)
    assert landmarker.locate_many(pixels, []) == []


def test_no_face_has_no_presence(landmarker: Landmarker) -> None:
    coffee = np.ascontiguousarray(skimage.data.coffee()[..., ::-1])
    assert landmarker.locate(coffee, Roi(300.0, 200.0, 260.0)).presence < 0.1


def test_people_are_told_apart(
    people: dict[str, tuple[np.ndarray, Mesh]], embedder: Embedder
) -> None:
    units, owners = [], []
    for name, (pixels, mesh) in people.items():
        for variant in (pixels, cv2.GaussianBlur(pixels, (0, 0), 2), (pixels * 0.7).astype("u1")):
            units.append(embedder.describe(variant, [mesh])[0].embedding_unit)
            owners.append(name)
    cosine = np.stack(units) @ np.stack(units).T
    same = np.array(owners)[:, None] == np.array(owners)[None]
    np.testing.assert_allclose(np.diag(cosine), 1, atol=1e-5)
    assert cosine[same].min() > 0.6
    assert cosine[~same].max() < 0.55


def test_attributes_of_the_astronaut(
    people: dict[str, tuple[np.ndarray, Mesh]], embedder: Embedder
) -> None:
    pixels, mesh = people["astronaut"]
    by_mesh, by_points = embedder.describe(pixels, [mesh, mesh.points])
    assert isinstance(by_mesh, Attributes)
    assert by_mesh.embedding_unit.shape == (1024,)
    assert by_mesh.gender == "female"
    assert 20 < by_mesh.age < 50
    np.testing.assert_array_equal(by_mesh.embedding_unit, by_points.embedding_unit)
    hopper = embedder.describe(*_one(people["hopper"]))[0]
    assert hopper.age > by_mesh.age + 15
    assert embedder.describe(pixels, []) == []


def _one(person: tuple[np.ndarray, Mesh]) -> tuple[np.ndarray, list[Mesh]]:
    return person[0], [person[1]]


def test_canonical_face() -> None:
    assert CANONICAL.pos.shape == (468, 3)
    assert CANONICAL.uv.shape == (468, 2)
    assert CANONICAL.tri.shape == (898, 3)
    assert CANONICAL.pos[_LEFT_EYE, 0] < 0 < CANONICAL.pos[_RIGHT_EYE, 0]
    assert CANONICAL.pos[_CHIN, 1] < CANONICAL.pos[_FOREHEAD, 1]
    assert CANONICAL.uv[_FOREHEAD, 1] < CANONICAL.uv[_CHIN, 1]
    assert sorted(set(CANONICAL.tri.ravel())) == list(range(468))
    with pytest.raises(ValueError, match="read-only"):
        CANONICAL.pos[0, 0] = 1.0


def test_canonical_triangles_face_the_camera() -> None:
    corners = CANONICAL.uv[CANONICAL.tri].astype(np.float64)
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    assert (np.sign(area) == np.sign(area[0])).all()
