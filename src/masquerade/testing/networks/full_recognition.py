"""A detector and a face recogniser at full cost, with weights of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from masquerade.testing.networks.draft import Draft

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["draft_arcface_r50", "draft_scrfd_10g"]

_RELU_GAIN = float(np.sqrt(2))
_DETECTOR_STAGES = ((56, 3, 1), (88, 4, 2), (88, 2, 2), (224, 3, 2))
_DETECTOR_NECK = 56
_DETECTOR_HEAD = 80
_RECOGNISER_STAGES = ((64, 3), (128, 4), (256, 14), (512, 3))


def draft_scrfd_10g(*, filled: bool = True) -> ModelProto:
    """4.2 million parameters, 13.3 thousand million multiply-adds at 640x640.

    Input ``input.1`` (1, 3, 640, 640) RGB, (x - 127.5) / 128; nine outputs: scores (n, 1), boxes
    (n, 4) and points (n, 10), each for strides 8, 16 and 32, n = 2 anchors a cell. The weights are
    random, so what it finds means nothing.
    """
    draft = Draft("scrfd_10g", filled=filled)
    levels = _merged(draft, _backbone(draft))
    results: dict[str, list[tuple[str, tuple[int, int]]]] = {"score": [], "bbox": [], "kps": []}
    for stride, x in zip((8, 16, 32), levels, strict=True):
        anchors = 2 * (640 // stride) ** 2
        width = _DETECTOR_NECK
        for _ in range(3):
            x = _rectified(draft, x, (width, _DETECTOR_HEAD, 3))
            width = _DETECTOR_HEAD
        for role, values, gain in (("score", 1, 1.0), ("bbox", 4, 0.5), ("kps", 10, 0.5)):
            y = draft.convolution(x, (width, 2 * values, 3), gain=gain)
            y = draft.node("Transpose", y, perm=[0, 2, 3, 1])
            y = draft.node("Reshape", y, draft.constant([-1, values], np.int64))
            y = draft.node("Sigmoid", y) if role == "score" else y
            results[role].append((y, (anchors, values)))
    outputs = [item for role in results.values() for item in role]
    named = {f"output_{index}": item for index, item in enumerate(outputs)}
    return draft.model({"input.1": (1, 3, 640, 640)}, named)


def draft_arcface_r50(*, filled: bool = True) -> ModelProto:
    """43.6 million parameters, 6.3 thousand million multiply-adds: an improved ResNet-50.

    Input ``input.1`` (1, 3, 112, 112) RGB, (x - 127.5) / 127.5; output (1, 512), not normalised.
    """
    draft = Draft("arcface_r50", filled=filled)
    x = _slanted(draft, draft.convolution("input.1", (3, 64, 3), gain=_RELU_GAIN), 64)
    before = 64
    for after, blocks in _RECOGNISER_STAGES:
        for index in range(blocks):
            x = _recogniser_block(draft, x, before, after, 2 if index == 0 else 1)
            before = after
    x = draft.node("Flatten", _normalised(draft, x, before))
    x = draft.dense(x, 512 * 7 * 7, 512)
    return draft.model({"input.1": (1, 3, 112, 112)}, {"embedding": (x, (1, 512))})


def _rectified(draft: Draft, x: str, shape: tuple[int, int, int], stride: int = 1) -> str:
    return str(draft.node("Relu", draft.convolution(x, shape, stride=stride, gain=_RELU_GAIN)))


def _backbone(draft: Draft) -> list[str]:
    """Feature maps of strides 8, 16 and 32; batch normalisation is folded, as in the file."""
    x = _rectified(draft, "input.1", (3, 28, 3), stride=2)
    x = _rectified(draft, _rectified(draft, x, (28, 28, 3)), (28, 56, 3))
    x = draft.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    before, levels = 56, []
    for after, blocks, first_stride in _DETECTOR_STAGES:
        for index in range(blocks):
            stride = first_stride if index == 0 else 1
            inner = _rectified(draft, x, (before, after, 3), stride)
            inner = draft.convolution(inner, (after, after, 3), gain=0.5)
            if stride > 1:
                x = draft.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
            x = draft.convolution(x, (before, after, 1)) if before != after else x
            x = draft.node("Relu", draft.node("Add", x, inner))
            before = after
        levels.append(x)
    return levels[1:]


def _merged(draft: Draft, levels: list[str]) -> list[str]:
    """The neck: maps of all scales, mixed from coarse to fine and back to coarse."""
    width = _DETECTOR_NECK
    sides = [
        draft.convolution(x, (w, width, 1)) for x, w in zip(levels, (88, 88, 224), strict=True)
    ]
    roi, scales = draft.constant(np.empty(0)), draft.constant([1, 1, 2, 2])
    for fine in (1, 0):
        larger = draft.node("Resize", sides[fine + 1], roi, scales, mode="nearest")
        sides[fine] = draft.node("Add", sides[fine], larger)
    maps = [draft.convolution(x, (width, width, 3)) for x in sides]
    for coarse in (1, 2):
        smaller = draft.convolution(maps[coarse - 1], (width, width, 3), stride=2)
        maps[coarse] = draft.node("Add", maps[coarse], smaller)
    return [maps[0], *(draft.convolution(x, (width, width, 3)) for x in maps[1:])]


def _normalised(draft: Draft, x: str, width: int) -> str:
    """Batch normalisation with statistics near 0 and 1."""
    scale, shift, mean = (draft.weight((width,), 0.1, middle) for middle in (1.0, 0.0, 0.0))
    variance = draft.weight((width,), 0.05, 1.0)
    return str(draft.node("BatchNormalization", x, scale, shift, mean, variance, epsilon=1e-5))


def _slanted(draft: Draft, x: str, width: int) -> str:
    return str(draft.node("PRelu", x, draft.weight((width, 1, 1), 0.05, 0.25)))


def _recogniser_block(draft: Draft, x: str, before: int, after: int, stride: int) -> str:
    inner = draft.convolution(_normalised(draft, x, before), (before, after, 3), gain=_RELU_GAIN)
    inner = _slanted(draft, inner, after)
    inner = draft.convolution(inner, (after, after, 3), stride=stride, gain=0.5)
    if stride > 1 or before != after:
        x = draft.convolution(x, (before, after, 1), stride=stride)
    return str(draft.node("Add", x, inner))
