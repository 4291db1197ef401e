"""Something plausible to feed a network of which only the ports are known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.runtime.network import Port

__all__ = ["plausible_feeds"]

_OPEN_SIDE = 256
"""Of a picture whose size is left open: what strides of 32 divide."""


def plausible_feeds(ports: Iterable[Port]) -> dict[str, NDArray[Any]]:
    """One array for each input, the same at every call.

    Inputs of rank 4 with three channels (first or last) get a smooth picture with the light and
    dark places of a face, 0 to 1, or 0 to 255 where the type is whole numbers. Vectors get unit
    length, as embeddings have; single values get a half.
    """
    return {port.name: _values(port) for port in ports}


def _values(port: Port) -> NDArray[Any]:
    whole = port.dtype.kind in "iu"
    if len(port.shape) == 4 and 3 in (port.shape[1], port.shape[3]):
        first = port.shape[1] == 3
        batch, high, wide = port.shape[0], *(port.shape[2:] if first else port.shape[1:3])
        picture = face_picture(high or _OPEN_SIDE, wide or _OPEN_SIDE)
        picture = picture.transpose(2, 0, 1) if first else picture
        values = np.repeat(picture[None], batch or 1, axis=0)
        return np.ascontiguousarray((values * 255 if whole else values).astype(port.dtype))
    shape = tuple(1 if side is None else side for side in port.shape)
    if math.prod(shape) <= 1:
        return np.asarray(np.full(shape, 1 if whole else 0.5, port.dtype))
    wave = np.sin(np.arange(math.prod(shape)) * 2.399963 + 0.5).reshape(shape)  # golden angle
    if whole:
        return np.asarray((np.abs(wave) * 100).astype(port.dtype))
    length = np.linalg.norm(wave, axis=-1, keepdims=True)
    return np.asarray(wave / np.maximum(length, 1e-6)).astype(port.dtype)


def face_picture(high: int, wide: int) -> NDArray[np.float32]:
    """A smooth face, (high, wide, 3) RGB, 0 to 1: an oval with eyes, nose and mouth."""
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    y, x = y / high, x / wide

    def spot(cx: float, cy: float, width: float, height: float) -> NDArray[np.float32]:
        return np.asarray(np.exp(-(((x - cx) / width) ** 2) - ((y - cy) / height) ** 2))

    head = 1 / (1 + np.exp(25 * (((x - 0.5) / 0.36) ** 2 + ((y - 0.5) / 0.46) ** 2 - 1)))
    dark = spot(0.35, 0.4, 0.07, 0.035) + spot(0.65, 0.4, 0.07, 0.035) + spot(0.5, 0.75, 0.13, 0.03)
    light = 0.25 * spot(0.5, 0.58, 0.05, 0.12) + 0.1 * (x - 0.5)
    skin = np.array([0.78, 0.6, 0.5], np.float32)
    shade = head * (1 + light - 0.6 * dark)
    picture = 0.25 + shade[..., None] * (skin - 0.25)
    return np.asarray(np.clip(picture, 0, 1), np.float32)
