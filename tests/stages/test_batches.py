"""All faces of a frame go through a network at once, and nobody's result depends on who else is
there or in which order."""

from __future__ import annotations

import cv2
import donor_photos
import numpy as np
import pytest

from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.geometry.roi import Roi
from masquerade.models.detector import Detector
from masquerade.models.embedder import Embedder
from masquerade.models.finder import FaceFinder
from masquerade.models.landmarker import Landmarker
from masquerade.runtime.session import Session
from masquerade.stages.detect import Detect
from masquerade.stages.select import Select
from masquerade.stages.track import Track

NAMES = ("astronaut", "hopper", "mona")


@pytest.fixture(scope="module")
def crowd() -> np.ndarray:
    """Three people side by side, 1080x360."""
    heads = []
    for name in NAMES:
        found = donor_photos.face(name)
        low, high = found.points[:468, :2].min(0), found.points[:468, :2].max(0)
        middle, side = (low + high) / 2, 2.2 * float((high - low).max())
        window = Roi(float(middle[0]), float(middle[1]), side)
        heads.append(cv2.warpAffine(found.pixels, window.matrix(360), (360, 360)))
    return np.ascontiguousarray(np.hstack(heads))


@pytest.fixture(scope="module")
def landmarker() -> Landmarker:
    return Landmarker(1)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Of every run of a network: its input's name and shape's first number."""
    seen: list[tuple[str, int]] = []
    real = Session.run

    def counted(self: Session, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        shape = next(iter(feeds.values())).shape
        seen.append((f"{shape[1]}x{shape[2]}", shape[0]))
        return real(self, feeds)

    monkeypatch.setattr(Session, "run", counted)
    return seen


def windows() -> list[Roi]:
    return [Roi(180.0 + 360 * k, 180.0, 250.0) for k in range(3)]


def test_landmarks_of_all_faces_come_from_one_run(
    crowd: np.ndarray, landmarker: Landmarker, runs: list[tuple[str, int]]
) -> None:
    together = landmarker.locate_many(crowd, windows())
    assert runs == [("256x256", 3)]
    reverse = landmarker.locate_many(crowd, windows()[::-1])[::-1]
    for k, roi in enumerate(windows()):
        alone = landmarker.locate(crowd, roi)
        for other in (together[k], reverse[k]):
            assert np.abs(other.points - alone.points).max() < 0.05
            assert other.presence == pytest.approx(alone.presence, abs=1e-4)


def test_attributes_of_all_faces_come_from_one_run(
    crowd: np.ndarray, landmarker: Landmarker, runs: list[tuple[str, int]]
) -> None:
    embedder = Embedder(1)
    meshes = landmarker.locate_many(crowd, windows())
    runs.clear()
    together = embedder.describe(crowd, meshes)
    assert runs == [("224x224", 3)]
    reverse = embedder.describe(crowd, meshes[::-1])[::-1]
    for k, mesh in enumerate(meshes):
        (alone,) = embedder.describe(crowd, [mesh])
        for other in (together[k], reverse[k]):
            assert float(other.embedding_unit @ alone.embedding_unit) > 0.9999
            assert other.age == pytest.approx(alone.age, abs=0.1)


def test_detections_are_confirmed_in_two_runs_whatever_their_number(
    crowd: np.ndarray, landmarker: Landmarker, runs: list[tuple[str, int]]
) -> None:
    faces = FaceFinder(Detector(1), landmarker).find(crowd, 0.5)
    assert len(faces) == 3
    assert [count for kind, count in runs if kind == "256x256" and count > 1] == [3, 3]


def test_a_detection_does_not_depend_on_who_else_is_there(crowd: np.ndarray) -> None:
    detector = Detector(1)
    together = sorted(detector.find(crowd, 0.5), key=lambda face: float(face.bbox[0]))
    mirrored = detector.find(np.ascontiguousarray(crowd[:, ::-1]), 0.5)
    assert len(together) == len(mirrored) == 3
    for k, face in enumerate(together):
        others_gone = np.full_like(crowd, 90)
        part = slice(360 * k, 360 * (k + 1))
        others_gone[:, part] = crowd[:, part]
        (alone,) = detector.find(others_gone, 0.5)
        assert np.abs(alone.bbox - face.bbox).max() < 4


def test_attributes_are_measured_once_per_track_and_kept_when_donors_change(
    crowd: np.ndarray, landmarker: Landmarker, runs: list[tuple[str, int]]
) -> None:
    settings = Settings(many_faces=True)
    track = Track(landmarker, settings)
    detect = Detect(FaceFinder(Detector(1), landmarker), settings, lambda: track.wants_detection)
    select = Select(Embedder(1), settings, ("a", "b", "c"))
    seen = []
    for seq in range(24):
        if seq == 16:
            select.configure(settings, ("a", "other", "c"))
        job = FrameJob(Frame(np.roll(crowd, seq, axis=1), seq))
        for stage in (detect, track, select):
            stage.process(job)
        seen.append({face.track_id: (face.donor, face.attributes) for face in job.faces})
    looks = [count for kind, count in runs if kind == "224x224"]
    assert sum(looks) == 9, "three looks at each of three"
    changed = {k for k in seen[-1] if seen[-1][k][0] != seen[15][k][0]}
    assert [seen[-1][k][0] for k in changed] == ["other"]
    assert all(seen[-1][k][1] is seen[15][k][1] for k in seen[-1])


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_quick_look_at_a_turned_picture_finds_the_same_places(
    crowd: np.ndarray, quarters: int
) -> None:
    detector = Detector(1)
    lying = np.ascontiguousarray(np.rot90(cv2.resize(crowd, (1280, 427)), -quarters))
    thorough, quick = (
        sorted(
            detector.find_turned(lying, quarters, 0.5, thorough=how),
            key=lambda face: tuple(face.bbox.round(-2)),
        )
        for how in (True, False)
    )
    assert len(thorough) == len(quick) == 3
    for one, other in zip(thorough, quick, strict=True):
        assert one.bbox.dtype == other.bbox.dtype == other.kps.dtype == np.float32
        assert np.abs(one.bbox - other.bbox).max() < 0.15 * one.size_px
        assert np.abs(one.kps - other.kps).max() < 0.15 * one.size_px
