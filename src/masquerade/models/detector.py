"""Faces of a frame: boxes, scores and five points each."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.face import Face
from masquerade.geometry.boxes import weighted_nms
from masquerade.models.store import open_network

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.runtime.session import Session

__all__ = ["Detector"]

_SIDE = 256
_STRIDES = ((16, 2), (32, 6))
_MAX_LOGIT = 80.0


class Detector:
    """BlazeFace, back camera. The network is loaded at the first call.

    Args:
        threads: threads of the network; 0 chooses by the machine.
    """

    def __init__(self, threads: int = 0) -> None:
        self._threads = threads
        self._anchors = _anchors()

    @cached_property
    def _network(self) -> Session:
        return open_network("detector", self._threads)

    def find(
        self, pixels_bgr: NDArray[np.uint8], min_score: float = 0.5, *, thorough: bool = False
    ) -> list[Face]:
        """Faces, best first."""
        rows, scores = self._scan(pixels_bgr, min_score)
        rows, scores = weighted_nms(rows, scores)
        return [_face(row, float(score)) for row, score in zip(rows, scores, strict=True)]

    def _scan(
        self, pixels_bgr: NDArray[np.uint8], min_score: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        height, width = pixels_bgr.shape[:2]
        side = max(height, width)
        scale = side / _SIDE
        crop = np.zeros((_SIDE, _SIDE, 3), np.uint8)
        w, h = max(1, round(width / scale)), max(1, round(height / scale))
        x, y = (_SIDE - w) // 2, (_SIDE - h) // 2
        crop[y : y + h, x : x + w] = cv2.resize(pixels_bgr, (w, h), interpolation=cv2.INTER_AREA)
        regressors, logits = self._network.run({"crop": crop[None]})
        scores = 1 / (1 + np.exp(-np.clip(logits.reshape(-1), -_MAX_LOGIT, _MAX_LOGIT)))
        keep = scores >= min_score
        raw = regressors.reshape(-1, 16)[keep]
        centre = raw[:, :2] + self._anchors[keep]
        half = raw[:, 2:4] / 2
        points = (raw[:, 4:].reshape(-1, 6, 2) + self._anchors[keep, None]).reshape(-1, 12)
        rows = np.concatenate([centre - half, centre + half, points], axis=1).reshape(-1, 8, 2)
        rows = (rows - (x, y)) * (width / w, height / h) - 0.5
        return rows.reshape(-1, 16).astype(np.float32), scores[keep].astype(np.float32)


def _anchors() -> NDArray[np.float32]:
    """Anchor centres in crop pixels, counted from the crop's edge, (896, 2)."""
    grids = []
    for stride, repeat in _STRIDES:
        cells = (np.arange(_SIDE // stride, dtype=np.float32) + 0.5) * stride
        grid = np.stack(np.meshgrid(cells, cells), axis=-1).reshape(-1, 2)
        grids.append(np.repeat(grid, repeat, axis=0))
    return np.concatenate(grids)


def _face(row: NDArray[np.float32], score: float) -> Face:
    eyes_nose_mouth = row[4:12].reshape(4, 2)
    half_mouth = (eyes_nose_mouth[1] - eyes_nose_mouth[0]) / 2
    mouth = eyes_nose_mouth[3]
    kps = np.stack([*eyes_nose_mouth[:3], mouth - half_mouth, mouth + half_mouth])
    return Face(bbox=row[:4].copy(), score=score, kps=kps.astype(np.float32))
