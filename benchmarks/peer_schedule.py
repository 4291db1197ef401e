"""What Deep-Live-Cam does with a frame, in its order, as a baseline: one step after the other.

Written from what it is known to do (docs/networks.md), not from its code: detection on every second
frame with SCRFD at 640x640, one face through the swapper on every frame, the crop put back within
its own rectangle; ONNX Runtime with its default sessions. Its own display, encoder and copies are
left out, so the real program is slower than this.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

from masquerade.geometry.templates import align

SIDE = 128


def default_session(path: Path) -> Any:
    """A network in ONNX Runtime as it is by default."""
    onnxruntime.set_default_logger_severity(3)
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


class PeerSchedule:
    """The serial loop; ``opened`` makes the sessions of the two files."""

    def __init__(
        self,
        swapper: Path,
        detector: Path,
        latent: np.ndarray,
        opened: Callable[[Path], Any] = default_session,
    ) -> None:
        self.swapper, self.detector = opened(swapper), opened(detector)
        self.latent = latent
        self.soft = cv2.GaussianBlur(_inner(SIDE), (0, 0), 5)

    def frame(self, pixels: np.ndarray, kps: np.ndarray, seq: int) -> np.ndarray:
        """Swap one face of a frame, uint8 (H, W, 3) BGR, whose five points are given.

        The stand-in detector finds nothing that makes sense, so its cost is paid and the puppet's
        own points are used.
        """
        if seq % 2 == 0:
            canvas = np.zeros((640, 640, 3), np.uint8)
            scale = 640 / max(pixels.shape[:2])
            small = cv2.resize(pixels, None, fx=scale, fy=scale)
            canvas[: small.shape[0], : small.shape[1]] = small
            blob = cv2.dnn.blobFromImage(canvas, 1 / 128, (640, 640), (127.5,) * 3, swapRB=True)
            self.detector.run(None, {self.detector.get_inputs()[0].name: blob})
        matrix = align(kps, "arcface_128", SIDE)
        crop = cv2.warpAffine(pixels, matrix, (SIDE, SIDE))
        blob = cv2.dnn.blobFromImage(crop, 1 / 255, (SIDE, SIDE), swapRB=True)
        target, source = (item.name for item in self.swapper.get_inputs())
        face = self.swapper.run(None, {target: blob, source: self.latent})[0][0]
        drawn = np.clip(face.transpose(1, 2, 0)[..., ::-1] * 255, 0, 255).astype(np.uint8)
        return self._put_back(pixels, drawn, matrix)

    def _put_back(self, pixels: np.ndarray, drawn: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        inverse = cv2.invertAffineTransform(matrix)
        corners = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]]) @ inverse[:, :2].T
        corners += inverse[:, 2]
        height, width = pixels.shape[:2]
        x0, y0 = np.clip(np.floor(corners.min(0)), 0, (width, height)).astype(int)
        x1, y1 = np.clip(np.ceil(corners.max(0)), 0, (width, height)).astype(int)
        local = inverse.copy()
        local[:, 2] -= (x0, y0)
        face = cv2.warpAffine(drawn, local, (x1 - x0, y1 - y0))
        alpha = cv2.warpAffine(self.soft, local, (x1 - x0, y1 - y0))[..., None] / 255.0
        out = pixels.copy()
        mixed = face * alpha + out[y0:y1, x0:x1] * (1 - alpha)
        out[y0:y1, x0:x1] = mixed.astype(np.uint8)
        return out


def _inner(side: int) -> np.ndarray:
    mask = np.zeros((side, side), np.float32)
    mask[12:-12, 12:-12] = 255
    return mask


def peer_fps(peer: PeerSchedule, frames: list[np.ndarray], kps: np.ndarray, count: int) -> float:
    """Frames a second over ``count`` frames after one that warms up."""
    peer.frame(frames[0], kps, 0)
    began_s = time.perf_counter()
    for seq in range(count):
        peer.frame(frames[seq % len(frames)], kps, seq)
    return count / (time.perf_counter() - began_s)
