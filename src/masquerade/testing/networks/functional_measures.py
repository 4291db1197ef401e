"""Functional stand-ins that measure faces: embedders, converters, landmarkers and maskers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto

    from masquerade.testing.networks.functional_parts import Drawing

__all__ = ["draw_converter", "draw_embedder", "draw_landmarker", "draw_masker", "landmark_offsets"]


def draw_embedder(drawing: Drawing) -> ModelProto:
    """The colours of a 7x7 grid without their common brightness, projected to 512 values."""
    side = drawing.spec.size
    names = ("input", "output") if drawing.file.exporter == "facefusion" else ("input.1", "683")
    x = drawing.feed(names[0], 3, side, side)
    cell = side // 7
    cells = drawing.node("AveragePool", x, kernel_shape=[cell, cell], strides=[cell, cell])
    common = drawing.node("ReduceMean", cells, axes=[1, 2, 3], keepdims=1)
    flat = drawing.node("Flatten", drawing.node("Sub", cells, common))
    matrix = drawing.number(drawing.random(147, 512) / 4)
    drawing.give(names[1], drawing.node("MatMul", flat, matrix), drawing.batch, 512)
    return drawing.model()


def draw_converter(drawing: Drawing) -> ModelProto:
    """The embedding turned, and bent: twice as long is not twice the result."""
    x = drawing.feed("input", 512)
    matrix = drawing.number(drawing.random(512, 512) / 512**0.5)
    turned = drawing.node("MatMul", x, matrix)
    drawing.give("output", drawing.node("Tanh", turned), drawing.batch, 512)
    return drawing.model()


_FIVE = {
    68: (range(36, 42), range(42, 48), (30,), (48,), (54,)),
    106: ((38,), (88,), (86,), (52,), (61,)),
}
"""Which of a network's points are eyes, nose tip and mouth corners."""
_FACE = ((-0.13, -0.1), (0.13, -0.1), (0.0, 0.05), (-0.1, 0.15), (0.1, 0.15))


def landmark_offsets(points: int) -> np.ndarray:
    """Where the stand-ins' landmarks lie about the middle of the red, (points, 2), crop = 1.

    A spiral, but for those that a face is aligned by: they lie as they do on a face.
    """
    turns = np.arange(points) * 2.4
    radii = 0.04 + 0.16 * np.arange(points) / points
    offsets = np.stack([np.cos(turns) * radii, np.sin(turns) * radii], axis=1)
    for numbers, place in zip(_FIVE[points], _FACE, strict=True):
        offsets[list(numbers)] = place
    return offsets


def draw_landmarker(drawing: Drawing) -> ModelProto:
    """Points about the middle of what is red in the crop; see :func:`landmark_offsets`."""
    spec = drawing.spec
    if spec.family == "fan_68_5":
        return _from_five(drawing)
    name = "data" if spec.family in ("2d106", "1k3d68") else "input"
    red = drawing.redness(drawing.feed(name, 3, spec.size, spec.size))
    total = drawing.affine(
        drawing.node("ReduceSum", red, drawing.whole([1, 2, 3]), keepdims=0), 1.0, 1e-4
    )
    axis = np.arange(spec.size) / spec.size
    middle = []
    for shape in ((1, 1, 1, spec.size), (1, 1, spec.size, 1)):
        moment = drawing.node("Mul", red, drawing.number(axis.reshape(shape)))
        summed = drawing.node("ReduceSum", moment, drawing.whole([1, 2, 3]), keepdims=0)
        middle.append(drawing.node("Reshape", drawing.node("Div", summed, total), _row(drawing)))
    centre = drawing.node("Concat", *middle, axis=2)
    points = 1103 if spec.family == "1k3d68" else spec.points
    offsets = np.zeros((1, points, 2))
    offsets[0, points - spec.points :] = landmark_offsets(spec.points)
    _give_points(drawing, drawing.node("Add", centre, drawing.number(offsets)), points)
    return drawing.model()


def _row(drawing: Drawing) -> str:
    return drawing.whole([-1, 1, 1])


