"""Faces of a frame: boxes, scores and five points each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.face import Face
from masquerade.geometry.boxes import drop_contained, tile_spans, weighted_nms
from masquerade.models.store import open_network
from masquerade.models.turning import turn_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from masquerade.runtime.session import Session

__all__ = ["Detector"]

_SMALLEST_FACE_PX = 40
"""Faces of this size and more are promised in frames up to 4K."""

_FLOOR_PX, _CEILING_PX = 17, 240
"""Size of the faces that the network finds reliably, in pixels of its input."""

_COARSE_AREA = 62_000
"""Pixels of the coarse look at the whole frame; what 256 x 256 cost, but without the bars."""

_WIDEST_FINE = 1640
_TILE, _OVERLAP, _PAD = 256, 64, 16
_STRIDES = ((16, 2), (32, 6))
_MAX_LOGIT = 80.0


@dataclass(frozen=True, slots=True)
class _Glance:
    """One run of the network: a part of the frame at a scale.

    Attributes:
        box: (x0, y0, x1, y1) whole frame pixels.
        scale: network pixels per frame pixel.
        pad: black border in network pixels; faces at the frame's edge are found by it.
        inner: which sides (left, top, right, bottom) are not sides of the frame.
        ceiling_px: larger faces are left to a coarser look.
    """

    box: tuple[int, int, int, int]
    scale: float
    pad: int = 0
    inner: tuple[bool, bool, bool, bool] = (False, False, False, False)
    ceiling_px: float = _CEILING_PX


class Detector:
    """BlazeFace, back camera, run as a fully convolutional network on an image pyramid.

    Three kinds of looks: a coarse one at the whole frame; fine ones at overlapping tiles, for
    small faces; and a far one at the padded frame, for close-ups cut by its border. The network
    is loaded at the first call.

    Args:
        threads: threads of the network; 0 chooses by the machine.
    """

    def __init__(self, threads: int = 0) -> None:
        self._threads = threads

    @cached_property
    def _network(self) -> Session:
        return open_network("detector", self._threads)

    def find(
        self,
        pixels_bgr: NDArray[np.uint8],
        min_score: float = 0.5,
        *,
        thorough: bool = False,
        turn: int = 0,
        looks: int = 2,
    ) -> list[Face]:
        """Faces, best first, from 40 px (in frames up to 4K) to larger than the frame.

        The mouth corners of ``Face.kps`` are estimated: the network knows the mouth's middle only.

        Args:
            pixels_bgr: uint8 (H, W, 3).
            min_score: 0..1, from which a detection counts.
            thorough: take every look. Without it, the coarse look and one of the others.
            turn: which of the others; counting it up goes round them all.
            looks: 2 for the coarse look and another; 1 for either, by turns.

        Raises:
            ModelError: the weights are missing, or the network failed.
        """
        coarse, *others = _plan(pixels_bgr.shape[1], pixels_bgr.shape[0])
        if thorough:
            return self._search(pixels_bgr, (coarse, *others), min_score)
        if looks == 1:
            one = others[turn // 2 % len(others)] if turn % 2 else coarse
            return self._search(pixels_bgr, (one,), min_score)
        return self._search(pixels_bgr, (coarse, others[turn % len(others)]), min_score)

    def find_turned(
        self,
        pixels_bgr: NDArray[np.uint8],
        quarters: int,
        min_score: float = 0.5,
        *,
        thorough: bool = True,
    ) -> list[Face]:
        """Faces that stand upright once the picture is turned, in frame pixels.

        Args:
            pixels_bgr: uint8 (H, W, 3).
            quarters: quarter turns counter-clockwise, as for ``np.rot90``.
            min_score: 0..1, from which a detection counts.
            thorough: take every look; else the coarse one alone.

        Raises:
            ModelError: the weights are missing, or the network failed.
        """
        frame_h, frame_w = pixels_bgr.shape[:2]
        if not thorough:
            # Turning the whole frame would cost more than the look.
            pixels_bgr = _shrink(pixels_bgr, _plan(frame_w, frame_h)[0].scale)
        small_h, small_w = pixels_bgr.shape[:2]
        scale = np.array([frame_w / small_w, frame_h / small_h], np.float32)
        turned = np.ascontiguousarray(np.rot90(pixels_bgr, quarters))
        height, width = turned.shape[:2]
        plan = _plan(width, height)
        faces = self._search(turned, plan if thorough else plan[:1], min_score)
        for face in faces:
            turn_back(face, quarters, (width, height))
            face.bbox = (face.bbox + 0.5) * np.tile(scale, 2) - 0.5
            face.kps = (face.kps + 0.5) * scale - 0.5
        return faces

    def _search(
        self, pixels_bgr: NDArray[np.uint8], glances: Sequence[_Glance], min_score: float
    ) -> list[Face]:
        parts = [self._look(pixels_bgr, glance, min_score) for glance in glances]
        rows = np.concatenate([part[0] for part in parts])
        rows, scores = weighted_nms(rows, np.concatenate([part[1] for part in parts]))
        keep = drop_contained(rows, scores)
        return [_face(r, float(s)) for r, s in zip(rows[keep], scores[keep], strict=True)]

    def _look(
        self, pixels_bgr: NDArray[np.uint8], glance: _Glance, min_score: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes with their six points (N, 16) in frame pixels, and their scores (N,)."""
        x0, y0, x1, y1 = glance.box
        small = _shrink(pixels_bgr[y0:y1, x0:x1], glance.scale)
        height, width = small.shape[:2]
        pad = glance.pad
        grid_h, grid_w = (-(-(side + 2 * pad) // 32) * 32 for side in (height, width))
        crop = np.zeros((1, grid_h, grid_w, 3), np.uint8)
        crop[0, pad : pad + height, pad : pad + width] = small
        regressors, logits = self._network.run({"crop": crop})
        scores = 1 / (1 + np.exp(-np.clip(logits.reshape(-1), -_MAX_LOGIT, _MAX_LOGIT)))
        likely = np.flatnonzero(scores >= min_score)
        rows = _decode(regressors[0, likely], _anchors(grid_h, grid_w)[likely]) - pad
        fits = _fits(rows, glance, width, height)
        size = np.array([(x1 - x0) / width, (y1 - y0) / height] * 8, np.float32)
        origin = np.array([x0 - 0.5, y0 - 0.5] * 8, np.float32)
        return rows[fits] * size + origin, scores[likely][fits].astype(np.float32)


@lru_cache(maxsize=16)
def _plan(width: int, height: int) -> tuple[_Glance, ...]:
    """The coarse look, the fine ones, and the far one, in this order."""
    frame = (0, 0, width, height)
    coarse = min(1.0, math.sqrt(_COARSE_AREA / (width * height)))
    fine = min(_FLOOR_PX / _SMALLEST_FACE_PX, _WIDEST_FINE / max(width, height))
    far = _Glance(frame, coarse / 2, _PAD, ceiling_px=math.inf)
    tiles: list[_Glance] = []
    if fine > 1.2 * coarse:
        tile, overlap = round(_TILE / fine), round(_OVERLAP / fine)
        tiles = [
            _Glance((x0, y0, x1, y1), fine, _PAD, (x0 > 0, y0 > 0, x1 < width, y1 < height))
            for y0, y1 in tile_spans(height, tile, overlap)
            for x0, x1 in tile_spans(width, tile, overlap)
        ]
    return (_Glance(frame, coarse), *tiles, far)


def _shrink(pixels_bgr: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Scaled down without aliasing: halves by area, the rest (below a factor of 2) linear."""
    height, width = pixels_bgr.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    while pixels_bgr.shape[1] >= 2 * size[0] and pixels_bgr.shape[0] >= 2 * size[1]:
        half = pixels_bgr.shape[1] // 2, pixels_bgr.shape[0] // 2
        even = pixels_bgr[: half[1] * 2, : half[0] * 2]
        pixels_bgr = np.asarray(cv2.resize(even, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(pixels_bgr, size, interpolation=cv2.INTER_LINEAR), np.uint8)


@lru_cache(maxsize=16)
def _anchors(height: int, width: int) -> NDArray[np.float32]:
    """Anchor centres in crop pixels counted from the crop's edge, float32 (N, 2)."""
    grids = []
    for stride, repeat in _STRIDES:
        xs = (np.arange(width // stride, dtype=np.float32) + 0.5) * stride
        ys = (np.arange(height // stride, dtype=np.float32) + 0.5) * stride
        grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
        grids.append(np.repeat(grid, repeat, axis=0))
    return np.concatenate(grids)


def _decode(raw: NDArray[np.float32], anchors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Centre, size and six points relative to the anchor -> corners and points in the crop."""
    centre, half = raw[:, :2] + anchors, raw[:, 2:4] / 2
    points = raw[:, 4:] + np.tile(anchors, 6)
    return np.concatenate([centre - half, centre + half, points], axis=1)


def _fits(rows: NDArray[np.float32], glance: _Glance, width: int, height: int) -> NDArray[np.bool_]:
    """Not too large for the network, and not cut by a tile's edge inside the frame."""
    sides = rows[:, 2:4] - rows[:, :2]
    whole = sides.max(axis=1, initial=0) <= glance.ceiling_px
    left, top, right, bottom = glance.inner
    for cut, beyond in (
        (left, rows[:, 0] < 1),
        (top, rows[:, 1] < 1),
        (right, rows[:, 2] > width - 1),
        (bottom, rows[:, 3] > height - 1),
    ):
        if cut:
            whole &= ~beyond
    return np.asarray(whole)


def _face(row: NDArray[np.float32], score: float) -> Face:
    left_eye, right_eye, nose, mouth = row[4:12].reshape(4, 2)
    half_mouth = (right_eye - left_eye) / 2
    kps = np.stack([left_eye, right_eye, nose, mouth - half_mouth, mouth + half_mouth])
    return Face(bbox=row[:4].copy(), score=score, kps=kps.astype(np.float32))
