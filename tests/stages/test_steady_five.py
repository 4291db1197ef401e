"""The detector's five points, carried along by the mesh from one search to the next."""

from __future__ import annotations

import numpy as np
import pytest
from network_doubles import scene

from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.geometry.affine import fit_similarity
from masquerade.geometry.templates import TEMPLATES, kps_from_landmarks
from masquerade.models.detector import Detector
from masquerade.models.landmarker import Landmarker
from masquerade.stages.steady_five import SteadyFive
from masquerade.stages.track import Track

FIVE = np.array([[100, 100], [140, 100], [120, 125], [105, 145], [135, 145]], np.float32)


def test_before_anything_was_seen_they_are_the_meshs_own():
    np.testing.assert_allclose(SteadyFive().beside(FIVE), FIVE)


@pytest.mark.parametrize("turn_rad", [0.0, 0.7, 2.5, -1.5])
def test_what_was_seen_is_carried_by_the_similarity_of_the_faces(turn_rad):
    seen = FIVE + np.array([[1, 2], [-2, 1], [3, 0], [0, -3], [2, 2]], np.float32)
    steady = SteadyFive()
    steady.look(FIVE, seen)
    np.testing.assert_allclose(steady.beside(FIVE), seen, atol=1e-4)
    cos, sin = 1.7 * np.cos(turn_rad), 1.7 * np.sin(turn_rad)
    linear, shift = np.array([[cos, -sin], [sin, cos]]), np.array([300, -40])
    moved = steady.beside(FIVE @ linear.T + shift)
    np.testing.assert_allclose(moved, seen @ linear.T + shift, atol=1e-3)


def test_size_and_turn_are_those_of_the_least_squared_error():
    seen = FIVE + np.float32([4, 0])
    steady = SteadyFive()
    steady.look(FIVE, seen)
    bent = FIVE + np.random.default_rng(0).normal(0, 3, FIVE.shape).astype(np.float32)
    template = TEMPLATES["ffhq_512"]
    sizes = [np.hypot(*fit_similarity(template, points)[:, 0]) for points in (FIVE, bent)]
    off = np.linalg.norm(steady.beside(bent) - bent, axis=1)
    np.testing.assert_allclose(off, 4 * sizes[1] / sizes[0], rtol=1e-3)


def test_points_far_from_the_face_are_not_believed():
    steady = SteadyFive()
    steady.look(FIVE, np.zeros((5, 2), np.float32))
    steady.look(FIVE, np.full((5, 2), np.nan, np.float32))
    np.testing.assert_allclose(steady.beside(FIVE), FIVE)


def test_tracks_carry_the_detectors_points_between_its_searches():
    detector, track = Detector(1), Track(Landmarker(1), Settings())
    off = np.float32([4.0, -3.0])  # this detector sees all points a little up and to the right
    found = []
    for seq, x in enumerate((300, 304, 308, 312)):
        frame, _, _ = scene(at_xy=(x, 40))
        job = FrameJob(Frame(frame, seq))
        job.detected = seq == 0
        if job.detected:
            job.faces = [face for face in detector.find(frame) if face.size_px > 60][:1]
            (mesh,) = [
                face.landmarks
                for face in Track(Landmarker(1), Settings())
                .process(FrameJob(Frame(frame, 0), faces=list(job.faces), detected=True))
                .faces
            ]
            job.faces[0].kps = kps_from_landmarks(mesh) + off
        (face,) = track.process(job).faces
        found.append(face)
    for face in found:
        own = kps_from_landmarks(face.landmarks)
        np.testing.assert_allclose(face.seen_kps - own, np.tile(off, (5, 1)), atol=0.5)
    step = found[-1].seen_kps - found[0].seen_kps
    np.testing.assert_allclose(step.mean(axis=0), [12, 0], atol=1.0)


def test_a_face_that_no_detector_has_seen_has_none_and_a_lost_one_neither():
    detector, track = Detector(1), Track(Landmarker(1), Settings())
    frame, _, _ = scene()
    job = FrameJob(Frame(frame, 0))
    job.faces, job.detected = [f for f in detector.find(frame) if f.size_px > 60][:1], True
    (face,) = track.process(job).faces
    assert face.seen_kps is not None
    for seq in range(1, 12):
        faces = track.process(FrameJob(Frame(np.full_like(frame, 96), seq))).faces
    assert not faces or faces[0].seen_kps is None
