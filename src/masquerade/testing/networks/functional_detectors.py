"""Functional stand-ins of face detectors: they find squares, and faces, in the colour of skin.

A square of about six cells of a level, on a background of another colour, is one face of that
level: how much of a window of 6x6 cells is skin is compared with the same of 12x12 about the same
place. Real faces of about the right size are found as well, and other things that look like skin.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import ModelProto

    from masquerade.testing.networks.functional_parts import Drawing

__all__ = ["HALF_CELLS", "KPS_CELLS", "SKIN_BGR", "draw_detector"]

SKIN_BGR = (120, 143, 181)
"""What counts as skin through and through: more red than green, and that more than blue."""

_SHARPNESS = 6.0
"""How fast it counts for less where these differences are others, 0..1 by channel value."""

HALF_CELLS = 3.0
"""Half the side of a found face, in cells of its level; a little more where the score is high."""

KPS_CELLS = ((-1.1, -0.9), (1.1, -0.9), (0.0, 0.2), (-0.9, 1.3), (0.9, 1.3))
"""The five points about the middle, in cells of the level."""

_STRIDES = (8, 16, 32)
_SECOND_ANCHOR = 0.9
"""Score of a cell's second anchor by that of its first."""


def draw_detector(drawing: Drawing) -> ModelProto:
    """The stand-in of any detector."""
    family = drawing.spec.family
    size = drawing.spec.size
    fixed = family in ("yoloface", "yunet")
    sides = (size, size) if fixed else ("height", "width")
    names = {
        "insightface": "input.1",
        "visomaster": "images" if family == "yoloface" else "input.1",
    }
    x = drawing.feed(names.get(drawing.file.exporter, "input"), 3, *sides)
    scores = _scores(drawing, _skin(drawing, x))
    if family == "yoloface":
        _give_yolo(drawing, scores, size)
    elif family == "yunet":
        _give_yunet(drawing, scores, size)
    else:
        _give_scrfd(drawing, scores)
    return drawing.model()


def _skin(drawing: Drawing, x: str) -> str:
    """How much like skin every pixel is, 0..1, (N, 1, H, W)."""
    red, green, blue = drawing.colours(x)
    parts = []
    for more, less, (low, high) in ((red, green, SKIN_BGR[1:]), (green, blue, SKIN_BGR[:2])):
        wanted = (high - low) / 255
        off = drawing.affine(drawing.node("Sub", more, less), 1.0, -wanted)
        likeness = drawing.affine(drawing.node("Abs", off), -_SHARPNESS, 1.0)
        parts.append(drawing.node("Relu", likeness))
    return drawing.node("Mul", *parts)


def _scores(drawing: Drawing, skin: str) -> list[str]:
    """By level: 0..1, (N, 1, H / stride, W / stride)."""
    levels, cells, before = [], skin, 1
    for stride in _STRIDES:
        step = stride // before
        cells = drawing.node("AveragePool", cells, kernel_shape=[step, step], strides=[step, step])
        before = stride
        near, wide = (
            drawing.node(
                "AveragePool",
                cells,
                kernel_shape=[side, side],
                strides=[1, 1],
                pads=[side // 2, side // 2, side // 2 - 1, side // 2 - 1],
                count_include_pad=1,
            )
            for side in (6, 12)
        )
        contrast = drawing.node(
            "Div", drawing.node("Sub", near, wide), drawing.affine(near, 1.0, 0.05)
        )
        # At most 0.7 for a square; the gain lets real faces, which are skin by half, count too.
        levels.append(drawing.node("Relu", drawing.affine(contrast, 1.4, 0.0)))
    return levels


def _spread(drawing: Drawing, score: str, values: Sequence[float]) -> str:
    """The same values in every cell, a little larger where the score is high, (N, K, h, w)."""
    column = np.reshape(values, (1, -1, 1, 1))
    return drawing.node("Add", drawing.affine(score, 0.05, 0.0), drawing.number(column))


def _rows(drawing: Drawing, levels: str, shape: Sequence[int]) -> str:
    """(N, K, h, w) -> rows of cells, anchors innermost."""
    turned = drawing.node("Transpose", levels, perm=[0, 2, 3, 1])
    return drawing.node("Reshape", turned, drawing.whole(shape))


def _give_scrfd(drawing: Drawing, scores: list[str]) -> None:
    """Scores, boxes and points of all levels, rows without a batch axis, two anchors a cell."""
    points = [value for point in KPS_CELLS for value in point]
    parts: list[tuple[str, int]] = []
    for score in scores:
        second = drawing.affine(score, _SECOND_ANCHOR, 0.0)
        parts.append((drawing.node("Concat", score, second, axis=1), 1))
    parts += [(_spread(drawing, score, [HALF_CELLS] * 8), 4) for score in scores]
    parts += [(_spread(drawing, score, points * 2), 10) for score in scores]
    for place, (part, width) in enumerate(parts):
        name = str(448 + 23 * place)
        drawing.give(name, _rows(drawing, part, [-1, width]), f"rows_{place % 3}", width)


def _give_yolo(drawing: Drawing, scores: list[str], size: int) -> None:
    """One output (1, 20, cells of all levels): cx, cy, w, h, score and five times x, y, conf."""
    levels = []
    for stride, score in zip(_STRIDES, scores, strict=True):
        cells = size // stride
        across, down = (
            grid[None, None] * stride for grid in np.meshgrid(np.arange(cells), np.arange(cells))
        )
        zero = drawing.affine(score, 0.0, 0.0)
        side = 2 * HALF_CELLS * stride
        rows = [
            drawing.node("Add", zero, drawing.number(across)),
            drawing.node("Add", zero, drawing.number(down)),
            drawing.affine(zero, 1.0, side),
            drawing.affine(zero, 1.0, side),
            score,
        ]
        for dx, dy in KPS_CELLS:
            rows.append(drawing.node("Add", zero, drawing.number(across + dx * stride)))
            rows.append(drawing.node("Add", zero, drawing.number(down + dy * stride)))
            rows.append(drawing.affine(zero, 1.0, 0.9))
        stacked = drawing.node("Concat", *rows, axis=1)
        levels.append(drawing.node("Reshape", stacked, drawing.whole([0, 20, -1])))
    total = sum((size // stride) ** 2 for stride in _STRIDES)
    name = "output0" if drawing.file.exporter == "visomaster" else "output"
    drawing.give(name, drawing.node("Concat", *levels, axis=2), drawing.batch, 20, total)


def _give_yunet(drawing: Drawing, scores: list[str], size: int) -> None:
    """Classes, objects, boxes and points of all levels, one anchor a cell."""
    points = [value for point in KPS_CELLS for value in point]
    side = math.log(2 * HALF_CELLS)
    kinds = {
        "cls": (scores, 1),
        "obj": ([drawing.affine(score, 0.0, 0.98) for score in scores], 1),
        "bbox": ([_spread(drawing, score, [0.0, 0.0, side, side]) for score in scores], 4),
        "kps": ([_spread(drawing, score, points) for score in scores], 10),
    }
    for kind, (levels, width) in kinds.items():
        for stride, level in zip(_STRIDES, levels, strict=True):
            rows = _rows(drawing, level, [0, -1, width])
            count = (size // stride) ** 2
            drawing.give(f"{kind}_{stride}", rows, drawing.batch, count, width)