def _give_points(drawing: Drawing, placed: str, points: int) -> None:
    """``placed`` is (N, points, 2), crop = 1; each family counts in units of its own."""
    family, batch = drawing.spec.family, drawing.batch
    if family in ("2d106", "1k3d68"):
        values = drawing.affine(placed, 2.0, -1.0)
        if family == "1k3d68":
            values = drawing.node("Concat", values, _third(drawing, placed, 0.25), axis=2)
        width = points * (3 if family == "1k3d68" else 2)
        drawing.give(
            "fc1", drawing.node("Reshape", values, drawing.whole([-1, width])), batch, width
        )
        return
    third = _third(drawing, placed, 0.76 if family == "peppa" else 0.6)
    values = drawing.node("Concat", drawing.affine(placed, 64.0, 0.0), third, axis=2)
    drawing.give("output" if family == "peppa" else "landmarks_xyscore", values, batch, points, 3)
    if family == "2dfan4":
        heat = drawing.node("Reshape", third, drawing.whole([-1, points, 1, 1]))
        heat = drawing.node("Expand", heat, drawing.whole([1, points, 64, 64]))
        drawing.give("heatmaps", heat, batch, points, 64, 64)


def _third(drawing: Drawing, placed: str, value: float) -> str:
    return drawing.affine(drawing.channel(placed, 0, axis=2), 0.0, value)


def _from_five(drawing: Drawing) -> ModelProto:
    """68 points as fixed mixtures of five, each of which has most weight in its own."""
    x = drawing.feed("input", 5, 2)
    weights = np.abs(drawing.random(68, 5))
    for place, numbers in enumerate(_FIVE[68]):
        weights[list(numbers), place] += 20
    weights /= weights.sum(axis=1, keepdims=True)
    mixed = drawing.node("MatMul", drawing.number(weights), x)
    drawing.give("output", mixed, drawing.batch, 68, 2)
    return drawing.model()


_MASKER_NAMES = {
    "xseg_dfl": ("in_face:0", "out_mask:0"),
    "xseg_dfl_roop": ("xseg_input:0", "xseg_output:0"),
    "occluder": ("img", "output"),
}


def draw_masker(drawing: Drawing) -> ModelProto:
    """Blue covers the face; regions are told by the colour."""
    spec, side, batch = drawing.spec, drawing.spec.size, drawing.batch
    name, output = _MASKER_NAMES.get(spec.name, ("input", "output"))
    last = spec.layout == "nhwc"
    x = drawing.feed(name, side, side, 3) if last else drawing.feed(name, 3, side, side)
    red, green, blue = drawing.colours(x)
    if spec.family == "bisenet":
        picture = drawing.node("Concat", red, green, blue, axis=1)
        # Background, then: red is skin (1), green the nose (10), blue the mouth (11).
        kernel, bias = np.zeros((19, 3, 1, 1)), np.full(19, -1.0)
        kernel[[1, 10, 11], [0, 1, 2]] = 1.0
        bias[0], bias[[1, 10, 11]] = 0.4, 0.0
        logits = drawing.node("Conv", picture, drawing.number(kernel), drawing.number(bias))
        drawing.give(output, logits, batch, 19, side, side)
        return drawing.model()
    if spec.family == "occluder":
        drawing.give(output, drawing.node("Sub", red, blue), batch, 1, side, side)
        return drawing.model()
    # The three of them start to see blue at different strengths, so that their least counts.
    start = {"xseg_2": 0.1, "xseg_3": 0.2}.get(spec.name, 0.0)
    cover = drawing.affine(drawing.node("Sub", blue, red), -3.0, 1.0 + 3 * start)
    mask = drawing.node("Clip", cover, drawing.number(0.0), drawing.number(1.0))
    if last:
        mask = drawing.node("Transpose", mask, perm=[0, 2, 3, 1])
        drawing.give(output, mask, batch, side, side, 1)
    else:
        drawing.give(output, mask, batch, 1, side, side)
    return drawing.model()
