"""Faces that move, and a network whose work can be told apart from the embedded swapper's."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import cv2
import donor_photos
import numpy as np
from numpy.typing import NDArray

from masquerade.core.errors import ModelError
from masquerade.core.face import Face
from masquerade.geometry.affine import apply_affine
from masquerade.geometry.mesh import OVAL
from masquerade.geometry.roi import Roi
from masquerade.stages.carry.key_frame import KeyFrame
from masquerade.stages.carry.turnstile import AT_WILL
from masquerade.stages.face_maker import FaceMaker
from masquerade.stages.finished_face import FinishedFace

SIDE = 384


@dataclass(frozen=True)
class View:
    """One frame with one face."""

    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32]

    @property
    def inside(self) -> NDArray[np.bool_]:
        mask = np.zeros(self.pixels.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.rint(self.landmarks[OVAL, :2]).astype(np.int32)], 255)
        return mask > 0

    def moved(self, dx: float = 0, dy: float = 0, turn_deg: float = 0, scale: float = 1) -> View:
        """The whole picture shifted, turned and scaled about the face."""
        x, y = (float(value) for value in self.landmarks[:468, :2].mean(axis=0))
        matrix = cv2.getRotationMatrix2D((x, y), -turn_deg, scale)
        matrix[:, 2] += (dx, dy)
        size_wh = self.pixels.shape[1::-1]
        pixels = cv2.warpAffine(
            self.pixels, matrix, size_wh, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        points = self.landmarks.copy()
        points[:, :2] = apply_affine(matrix, self.landmarks[:, :2])
        points[:, 2] *= scale
        return View(np.ascontiguousarray(pixels), points)

    def dimmed(self, factor: float) -> View:
        return View(np.rint(self.pixels * factor).astype(np.uint8), self.landmarks)

    def face(self, track_id: int = 0, donor: str = "astronaut") -> Face:
        points = self.landmarks
        box = np.concatenate([points[:468, :2].min(0), points[:468, :2].max(0)])
        return Face(box, 0.9, landmarks=points, track_id=track_id, selected=True, donor=donor)


def view(name: str = "hopper") -> View:
    found = donor_photos.face(name)
    return View(found.pixels, found.points)


def repainted(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What the stand-in network makes of a face: the same structure in other colours."""
    return np.ascontiguousarray(np.rint(pixels[..., ::-1] * 0.8 + 30).astype(np.uint8))


def finish(pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> FinishedFace:
    """A finished face by the stand-in."""
    matrix = Roi.from_landmarks(landmarks, 1.4).matrix(SIDE)
    target = np.asarray(
        cv2.warpAffine(
            pixels, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[20:-20, 20:-20] = 255
    return FinishedFace(repainted(target), target, cv2.blur(mask, (21, 21)), matrix)


def key_of(shown: View, seconds: float = 0.0, seq: int = 0) -> KeyFrame:
    return KeyFrame(
        finish(shown.pixels, shown.landmarks), shown.landmarks, seq, seconds, "astronaut", 0
    )


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    error = a[where].astype(np.float64) - b[where]
    return float(10 * np.log10(255**2 / max(float((error**2).mean()), 1e-6)))


class SlowMaker(FaceMaker):
    """A FaceMaker that takes its time, and fails when told to.

    ``latency_s`` is slept; with ``gate`` cleared it stands still until the gate is set. It has
    ``devices``; ``crowds`` says whether it is quicker with several faces at a time, and ``jobs`` of
    which tracks each of its jobs was.
    """

    def __init__(self, latency_s: float = 0.0, devices: int = 1, crowds: bool = False) -> None:
        self.latency_s = latency_s
        self.devices, self.crowds = devices, crowds
        self.jobs: list[list[int]] = []
        self.refused: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.made: list[tuple[int, str]] = []
        self.forgotten = self.configured = 0
        self.threads: set[str] = set()

    def configure(self, settings) -> None:
        self.configured += 1

    def forget(self) -> None:
        self.forgotten += 1

    def encode(self, identity) -> str:
        return identity.name

    @property
    def parallel(self) -> int:
        return self.devices

    @property
    def depth(self) -> int:
        return self.devices

    def batches(self, count: int) -> bool:
        return self.crowds

    def make_many(self, pixels_bgr, faces, steps=AT_WILL):
        self.jobs.append([face.track_id for face in faces])
        return super().make_many(pixels_bgr, faces, steps if self.devices == 1 else AT_WILL)

    def make(self, pixels_bgr, landmarks, kps, code, track_id=-1) -> FinishedFace:
        self.threads.add(threading.current_thread().name)
        time.sleep(self.latency_s)
        assert self.gate.wait(10)
        if self.error is not None:
            raise self.error
        if track_id in self.refused:
            raise broken()
        self.made.append((track_id, code))
        return finish(pixels_bgr, landmarks)


def broken() -> ModelError:
    return ModelError("The stand-in is broken. Mend it.")
