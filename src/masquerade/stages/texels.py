"""Float pictures of the atlas: blurred, shrunk, enlarged and sampled, float32 in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.stages.regions import ATLAS_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = [
    "SEEN_PX",
    "blur",
    "blur_within",
    "disc",
    "enlarge",
    "nearest_marked",
    "sample",
    "shrink",
    "smoothstep",
    "to_bytes",
    "to_lab",
]

SEEN_PX = 256
"""Side of the small atlas, on which everything smooth is worked out."""


def shrink(picture: NDArray[np.floating] | NDArray[np.uint8]) -> Floats:
    """Area-filtered to (256, 256) or (256, 256, C)."""
    small = cv2.resize(picture, (SEEN_PX, SEEN_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def enlarge(small: NDArray[np.floating]) -> Floats:
    """Bilinear to (1024, 1024) or (1024, 1024, C)."""
    large = cv2.resize(small, (ATLAS_PX, ATLAS_PX), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.float32)


def blur(picture: NDArray[np.floating], sigma: float) -> Floats:
    """Gaussian; sigma in texels of ``picture``."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def blur_within(picture: NDArray[np.floating], weight: Floats, sigma: float) -> Floats:
    """Gaussian of a (H, W, C) picture that looks only at what ``weight`` (H, W) counts."""
    top = blur(picture * weight[..., None], sigma)
    return np.asarray(top / (blur(weight, sigma)[..., None] + 1e-6), np.float32)


def sample(
    picture: NDArray[np.floating] | NDArray[np.uint8], where: Floats, mode: int = cv2.INTER_LINEAR
) -> Floats:
    """``picture`` at the places ``where`` (H, W, 2), x and y; beyond its rim the rim."""
    x, y = (np.ascontiguousarray(where[..., axis]) for axis in (0, 1))
    found = cv2.remap(picture, x, y, mode, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def smoothstep(value: NDArray[np.floating], low: float, high: float) -> Floats:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def to_bytes(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Rounded and clipped to 0..255."""
    return np.asarray(np.clip(values + 0.5, 0, 255), np.uint8)


def to_lab(small_bgr: Floats) -> Floats:
    """Lab with L 0..100 from BGR 0..255."""
    return np.asarray(cv2.cvtColor(small_bgr / np.float32(255), cv2.COLOR_BGR2Lab), np.float32)


def disc(diameter: int) -> NDArray[np.uint8]:
    """A round structuring element of odd diameter."""
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
    return np.asarray(element, np.uint8)


def nearest_marked(marked: NDArray[np.bool_]) -> tuple[NDArray[np.intp], Floats]:
    """For each place the nearest marked one, and how far away it is.

    Args:
        marked: (H, W), at least one place marked.

    Returns:
        Rows and columns, (2, H, W), and distances in texels, float32 (H, W).
    """
    away, label = cv2.distanceTransformWithLabels(
        (~marked).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    labels = np.asarray(label, np.intp)
    place = np.zeros((2, int(labels.max()) + 1), np.intp)
    place[:, labels[marked]] = np.nonzero(marked)
    return place[:, labels], np.asarray(away, np.float32)
