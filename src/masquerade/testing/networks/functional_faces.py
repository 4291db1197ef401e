"""Functional stand-ins that draw: swappers, enhancers and upscalers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

if TYPE_CHECKING:
    from onnx import ModelProto

    from masquerade.testing.networks.functional_parts import Drawing

__all__ = ["draw_enhancer", "draw_swapper", "draw_upscaler"]

_PAINT = 0.3
"""How much of a swapped face is the donor's colour; the rest is the target."""

_SWAPPER_NAMES = {
    "inswapper": ("target", "source", "output"),
    "reswapper": ("target", "source", "output"),
    "cscs": ("input_1", "input_2", "output"),
    "simswap_512_visomaster": ("input", "onnx::Gemm_1", "output"),
    "ghost_1_256_visomaster": ("target", "source", "781"),
    "ghost_2_256_visomaster": ("target", "source", "1165"),
    "ghost_3_256_visomaster": ("target", "source", "1549"),
}
"""Target, source and output, in the order of the file. Every other file's source comes first."""

_ENHANCER_NAMES = {
    ("gfpgan_1.4", "roop-unleashed"): ("input", "", "1288"),
    ("codeformer", "facefusion"): ("input", "weight", "output"),
    ("codeformer", "visomaster"): ("x", "w", "y"),
    ("restoreformer_plus_plus", "visomaster"): ("input", "", "2359"),
}


def draw_swapper(drawing: Drawing) -> ModelProto:
    """The target, painted over with stripes whose colour is made of the donor.

    ``y = 0.7 target + 0.3 (0.5 + 0.5 stripes tanh(source @ M))``, all 0..1, M fixed.
    """
    spec = drawing.spec
    assert spec.source is not None
    names = _SWAPPER_NAMES.get(spec.name) or _SWAPPER_NAMES.get(spec.family)
    target_name, source_name, output_name = names or ("target", "source", "output")
    side = spec.size
    if names is None:
        tint = _tint(drawing, source_name)
    target = drawing.feed(target_name, 3, side, side)
    if names is not None:
        tint = _tint(drawing, source_name)
    mean, std = (np.reshape(values, (1, 3, 1, 1)) for values in (spec.mean, spec.std))
    shown = drawing.affine(target, std, mean)
    rows = drawing.number(np.sin(np.arange(side) / side * 20).reshape(1, 1, side, 1))
    paint = drawing.affine(drawing.node("Mul", tint, rows), 0.5 * _PAINT, 0.5 * _PAINT)
    mixed = drawing.node("Add", drawing.affine(shown, 1 - _PAINT, 0.0), paint)
    face = drawing.affine(mixed, 1 / spec.output_std, -spec.output_mean / spec.output_std)
    drawing.give(output_name, face, drawing.batch, 3, side, side)
    if spec.family == "hyperswap":
        drawing.give("mask", _disc(drawing, shown), drawing.batch, 1, side, side)
    holds_emap = spec.source.kind == "latent" and not spec.emap_from
    return drawing.model(last=_emap() if holds_emap else None)


def _tint(drawing: Drawing, name: str) -> str:
    """The donor's colour, -1..1, (N, 3, 1, 1)."""
    source = drawing.spec.source
    assert source is not None
    if source.kind == "image":
        picture = drawing.feed(name, 3, source.size, source.size)
        means = drawing.node("ReduceMean", picture, axes=[2, 3], keepdims=0)
        vector, matrix = drawing.affine(means, 6.0, -3.0), drawing.random(3, 3)
    else:
        vector, matrix = drawing.feed(name, 512), drawing.random(512, 3)
        if source.kind == "embedding_raw":
            matrix = matrix / 20
    bend = "Sin" if source.kind == "image" else "Tanh"  # means of pictures are much alike
    colour = drawing.node(bend, drawing.node("MatMul", vector, drawing.number(matrix)))
    return drawing.node("Reshape", colour, drawing.whole([-1, 3, 1, 1]))


def _disc(drawing: Drawing, shown: str) -> str:
    """A soft disc, a little fainter where the target is dark, (N, 1, S, S)."""
    side = drawing.spec.size
    axis = np.linspace(-1, 1, side)
    disc = np.clip(4 - 4 * np.hypot(axis[:, None], axis[None, :]), 0, 1).reshape(1, 1, side, side)
    light = drawing.affine(drawing.channel(shown, 0), 0.1, 0.9)
    return drawing.node("Mul", light, drawing.number(disc))


def _emap() -> np.ndarray:
    """A turn and a stretch, so that a forgotten emap shows."""
    random = np.random.default_rng(512)
    turn, _ = np.linalg.qr(random.standard_normal((512, 512)))
    return np.asarray(turn * random.uniform(0.5, 2.0, 512))


def draw_enhancer(drawing: Drawing) -> ModelProto:
    """The picture, sharpened: what is more than its 3x3 mean is doubled.

    Where there is a weight, by ``1 - weight`` of that.
    """
    spec, side = drawing.spec, drawing.spec.size
    place = (spec.name, drawing.file.exporter)
    picture_name, weight_name, output_name = _ENHANCER_NAMES.get(place, ("input", "", "output"))
    x = drawing.feed(picture_name, 3, side, side)
    detail = _detail(drawing, x)
    if weight_name:
        kind = TensorProto.DOUBLE
        weight = drawing.affine(drawing.scalar(weight_name, kind), -1.0, 1.0)
        detail = drawing.node("Mul", detail, weight)
    result = drawing.node("Add", x, detail)
    if output_name == "2359":
        # A picture to its shape, but not the one that is meant; and one that is none.
        drawing.give("1601", drawing.node("Neg", x), drawing.batch, 3, side, side)
        pooled = drawing.node("AveragePool", x, kernel_shape=[32, 32], strides=[32, 32])
        drawing.give("1777", pooled, drawing.batch, 3, side // 32, side // 32)
    drawing.give(output_name, result, drawing.batch, 3, side, side)
    return drawing.model()


def draw_upscaler(drawing: Drawing) -> ModelProto:
    """A picture of any size, sharpened as an enhancer does it, every pixel repeated.

    So the mean of each block is what :func:`draw_enhancer` would give.
    """
    scale = drawing.spec.scale
    x = drawing.feed("input", 3, "height", "width")
    sharp = drawing.node("Add", x, _detail(drawing, x))
    scales = drawing.single([1, 1, scale, scale])
    how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    large = drawing.node("Resize", sharp, "", scales, mode="nearest", **how)
    drawing.give("output", large, drawing.batch, 3, "height_out", "width_out")
    return drawing.model()


def _detail(drawing: Drawing, x: str) -> str:
    """What a picture (N, 3, H, W) is more than its 3x3 mean."""
    padded = drawing.node("Pad", x, drawing.whole([0, 0, 1, 1] * 2), mode="edge")
    kernel = drawing.number(np.full((3, 1, 3, 3), 1 / 9))
    mean = drawing.node("Conv", padded, kernel, group=3, kernel_shape=[3, 3])
    return drawing.node("Sub", x, mean)
