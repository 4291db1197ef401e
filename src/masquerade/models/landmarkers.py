"""Brought landmarkers: 68 or 106 points of a face whose box, or five points, are known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from masquerade.core.errors import ModelError
from masquerade.geometry.affine import apply_affine
from masquerade.geometry.templates import align, warp_crop
from masquerade.models.normalisation import Normalisation
from masquerade.models.ports import could_be, only, picture_side, wrong_ports

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.models.spec import ModelSpec
    from masquerade.runtime.network import Network

__all__ = [
    "BoxLandmarker",
    "FiveLandmarker",
    "Landmarks",
    "five_of_68",
    "five_of_106",
    "five_points",
]

_DARK = 30
"""Mean lightness (0..255) of a crop below which 2dfan4 and peppa are shown it brighter."""

_FULL_SCORE = {"2dfan4": 0.9, "peppa": 0.95}
"""What the network says of itself where it is as sure as it gets."""

_HEAT_SIDE = 64
_FIVE_OF_106 = (38, 88, 86, 52, 61)


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """What a landmarker saw.

    Attributes:
        points: float32 (N, 2), or (N, 3) of 1k3d68, picture pixels; z in pixels too.
        score: 0..1, how sure the network is; 1 where it does not say.
    """

    points: NDArray[np.float32]
    score: float = 1.0


class BoxLandmarker:
    """2dfan4, peppa_wutz, 2d106det and 1k3d68, which look at a square around the box.

    Args:
        spec: of a landmarker.
        network: its file, loaded.

    Attributes:
        size: side of its crop in pixels.

    Raises:
        ModelError: the file has no picture input.
    """

    def __init__(self, spec: ModelSpec, network: Network) -> None:
        self.spec = spec
        self.network = network
        ports = network.input_ports
        pictures = [port for port in ports if could_be(port, None, 3, None, None)]
        self._input = only(pictures, spec.name, "picture input", ports)
        self.size = picture_side(self._input) or spec.size
        self._normalisation = Normalisation.of(spec)

    def locate(
        self, pixels_bgr: NDArray[np.uint8], bbox: NDArray[np.floating], roll_rad: float = 0.0
    ) -> Landmarks:
        """Points of one face.

        Args:
            pixels_bgr: uint8 (H, W, 3).
            bbox: (4,) x0, y0, x1, y1 in these pixels.
            roll_rad: how far the face is turned clockwise, by which the crop is turned along.

        Raises:
            ModelError: the network failed, or its outputs are not those of the model.
        """
        matrix = self._matrix(bbox, roll_rad)
        crop = warp_crop(pixels_bgr, matrix, self.size)
        if self.spec.family in _FULL_SCORE:
            crop = _brightened(crop)
        feed = self._normalisation.encode(crop[None], self._input.dtype)
        points, score = self._read(self.network.run({self._input.name: feed}))
        back = np.asarray(cv2.invertAffineTransform(matrix), np.float64)
        placed = apply_affine(back, points[:, :2])
        if points.shape[1] == 3:
            depth = points[:, 2:] * math.hypot(*back[:, 0])
            placed = np.concatenate([placed, depth], axis=1)
        return Landmarks(placed.astype(np.float32), score)

    def close(self) -> None:
        """Let the network go."""
        self.network.close()

    def _matrix(self, bbox: NDArray[np.floating], roll_rad: float) -> NDArray[np.float64]:
        """Picture to crop: the middle of the box comes to S / 2, as these networks' tools do it."""
        x0, y0, x1, y1 = (float(value) for value in bbox)
        scale = self.size / (max(x1 - x0, y1 - y0, 1.0) * self.spec.box_scale)
        cos, sin = math.cos(roll_rad) * scale, math.sin(roll_rad) * scale
        linear = np.array([[cos, sin], [-sin, cos]])
        middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
        return np.column_stack([linear, self.size / 2 - linear @ middle])

    def _read(self, results: list[NDArray[Any]]) -> tuple[NDArray[np.float64], float]:
        """Points in crop pixels, (N, 2 or 3), and the score."""
        count, family = self.spec.points, self.spec.family
        try:
            values = np.asarray(results[0], np.float64)
            if family in ("2d106", "1k3d68"):
                rows = values.reshape(-1, 2 if family == "2d106" else 3)[-count:]
                rows[:, :2] += 1
                return self._checked(rows * (self.size // 2)), 1.0
            rows = values.reshape(-1, values.shape[-1])
            said = rows[:, 2].mean() if family == "peppa" else results[1].max(axis=(2, 3)).mean()
        except (ValueError, IndexError, TypeError) as error:
            raise self._mismatch() from error
        score = min(max(float(said) / _FULL_SCORE[family], 0.0), 1.0)
        return self._checked(rows[:, :2] * (self.size / _HEAT_SIDE)), score

    def _checked(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        if len(rows) != self.spec.points:
            raise self._mismatch()
        return rows

    def _mismatch(self) -> ModelError:
        what = f"output of {self.spec.points} points"
        return wrong_ports(self.spec.name, what, self.network.output_ports)


class FiveLandmarker:
    """fan_68_5: guesses 68 points from five, without looking at the picture.

    Args:
        spec: of a landmarker of the family "fan_68_5".
        network: its file, loaded.

    Raises:
        ModelError: the file's input is not five points.
    """

    def __init__(self, spec: ModelSpec, network: Network) -> None:
        self.spec = spec
        self.network = network
        ports = network.input_ports
        fives = [port for port in ports if could_be(port, None, 5, 2)]
        self._input = only(fives, spec.name, "input of five points", ports)

    def extend(self, kps: NDArray[np.floating]) -> Landmarks:
        """The 68 points that go with five.

        Args:
            kps: (5, 2) pixels, in the order of ``Face.kps``.

        Raises:
            ModelError: the network failed, or its output is not 68 points.
        """
        matrix = align(kps, self.spec.template, 1)
        feed = apply_affine(matrix, np.asarray(kps, np.float64))[None].astype(self._input.dtype)
        result = self.network.run({self._input.name: feed})[0]
        if result.size != self.spec.points * 2:
            what = f"output of {self.spec.points} points"
            raise wrong_ports(self.spec.name, what, self.network.output_ports)
        points = np.asarray(result, np.float64).reshape(-1, 2)
        back = np.asarray(cv2.invertAffineTransform(matrix), np.float64)
        return Landmarks(apply_affine(back, points).astype(np.float32))

    def close(self) -> None:
        """Let the network go."""
        self.network.close()


def five_of_68(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Eyes, nose tip and mouth corners out of the usual 68 points, float32 (5, 2)."""
    flat = np.asarray(points)[:, :2]
    five = flat[36:42].mean(axis=0), flat[42:48].mean(axis=0), flat[30], flat[48], flat[54]
    return np.stack(five).astype(np.float32)


def five_of_106(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Eyes, nose tip and mouth corners out of 2d106det's points, float32 (5, 2).

    Source: the five that users of InsightFace's network align by.
    """
    return np.asarray(points)[list(_FIVE_OF_106), :2].astype(np.float32)


def five_points(
    landmarker: BoxLandmarker | FiveLandmarker,
    pixels_bgr: NDArray[np.uint8],
    bbox: NDArray[np.floating],
    roll_rad: float,
    kps: NDArray[np.floating],
) -> Landmarks:
    """What a landmarker of any kind says of the five points that align a face.

    Args:
        landmarker: one of this module's.
        pixels_bgr: uint8 (H, W, 3).
        bbox: (4,) x0, y0, x1, y1 in these pixels; for those that look at the picture.
        roll_rad: see :meth:`BoxLandmarker.locate`.
        kps: (5, 2) pixels, as somebody else saw them; for fan_68_5, which mends those.

    Returns:
        Five points, float32 (5, 2), in the order of ``Face.kps``, and the score.

    Raises:
        ModelError: the network failed, or its outputs are not those of the model.
    """
    if isinstance(landmarker, FiveLandmarker):
        seen = landmarker.extend(kps)
    else:
        seen = landmarker.locate(pixels_bgr, bbox, roll_rad)
    five = five_of_106 if len(seen.points) == 106 else five_of_68
    return Landmarks(five(seen.points), seen.score)


def _brightened(crop_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A dark crop with its contrast equalised by parts; any other as it is."""
    lab = np.asarray(cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2LAB), np.uint8)
    if float(lab[..., 0].mean()) >= _DARK:
        return crop_bgr
    lab[..., 0] = cv2.createCLAHE(clipLimit=2.0).apply(np.ascontiguousarray(lab[..., 0]))
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2BGR), np.uint8)
