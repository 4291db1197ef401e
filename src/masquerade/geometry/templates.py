"""Where the five points of a face lie in the crop that a network was taught on.

Convention: a template's points are parts of the crop's side, x right, y down. Times the side they
are crop pixels with pixel centres at whole numbers, as everybody who publishes these networks
multiplies them. Matrices lead from frame to crop.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from masquerade.geometry.affine import fit_similarity
from masquerade.geometry.sampling import reduce_part
from masquerade.geometry.warp import warp_picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["TEMPLATES", "Border", "align", "kps_from_landmarks", "warp_crop"]

Border = Literal["black", "edge"]
"""What a crop shows outside the frame: black, or the frame's edge drawn out."""

_ARCFACE_PX = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
"""InsightFace's ``arcface_dst``: pixels of a crop of 112."""

_POINTS = {
    "arcface_112_v1": (
        (0.35473214, 0.45658929),
        (0.64526786, 0.45658929),
        (0.5, 0.61154464),
        (0.37913393, 0.776875),
        (0.62086607, 0.776875),
    ),
    "arcface_112_v2": tuple((x / 112, y / 112) for x, y in _ARCFACE_PX),
    "arcface_128": tuple(((x + 8) / 128, y / 128) for x, y in _ARCFACE_PX),
    "dfl_whole_face": (
        (0.35342266, 0.39285716),
        (0.62797622, 0.39285716),
        (0.48660713, 0.5401786),
        (0.38839287, 0.68750011),
        (0.59821427, 0.68750011),
    ),
    "ffhq_512": (
        (0.37691676, 0.46864664),
        (0.62285697, 0.46912813),
        (0.50123859, 0.61331904),
        (0.39308822, 0.725411),
        (0.61150205, 0.72490465),
    ),
    "mtcnn_512": (
        (0.36562865, 0.46733799),
        (0.63305391, 0.46585885),
        (0.50019127, 0.61942959),
        (0.39032951, 0.77598822),
        (0.61178945, 0.77476328),
    ),
    "styleganex_384": (
        (0.42353745, 0.52289879),
        (0.57725008, 0.52319972),
        (0.50123859, 0.61331904),
        (0.43364461, 0.68337652),
        (0.57015325, 0.68306005),
    ),
    "gpen_wide": (
        (0.31556875, 0.4615741),
        (0.68262291, 0.4615741),
        (0.50009375, 0.6405054),
        (0.34947187, 0.8246919),
        (0.65343645, 0.8246919),
    ),
}


def _frozen(points: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    array = np.array(points, np.float64)
    array.setflags(write=False)
    return array


TEMPLATES: Mapping[str, NDArray[np.float64]] = MappingProxyType(
    {name: _frozen(points) for name, points in _POINTS.items()}
)
"""float64 (5, 2) by name: left eye, right eye, nose tip, left and right mouth corner, where left
is the image's left. Source: the public networks' own tools; ``gpen_wide`` is what the files of
Face-Upscalers-ONNX are used with."""

_LEFT_LIDS = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_RIGHT_LIDS = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
_NOSE_TIP = (1, 4)
"""Between these two the canonical mesh has its nose where ``arcface_112_v2`` has it: 49 % of the
way from the eyes to the mouth."""
_LEFT_MOUTH, _RIGHT_MOUTH = 61, 291


def align(
    kps: NDArray[np.floating],
    template: str,
    size: int,
    *,
    scale: float = 1.0,
    shift_xy: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.float64]:
    """The map from frame to crop that lays five points onto a template with least squared error.

    Equal to InsightFace's ``norm_crop2``, which estimates by Umeyama's method.

    Args:
        kps: (5, 2) frame pixels, in the order of :data:`TEMPLATES`.
        template: a key of :data:`TEMPLATES`.
        size: side of the crop in pixels.
        scale: size of the square that is cut, by that of the template; above 1 shows more.
        shift_xy: shift of that square to the right and down, by its side.

    Returns:
        float64 (2, 3).

    Raises:
        KeyError: there is no such template.
    """
    matrix = fit_similarity(np.asarray(kps, np.float64), TEMPLATES[template] * size)
    if scale == 1.0 and shift_xy == (0.0, 0.0):
        return matrix
    middle = (size - 1) / 2
    matrix = matrix / scale
    matrix[:, 2] += middle - middle / scale - np.asarray(shift_xy) * size
    return matrix


def kps_from_landmarks(landmarks: NDArray[np.floating]) -> NDArray[np.float32]:
    """Five points out of the face mesh, for networks that are aligned by five.

    The eyes are the means of their lids, which unlike the irises stay where they are when the
    face looks aside.

    Args:
        landmarks: (468 or more, 2 or 3) in the order of the 478-point mesh.

    Returns:
        float32 (5, 2) in the same coordinates: left eye, right eye, nose tip, left and right mouth
        corner, where left is the image's left on an upright face.
    """
    flat = np.asarray(landmarks)[:, :2]
    points = (
        flat[list(_LEFT_LIDS)].mean(axis=0),
        flat[list(_RIGHT_LIDS)].mean(axis=0),
        flat[list(_NOSE_TIP)].mean(axis=0),
        flat[_LEFT_MOUTH],
        flat[_RIGHT_MOUTH],
    )
    return np.stack(points).astype(np.float32)


def warp_crop(
    pixels_bgr: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    size: int,
    border: Border = "black",
) -> NDArray[np.uint8]:
    """Cut a square out of a frame.

    What is shrunk to half and less is halved by area first, since sampled directly it would alias;
    see ``models/window.py``. Everything else is what ``cv2.warpAffine`` gives, to rounding.

    Args:
        pixels_bgr: uint8 (H, W, 3).
        matrix: float64 (2, 3), frame to crop; shift, turn and scale only.
        size: side of the crop.
        border: see :data:`Border`.

    Returns:
        uint8 (size, size, 3).
    """
    halvings = math.floor(max(-math.log2(max(math.hypot(*matrix[:, 0]), 1e-6)), 0.0))
    if halvings:
        pixels_bgr, matrix = _halved(pixels_bgr, matrix, size, 2**halvings)
    mode = cv2.BORDER_CONSTANT if border == "black" else cv2.BORDER_REPLICATE
    return warp_picture(pixels_bgr, matrix, (size, size), mode)


def _halved(
    pixels_bgr: NDArray[np.uint8], matrix: NDArray[np.float64], size: int, factor: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The part of the frame under the crop, smaller, and the map from it to the crop."""
    inverse = cv2.invertAffineTransform(matrix)
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float64) - 0.5
    outline = corners @ inverse[:, :2].T + inverse[:, 2]
    low, high = outline.min(axis=0) - 2 * factor, outline.max(axis=0) + 2 * factor
    height, width = pixels_bgr.shape[:2]
    x0, y0 = (int(np.clip(v, 0, side)) for v, side in zip(low, (width, height), strict=True))
    x1, y1 = (int(np.clip(v, 0, side)) for v, side in zip(high, (width, height), strict=True))
    return reduce_part(pixels_bgr, (x0, y0, x1, y1), matrix, factor)
