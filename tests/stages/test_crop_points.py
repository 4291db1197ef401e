"""The five points that cut a face: whose they are, and how steady."""

from __future__ import annotations

import numpy as np
import pytest
from network_doubles import scene

from masquerade.core.errors import ModelError
from masquerade.core.settings import Settings
from masquerade.geometry.templates import kps_from_landmarks
from masquerade.models.landmarkers import Landmarks
from masquerade.stages.crop_points import CropPoints
from masquerade.stages.face_maker import WantedFace

FRAME, MESH, KPS = scene()
EYES_PX = float(np.linalg.norm(KPS[1] - KPS[0]))
FIVE_OF_68 = (range(36, 42), range(42, 48), (30,), (48,), (54,))


class Seeing:
    """A landmark network of 68 points that sees the true five, moved by what it is told."""

    def __init__(self, off_px=(0.0, 0.0), score: float = 1.0) -> None:
        self.off_px, self.score = np.asarray(off_px, np.float64), score
        self.truth = KPS
        self.asked: list[tuple] = []

    def locate(self, pixels_bgr, bbox, roll_rad=0.0):
        self.asked.append((pixels_bgr, bbox, roll_rad))
        points = np.zeros((68, 2), np.float32)
        five = self.truth + np.broadcast_to(self.off_px, (5, 2))
        for numbers, place in zip(FIVE_OF_68, five, strict=True):
            points[list(numbers)] = place
        return Landmarks(points, self.score)


def _face(track_id: int = 1, mesh=MESH) -> WantedFace:
    return WantedFace(mesh, KPS + np.float32(5), None, track_id)


def _off(points, mesh=MESH) -> float:
    """Mean distance from the mesh's own five points, in eye distances."""
    away = points - kps_from_landmarks(mesh)
    return float(np.linalg.norm(away, axis=1).mean()) / EYES_PX


@pytest.mark.parametrize(("alignment", "away_px"), [("mesh", 0), ("detector", 5)])
def test_without_a_network_the_alignment_chooses(alignment, away_px):
    points = CropPoints().find(FRAME, _face(), Settings(alignment=alignment))
    np.testing.assert_allclose(points, KPS + np.float32(away_px), atol=1e-4)


@pytest.mark.parametrize("alignment", ["mesh", "detector"])
def test_the_first_look_is_the_networks_own(alignment):
    found = CropPoints(Seeing((3.0, -4.0)))
    points = found.find(FRAME, _face(), Settings(alignment=alignment))
    np.testing.assert_allclose(points, KPS + np.array([3, -4]), atol=1e-3)


def test_it_looks_at_the_square_of_the_face_turned_along():
    turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]], np.float32)
    mesh = MESH.copy()
    mesh[:, :2] = (mesh[:, :2] - mesh[:, :2].mean(0)) @ turn.T + mesh[:, :2].mean(0)
    angles = []
    for points in (MESH, mesh):
        network = Seeing()
        CropPoints(network).find(FRAME, _face(mesh=points), Settings())
        (_, bbox, roll), *_ = network.asked
        angles.append(roll)
        assert bbox[2] - bbox[0] == pytest.approx(bbox[3] - bbox[1])
        middle = (points[:468, :2].min(0) + points[:468, :2].max(0)) / 2
        assert np.linalg.norm((bbox[:2] + bbox[2:]) / 2 - middle) < 0.2 * (bbox[2] - bbox[0])
    assert angles[1] - angles[0] == pytest.approx(0.5, abs=1e-3)


def test_a_trembling_network_is_steadied_and_its_mean_is_kept():
    random, network = np.random.default_rng(0), Seeing()
    found, shown, seen = CropPoints(network), [], []
    lasting = np.array([2.0, 1.0])
    for _ in range(60):
        network.off_px = lasting + random.normal(0, 0.02 * EYES_PX, (5, 2))
        shown.append(found.find(FRAME, _face(), Settings()))
        seen.append(KPS + network.off_px)
    steady, loose = (np.std(part[20:], axis=0).mean() for part in (shown, seen))
    assert steady < 0.5 * loose
    np.testing.assert_allclose(np.mean(shown[20:], axis=0), KPS + lasting, atol=0.4)


def test_what_is_remembered_moves_turns_and_grows_with_the_face():
    network = Seeing((0.0, 0.2 * EYES_PX))
    found = CropPoints(network)
    before = found.find(FRAME, _face(), Settings())
    network.score = 0.0  # it sees nothing any more
    turn = 2 * np.array([[0.0, -1.0], [1.0, 0.0]], np.float32)
    mesh = MESH.copy()
    mesh[:, :2] = mesh[:, :2] @ turn.T + np.float32([900, 20])
    after = found.find(FRAME, _face(mesh=mesh), Settings())
    np.testing.assert_allclose(after, before @ turn.T + np.array([900, 20]), atol=0.01)


@pytest.mark.parametrize(("off_eyes", "score"), [(0.8, 1.0), (0.1, 0.3)])
def test_what_is_far_off_or_doubted_by_the_network_is_not_believed(off_eyes, score):
    found = CropPoints(Seeing((off_eyes * EYES_PX, 0.0), score))
    np.testing.assert_allclose(found.find(FRAME, _face(), Settings()), KPS, atol=1e-3)


def test_a_true_change_is_followed_at_once():
    network = Seeing()
    found = CropPoints(network)
    for _ in range(20):
        found.find(FRAME, _face(), Settings())
    network.off_px = np.array([0.2 * EYES_PX, 0.0])
    assert _off(found.find(FRAME, _face(), Settings())) == pytest.approx(0.2, abs=0.01)


def test_each_track_has_a_memory_of_its_own_until_it_is_forgotten():
    network = Seeing((0.1 * EYES_PX, 0.0))
    found = CropPoints(network)
    found.find(FRAME, _face(1), Settings())
    network.score = 0.0
    assert _off(found.find(FRAME, _face(1), Settings())) == pytest.approx(0.1, abs=0.01)
    assert _off(found.find(FRAME, _face(2), Settings())) == pytest.approx(0, abs=1e-3)
    assert _off(found.find(FRAME, _face(-1), Settings())) == pytest.approx(0, abs=1e-3)
    for track_id in range(10, 80):
        found.find(FRAME, _face(track_id), Settings())
    assert len(found._tracks) == 64
    found.forget()
    assert _off(found.find(FRAME, _face(1), Settings())) == pytest.approx(0, abs=1e-3)


def test_without_a_mesh_the_detectors_points_are_taken():
    network = Seeing()
    points = CropPoints(network).find(FRAME, _face(mesh=None), Settings())
    np.testing.assert_array_equal(points, KPS + np.float32(5))
    assert not network.asked


def test_a_network_that_fails_is_said():
    class Failing:
        def locate(self, *_):
            raise ModelError("It is broken. Mend it.")

    with pytest.raises(ModelError, match="broken"):
        CropPoints(Failing()).find(FRAME, _face(), Settings())
