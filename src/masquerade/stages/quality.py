"""How well a photo shows a face, with reasons that tell how to take a better one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.mesh import EYE_LEFT, EYE_RIGHT, OVAL
from masquerade.stages.neutral import expression_of, pose_of, turn_degrees

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from masquerade.stages.clean import Skin

__all__ = ["Quality", "assess"]

_GOOD_HEIGHT_PX = 200
_LOOK_PX = 256
"""Faces are shrunk to this height before sharpness is measured; smaller ones are not enlarged."""
_BLURRED = 0.09
"""Standard deviation of the Laplacian over that of the lightness, below which a face is soft."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What can be expected of a photo.

    Attributes:
        score: 0..1; from 0.7 on nothing stands in the way.
        reasons: sentences with a cause and a remedy, the weightiest first; empty for a good photo.
    """

    score: float
    reasons: tuple[str, ...]


def assess(
    pixels: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    skin: Skin | None = None,
    *,
    pose: bool = True,
) -> Quality:
    """Judge one face of a photo. Nothing is refused; this is advice.

    Args:
        pixels: uint8 (H, W, 3) BGR.
        landmarks: float32 (468 or more, 3) in its pixels.
        skin: what hides the face, where that is known.
        pose: False where other photos show what a turned head hides.
    """
    found = [*_of_size(pixels, landmarks), *_of_light(pixels, landmarks)]
    found += [*(_of_pose(landmarks) if pose else ()), *_of_expression(landmarks)]
    found += _of_cover(skin) if skin else ()
    found.sort(key=lambda item: item[0])
    score = float(np.prod([factor for factor, _ in found])) if found else 1.0
    return Quality(score, tuple(reason for _, reason in found))


def _of_size(
    pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]
) -> Iterator[tuple[float, str]]:
    height = float(np.linalg.norm(landmarks[10] - landmarks[152]))
    if height < _GOOD_HEIGHT_PX:
        yield (
            float(np.clip(height / _GOOD_HEIGHT_PX, 0.2, 0.95)),
            f"The face is only {height:.0f} px high; from {_GOOD_HEIGHT_PX} px on it looks crisp, "
            "so take a larger picture or come closer.",
        )
    sharpness = _sharpness(pixels, landmarks)
    if sharpness < _BLURRED:
        yield (
            float(np.clip(sharpness / _BLURRED, 0.3, 0.95)),
            "The face is blurred; hold the camera still and focus on the eyes.",
        )


def _of_pose(landmarks: NDArray[np.float32]) -> Iterator[tuple[float, str]]:
    yaw, pitch = turn_degrees(pose_of(landmarks))
    if abs(yaw) > 20:
        yield (
            float(np.clip(1.2 - abs(yaw) / 60, 0.3, 0.9)),
            f"The head is turned aside by {abs(yaw):.0f} degrees; look into the camera, "
            "or add a photo turned the other way.",
        )
    if abs(pitch) > 22:
        way = "raised" if pitch > 0 else "lowered"
        yield (
            float(np.clip(1.2 - abs(pitch) / 60, 0.4, 0.9)),
            f"The head is {way} by {abs(pitch):.0f} degrees; hold the camera level with the eyes.",
        )


def _of_light(
    pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]
) -> Iterator[tuple[float, str]]:
    light, left = _skin_light(pixels, landmarks)
    if not light.size:
        return
    typical = float(np.median(light))
    if typical < 50:
        yield 0.6, "The face is dark; turn towards a window or a lamp."
    if float((light > 250).mean()) > 0.08:
        yield 0.7, "Parts of the face are burnt out; soften the light or lower the exposure."
    if left.any() and not left.all():
        sides = np.array([np.median(light[left]), np.median(light[~left])]) + 4
        if sides.max() / sides.min() > 1.6:
            yield 0.8, "The light comes from one side; light from the front works better."


def _of_expression(landmarks: NDArray[np.float32]) -> Iterator[tuple[float, str]]:
    gap_cm, smile = expression_of(landmarks)
    if smile > 0.7:
        yield 0.9, "The face smiles broadly; a calm face follows the target's expression better."
    elif gap_cm > 0.7:
        yield 0.85, "The mouth is open; a photo with closed lips gives better results."
    if max(_lid_opening(landmarks, EYE_LEFT), _lid_opening(landmarks, EYE_RIGHT)) < 0.12:
        yield 0.6, "The eyes are closed; choose a photo with open eyes."


def _of_cover(skin: Skin) -> Iterator[tuple[float, str]]:
    if skin.glasses > 0.5:
        yield 0.8, "Glasses cover the eyes and are painted over; a photo without them is better."
    if skin.covered > 0.22:
        yield (
            float(np.clip(1.1 - skin.covered, 0.4, 0.9)),
            f"Hair, a hat or a shadow hides {100 * skin.covered:.0f} % of the face; show forehead "
            "and cheeks.",
        )


def _lid_opening(landmarks: NDArray[np.float32], ring: NDArray[np.intp]) -> float:
    """Height over width of an eye; the ring starts at the outer corner, over the upper lid."""
    lids = landmarks[ring, :2]
    height = np.linalg.norm(lids[4] - lids[12])
    return float(height / (np.linalg.norm(lids[0] - lids[8]) + 1e-6))


def _sharpness(pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> float:
    """Fine contrast over all contrast inside the face, at the size at which it will be drawn."""
    box, mask = _face_box(pixels, landmarks)
    if box.size == 0 or min(mask.shape) < 8:
        return 1.0
    shrink = min(1.0, _LOOK_PX / max(box.shape[:2]))
    size = (max(8, round(box.shape[1] * shrink)), max(8, round(box.shape[0] * shrink)))
    grey = cv2.cvtColor(cv2.resize(box, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    inside = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST) > 0
    fine = cv2.Laplacian(grey.astype(np.float32), cv2.CV_32F)
    return float(fine[inside].std() / (grey[inside].astype(np.float32).std() + 1e-3))


def _skin_light(
    pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Lightness inside the face and whether it lies left of the nose's ridge."""
    box, mask = _face_box(pixels, landmarks)
    rows, columns = np.nonzero(mask)
    if not box.size:
        return np.zeros(0, np.uint8), np.zeros(0, np.bool_)
    grey = np.asarray(cv2.cvtColor(box, cv2.COLOR_BGR2GRAY), np.uint8)
    low = np.floor(landmarks[OVAL, :2].min(0)).clip(0)
    ridge, chin = landmarks[168, :2] - low, landmarks[152, :2] - low
    side = (chin[0] - ridge[0]) * (rows - ridge[1]) - (chin[1] - ridge[1]) * (columns - ridge[0])
    return grey[rows, columns], np.asarray(side > 0)


def _face_box(
    pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The upright box about the face and a mask of the face in it."""
    outline = landmarks[OVAL, :2]
    size = np.array([pixels.shape[1], pixels.shape[0]])
    x0, y0 = np.clip(np.floor(outline.min(0)), 0, size).astype(int)
    x1, y1 = np.clip(np.ceil(outline.max(0)), 0, size).astype(int)
    box = pixels[y0:y1, x0:x1]
    mask = np.zeros(box.shape[:2], np.uint8)
    if box.size:
        centre = outline.mean(0)
        inner = centre + 0.85 * (outline - centre) - [x0, y0]
        cv2.fillPoly(mask, [np.round(inner).astype(np.int32)], 1)
    return box, mask
