"""Pictures of at most 256 colours, as GIF wants them, with untouched colours kept exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["paletted"]

_FREE_FOR_CHANGES = 32
"""Entries that must be left for changed pixels, or the whole picture is quantised."""

_SAMPLES = 8192
"""How many pixels a palette is made from; the quantiser's time grows with them."""


def paletted(
    pixels: NDArray[np.uint8],
    alpha: NDArray[np.uint8] | None = None,
    changed: NDArray[np.bool_] | None = None,
    shown: NDArray[np.uint8] | None = None,
) -> Image.Image:
    """A picture in mode P.

    Where ``changed`` is given and the rest has few enough colours (a GIF's own frame has), the
    rest keeps its colours exactly, and the changed pixels share what is left of the palette.
    Changed pixels are dithered (Floyd and Steinberg).

    Args:
        pixels: uint8 (H, W, 3), BGR.
        alpha: uint8 (H, W); below 128 a pixel becomes transparent. None is opaque.
        changed: bool (H, W), which pixels may be approximated; None is all.
        shown: like ``pixels``, what is to be seen instead: the same with an invisible mark. All of
            it is approximated then, with the commonest colours and some of its own. Dithering
            errs from pixel to pixel, so what is as wide as a mark survives it.
    """
    rgb = np.ascontiguousarray(pixels[:, :, ::-1])
    clear = None if alpha is None else alpha < 128
    room = 255 if clear is not None else 256
    if changed is None:
        changed = np.ones(rgb.shape[:2], bool)
    opaque = ~clear if clear is not None else np.ones(rgb.shape[:2], bool)
    packed = rgb.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    untouched, drawn = packed[~changed & opaque], changed & opaque
    if shown is None:
        indices, palette = _kept(rgb, packed, untouched, drawn, opaque, room)
    else:
        common = _commonest(untouched, room)
        seen = drawn if len(common) and drawn.any() else opaque
        marked = np.ascontiguousarray(shown[:, :, ::-1])
        indices, palette = _approximated(marked, seen, room, common)
    image = Image.new("P", (rgb.shape[1], rgb.shape[0]))
    if clear is not None:
        indices = np.where(clear, 255, indices)
        image.info["transparency"] = 255
    image.frombytes(indices.astype(np.uint8).tobytes())
    table = np.zeros((256, 3), np.uint8)
    table[: len(palette)] = palette
    image.putpalette(table.tobytes())
    return image


def _kept(
    rgb: NDArray[np.uint8],
    packed: NDArray[np.uint32],
    untouched: NDArray[np.uint32],
    drawn: NDArray[np.bool_],
    opaque: NDArray[np.bool_],
    room: int,
) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Untouched colours exactly where there is room for them; indices and colours (N, 3)."""
    kept = np.unique(untouched)
    if kept.size + _FREE_FOR_CHANGES * bool(drawn.any()) > room:
        kept, drawn = kept[:0], opaque
    indices, palette = _exact(packed, kept)
    if drawn.any():
        fresh, colours = _approximated(rgb, drawn, room - kept.size, palette[:0])
        indices = np.where(drawn, fresh + kept.size, indices)
        palette = np.concatenate([palette, colours])
    return indices, palette


def _commonest(untouched: NDArray[np.uint32], room: int) -> NDArray[np.uint8]:
    """The commonest colours (N, 3), some room left; none of a picture that has too many."""
    colours, counts = np.unique(untouched, return_counts=True)
    if colours.size > room:
        colours, counts = colours[:0], counts[:0]
    common = colours[np.argsort(-counts, kind="stable")[: room - _FREE_FOR_CHANGES]]
    return _unpacked(common)


def _unpacked(colours: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1).astype(np.uint8)


def _exact(
    packed: NDArray[np.uint32], kept: NDArray[np.uint32]
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Indices of ``packed`` colours in the sorted list ``kept``, and that list as (N, 3) RGB."""
    if not kept.size:
        return np.zeros(packed.shape, np.int64), np.zeros((0, 3), np.uint8)
    indices = np.searchsorted(kept, packed).clip(max=kept.size - 1)
    return indices, _unpacked(kept)


def _approximated(
    rgb: NDArray[np.uint8], drawn: NDArray[np.bool_], count: int, kept: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The picture in ``count`` colours, indices and colours (N, 3): those ``kept`` come first, the
    others suit the pixels in ``drawn``.
    """
    seen = rgb[drawn]
    if not seen.size:
        return np.zeros(rgb.shape[:2], np.uint8), kept
    strip = Image.fromarray(np.ascontiguousarray(seen[:: 1 + len(seen) // _SAMPLES][None]))
    free = count - len(kept)
    tones = strip.quantize(free, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    fresh = np.frombuffer(bytes(tones.getpalette() or []), np.uint8).reshape(-1, 3)[:free]
    colours = np.concatenate([kept, fresh])
    tones.putpalette(colours.tobytes())
    mapped = Image.fromarray(rgb).quantize(palette=tones, dither=Image.Dither.FLOYDSTEINBERG)
    # Dithering may reach entries that the quantiser left empty.
    return np.asarray(mapped).clip(max=len(colours) - 1), colours
