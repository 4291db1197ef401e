"""The enhancer GFPGAN 1.4 at full cost, with weights of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from masquerade.testing.networks.draft import Draft

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["draft_gfpgan"]

_SIDES = (4, 8, 16, 32, 64, 128, 256, 512)
_ENCODER = dict(zip(_SIDES, (256, 256, 256, 256, 256, 128, 64, 32), strict=True))
_DECODER = dict(zip(_SIDES, (512, 512, 512, 512, 512, 256, 128, 64), strict=True))
_STYLE = 512
_STYLES = 16
_LEAKY_GAIN = float(np.sqrt(2 / (1 + 0.2**2)))


def draft_gfpgan(*, filled: bool = True, modulated_weights: bool = False) -> ModelProto:
    """85 million parameters, 197.8 thousand million multiply-adds.

    A U-Net whose coarsest features become the styles of a StyleGAN2 decoder, and whose finer ones
    scale and shift one half of the decoder's channels (the published "clean" architecture). Input
    ``input`` (1, 3, 512, 512) RGB -1..1; output ``output`` alike.

    Args:
        filled: False leaves the weights without data.
        modulated_weights: whether the decoder multiplies its weights by the style at every run, as
            the published file does, or its activations before and after a convolution with
            constant weights, which is the same sum and lets every optimisation in.
    """
    draft = Draft("gfpgan", filled=filled)
    x = _leaky(draft, draft.convolution("input", (3, _ENCODER[512], 1), gain=2 * _LEAKY_GAIN))
    skips: dict[int, str] = {}
    for side in reversed(_SIDES[1:]):
        x = _resampled_block(draft, x, _ENCODER[side], _ENCODER[side // 2], 0.5)
        skips[side // 2] = x
    x = _leaky(draft, draft.convolution(x, (_ENCODER[4], _ENCODER[4], 3), gain=_LEAKY_GAIN))
    styles = draft.dense(draft.node("Flatten", x), _ENCODER[4] * 16, _STYLES * _STYLE)
    conditions = {}
    for side in _SIDES[1:]:
        x = draft.node("Add", x, skips[side // 2])
        x = _resampled_block(draft, x, _ENCODER[side // 2], _ENCODER[side], 2.0)
        conditions[side] = tuple(_condition(draft, x, _ENCODER[side], mean) for mean in (1.0, 0.0))
    split = draft.node("Split", styles, outputs=_STYLES, axis=1, split=[_STYLE] * _STYLES)
    image = _decoded(draft, split, conditions, modulated_weights)
    return draft.model({"input": (1, 3, 512, 512)}, {"output": (image, (1, 3, 512, 512))})


def _leaky(draft: Draft, x: str) -> str:
    return str(draft.node("LeakyRelu", x, alpha=0.2))


def _resampled_block(draft: Draft, x: str, before: int, after: int, factor: float) -> str:
    """Two 3x3 convolutions with resizing between them, and a 1x1 convolution around both."""
    # On the way up, every block reads the sum of two maps.
    share = 0.7 if factor < 1 else 0.5
    inner = _leaky(draft, draft.convolution(x, (before, before, 3), gain=_LEAKY_GAIN))
    inner = draft.resized(inner, factor)
    inner = _leaky(draft, draft.convolution(inner, (before, after, 3), gain=share * _LEAKY_GAIN))
    around = draft.convolution(draft.resized(x, factor), (before, after, 1), gain=share, bias=False)
    return str(draft.node("Add", around, inner))


def _condition(draft: Draft, x: str, width: int, mean: float) -> str:
    x = _leaky(draft, draft.convolution(x, (width, width, 3), gain=_LEAKY_GAIN))
    x = draft.convolution(x, (width, width, 3), gain=0.3)
    return str(draft.node("Add", x, draft.constant([mean])))


def _decoded(
    draft: Draft,
    styles: list[str],
    conditions: dict[int, tuple[str, ...]],
    modulated_weights: bool,
) -> str:
    """The decoder: from a constant of 4x4 to a picture that grows at every size."""

    def modulated(x: str, style: str, shape: tuple[int, int, int], gain: float = 1.0) -> str:
        # The layers to RGB are not demodulated.
        apply = _modulated_weights if modulated_weights else _modulated_activations
        return apply(draft, x, style, shape, gain, shape[2] > 1)

    x = draft.weight((1, _DECODER[4], 4, 4), 1.0)
    x = _finished(draft, modulated(x, styles[0], (_DECODER[4], _DECODER[4], 3)), 4)
    image = modulated(x, styles[1], (_DECODER[4], 3, 1), 0.12)
    for index, side in enumerate(_SIDES[1:]):
        before, after = _DECODER[side // 2], _DECODER[side]
        first, second, last = styles[2 * index + 1 : 2 * index + 4]
        x = modulated(draft.resized(x, 2.0), first, (before, after, 3))
        x = _conditioned(draft, _finished(draft, x, side), after // 2, conditions[side])
        x = _finished(draft, modulated(x, second, (after, after, 3)), side)
        rgb = modulated(x, last, (after, 3, 1), 0.12)
        image = draft.node("Add", draft.resized(image, 2.0), rgb)
    return image


def _finished(draft: Draft, x: str, side: int) -> str:
    """Noise of fixed values, and the slope; twice the variance is what the slope takes away."""
    noise = draft.node("Mul", draft.weight((1, 1, side, side), 1.0), draft.constant([0.05]))
    x = draft.node("Mul", draft.node("Add", x, noise), draft.constant([_LEAKY_GAIN]))
    return _leaky(draft, x)


def _conditioned(draft: Draft, x: str, half: int, condition: tuple[str, ...]) -> str:
    same, changed = draft.node("Split", x, outputs=2, axis=1, split=[half, half])
    changed = draft.node("Add", draft.node("Mul", changed, condition[0]), condition[1])
    return str(draft.node("Concat", same, changed, axis=1))


def _style_factors(draft: Draft, style: str, width: int) -> str:
    """One factor near 1 for each channel, (1, width)."""
    return draft.dense(style, _STYLE, width, gain=0.3, mean=1.0)


def _modulated_weights(
    draft: Draft, x: str, style: str, shape: tuple[int, int, int], gain: float, demodulate: bool
) -> str:
    """Weights times style, normalised, then the convolution: as the published file does it."""
    before, after, side = shape
    factors = _style_factors(draft, style, before)
    factors = draft.node("Reshape", factors, draft.constant([1, before, 1, 1], np.int64))
    weights = draft.weight((after, before, side, side), gain / np.sqrt(before * side * side))
    weights = draft.node("Mul", weights, factors)
    if demodulate:
        total = draft.node(
            "ReduceSum", draft.node("Mul", weights, weights), axes=[1, 2, 3], keepdims=1
        )
        length = draft.node("Sqrt", draft.node("Add", total, draft.constant([1e-8])))
        weights = draft.node("Div", weights, length)
    edge = side // 2
    return str(
        draft.node("Conv", x, weights, kernel_shape=[side, side], pads=[edge] * 4, strides=[1, 1])
    )


def _modulated_activations(
    draft: Draft, x: str, style: str, shape: tuple[int, int, int], gain: float, demodulate: bool
) -> str:
    """The same sums with constant weights: style on what goes in, length on what comes out."""
    before, after, side = shape
    factors = _style_factors(draft, style, before)
    as_map = draft.node("Reshape", factors, draft.constant([1, before, 1, 1], np.int64))
    weights = draft.weight((after, before, side, side), gain / np.sqrt(before * side * side))
    edge, kernel = side // 2, [side, side]
    x = draft.node("Mul", x, as_map)
    x = draft.node("Conv", x, weights, kernel_shape=kernel, pads=[edge] * 4, strides=[1, 1])
    if not demodulate:
        return str(x)
    # ONNX Runtime computes the squares once, while it loads the file.
    squares = draft.node("ReduceSum", draft.node("Mul", weights, weights), axes=[2, 3], keepdims=0)
    total = draft.node("Gemm", draft.node("Mul", factors, factors), squares, transB=1)
    length = draft.node("Sqrt", draft.node("Add", total, draft.constant([1e-8])))
    length = draft.node("Reshape", length, draft.constant([1, after, 1, 1], np.int64))
    return str(draft.node("Div", x, length))
