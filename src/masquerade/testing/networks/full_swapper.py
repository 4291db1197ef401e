"""The swapper inswapper_128 at full cost, with weights of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from masquerade.testing.networks.draft import Draft

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["draft_inswapper"]

_WIDE = 1024
_BLOCKS = 6
_LEAKY_GAIN = float(np.sqrt(2 / (1 + 0.2**2)))
"""Gain that keeps the mean square through a convolution and a LeakyRelu of slope 0.2."""


def draft_inswapper(
    *, filled: bool = True, wide: int = _WIDE, blocks: int = _BLOCKS, branch: float = 1.0
) -> ModelProto:
    """138.6 million parameters, 174.6 thousand million multiply-adds.

    Inputs ``target`` (1, 3, 128, 128) RGB 0..1 and ``source`` (1, 512) of length 1; output
    ``output`` (1, 3, 128, 128) 0..1. As in the published file, the initialiser that turns an
    embedding into ``source``, ``emap`` (512, 512), is the last and no node reads it.

    Args:
        filled: False leaves the weights without data.
        wide: channels at 32x32, a multiple of 8; less makes a small network of the same kind.
        blocks: how many of them are styled by the donor.
        branch: deviation of what a block adds to what it is given.
    """
    eighth, quarter, half = wide // 8, wide // 4, wide // 2
    draft = Draft("inswapper", filled=filled)
    x = draft.convolution("target", (3, eighth, 7), reflect=True, gain=2 * _LEAKY_GAIN)
    x = _leaky(draft, x)
    for before, after, stride in ((eighth, quarter, 1), (quarter, half, 2), (half, wide, 2)):
        x = draft.convolution(x, (before, after, 3), stride=stride, gain=_LEAKY_GAIN)
        x = _leaky(draft, x)
    for _ in range(blocks):
        inner = _styled(draft, x, wide, 1.0)
        inner = _styled(draft, draft.node("Relu", inner), wide, branch)
        x = draft.node("Add", x, inner)
    for before, after, twice in (
        (wide, half, True),
        (half, quarter, True),
        (quarter, eighth, False),
    ):
        x = draft.resized(x, 2.0) if twice else x
        x = draft.convolution(x, (before, after, 3), gain=_LEAKY_GAIN)
        x = _leaky(draft, x)
    x = draft.convolution(x, (eighth, 3, 7), reflect=True, gain=0.3)
    x = draft.node("Add", draft.node("Tanh", x), draft.constant([1.0]))
    x = draft.node("Div", x, draft.constant([2.0]))
    draft.weight((512, 512), 1 / np.sqrt(512), name="emap")
    return draft.model(
        {"target": (1, 3, 128, 128), "source": (1, 512)}, {"output": (x, (1, 3, 128, 128))}
    )


def _leaky(draft: Draft, x: str) -> str:
    return str(draft.node("LeakyRelu", x, alpha=0.2))


def _styled(draft: Draft, x: str, wide: int, level: float) -> str:
    """A 3x3 convolution whose channels are normalised, then scaled and shifted by ``source``."""
    x = draft.convolution(x, (wide, wide, 3), reflect=True)
    centred = draft.node("Sub", x, draft.node("ReduceMean", x, axes=[2, 3], keepdims=1))
    square = draft.node("Mul", centred, centred)
    variance = draft.node("ReduceMean", square, axes=[2, 3], keepdims=1)
    deviation = draft.node("Sqrt", draft.node("Add", variance, draft.constant([1e-8])))
    normal = draft.node("Mul", centred, draft.node("Div", draft.constant([1.0]), deviation))
    # `source` has length 1, so each style value deviates by 0.5 from donor to donor.
    style = draft.dense("source", 512, 2 * wide, gain=0.5 * level * np.sqrt(512))
    style = draft.node("Unsqueeze", draft.node("Unsqueeze", style, axes=[2]), axes=[3])
    scale, shift = draft.node("Split", style, outputs=2, axis=1, split=[wide, wide])
    scale = draft.node("Add", scale, draft.constant([level]))
    return str(draft.node("Add", draft.node("Mul", normal, scale), shift))
