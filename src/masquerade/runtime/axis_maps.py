"""Padding and resizing along one axis, written as matrices.

Both are linear, and both treat rows and columns apart, so that each is a matrix (after, before)
applied to the rows and one applied to the columns. Matrices of steps that follow each other are
multiplied, which is how they vanish into the transforms of a Winograd convolution.

The formulas are those of the ONNX operators Pad and Resize (github.com/onnx/onnx, Operators.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["COORDINATES", "NEAREST_ROUNDINGS", "PAD_MODES", "pad_map", "resize_map"]

PAD_MODES: tuple[str, ...] = ("constant", "reflect", "edge")
COORDINATES: tuple[str, ...] = (
    "half_pixel",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
)
NEAREST_ROUNDINGS: tuple[str, ...] = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def pad_map(length: int, before: int, after: int, mode: str) -> NDArray[np.float64]:
    """Padding by zeros ("constant"), by a mirror or by the last value, as a matrix.

    Args:
        length: of the axis, at least 1, and above both pads for "reflect".
        before: values added in front, at least 0.
        after: values added behind, at least 0.
        mode: one of :data:`PAD_MODES`.

    Returns:
        float64 (before + length + after, length).
    """
    places = np.arange(-before, length + after)
    matrix = np.zeros((len(places), length))
    if mode == "reflect":
        places = np.abs(places)
        places = np.where(places >= length, 2 * (length - 1) - places, places)
    elif mode == "edge":
        places = np.clip(places, 0, length - 1)
    inside = (places >= 0) & (places < length)
    matrix[np.flatnonzero(inside), places[inside]] = 1
    return matrix


def resize_map(
    length: int, new_length: int, scale: float, coordinates: str, rounding: str | None = None
) -> NDArray[np.float64]:
    """Linear or nearest resizing as a matrix.

    Args:
        length: of the axis.
        new_length: of the axis afterwards.
        scale: as the operator is given it, which need not be their quotient.
        coordinates: one of :data:`COORDINATES`.
        rounding: one of :data:`NEAREST_ROUNDINGS` for the nearest value; None is linear.

    Returns:
        float64 (new_length, length).
    """
    places = _sources(length, new_length, scale, coordinates)
    matrix = np.zeros((new_length, length))
    rows = np.arange(new_length)
    if rounding is not None:
        matrix[rows, np.clip(_rounded(places, rounding), 0, length - 1)] = 1
        return matrix
    places = np.clip(places, 0, length - 1)
    low = np.floor(places).astype(np.int64)
    share = places - low
    np.add.at(matrix, (rows, low), 1 - share)
    np.add.at(matrix, (rows, np.minimum(low + 1, length - 1)), share)
    return matrix


def _sources(length: int, new_length: int, scale: float, coordinates: str) -> NDArray[np.float64]:
    """Where each new value lies on the old axis."""
    places = np.arange(new_length, dtype=np.float64)
    if coordinates == "asymmetric":
        return places / scale
    if coordinates == "align_corners":
        return places * ((length - 1) / (new_length - 1) if new_length > 1 else 0.0)
    if coordinates == "pytorch_half_pixel" and new_length == 1:
        return np.zeros(1)
    return (places + 0.5) / scale - 0.5


def _rounded(places: NDArray[np.float64], rounding: str) -> NDArray[np.int64]:
    if rounding == "floor":
        return np.floor(places).astype(np.int64)
    if rounding == "ceil":
        return np.ceil(places).astype(np.int64)
    if rounding == "round_prefer_ceil":
        return np.floor(places + 0.5).astype(np.int64)
    return np.ceil(places - 0.5).astype(np.int64)
