"""Rewrites of ONNX graphs that make a network smaller or quicker without changing what it says.

They run when the shipped weights are built. Brought networks go through the passes of
:mod:`masquerade.runtime.rewrite` while they are loaded. Modules of passes import the ``onnx``
package, which takes a while, so the product imports them where a network is opened and not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = [
    "drop_outputs",
    "free_size",
    "join_clip",
    "rename_ports",
    "store_half",
    "take_bytes",
]

_SMALLEST_HALF = 128
"""Initialisers with fewer elements stay float32: a Cast node would weigh more than it saves."""


def join_clip(model: ModelProto) -> int:
    """Replace every ``Max(Min(Relu(x), high), 0)`` by ``Clip(x, 0, high)``, in place.

    ONNX Runtime fuses a Clip into the convolution before it, but neither Min nor Max.

    Returns:
        How many chains were replaced.
    """
    tensors = _initialisers(model)
    after = {node.input[0]: node for node in model.graph.node}
    replaced: dict[str, NodeProto] = {}
    dropped: set[str] = set()
    for relu in model.graph.node:
        low_cut = after.get(relu.output[0])
        high_cut = after.get(low_cut.output[0]) if low_cut is not None else None
        if low_cut is None or high_cut is None:
            continue
        if (relu.op_type, low_cut.op_type, high_cut.op_type) != ("Relu", "Min", "Max"):
            continue
        name, high = high_cut.output[0], tensors[low_cut.input[1]].reshape(())
        if tensors[high_cut.input[1]].any():
            continue
        for part, value in (("low", np.float32(0)), ("high", high)):
            model.graph.initializer.append(
                numpy_helper.from_array(np.asarray(value, np.float32), f"{name}.{part}")
            )
        bounds = [f"{name}.low", f"{name}.high"]
        replaced[name] = helper.make_node("Clip", [relu.input[0], *bounds], [name])
        dropped |= {relu.output[0], low_cut.output[0]}
    kept = [node for node in model.graph.node if node.output[0] not in dropped]
    _replace_nodes(model, [replaced.get(node.output[0], node) for node in kept])
    _drop_dead(model)
    return len(replaced)


def store_half(model: ModelProto, *, rounded: bool = False) -> int:
    """Store float32 initialisers as float16 behind a ``Cast`` to float32, in place.

    ONNX Runtime folds the casts while it loads the file: the network still computes in float32,
    and as fast as before.

    Args:
        model: any network.
        rounded: store what float16 does not hold exactly too, rounded; else only what it holds
            (networks published in half precision in whole), so that the results do not change by
            a bit.

    Returns:
        How many initialisers were stored as float16.
    """
    casts: list[NodeProto] = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        half = values.astype(np.float16)
        exact = np.array_equal(half.astype(np.float32), values)
        if values.size < _SMALLEST_HALF or not (exact or (rounded and np.isfinite(half).all())):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    _replace_nodes(model, [*casts, *model.graph.node])
    return len(casts)


def take_bytes(
    model: ModelProto, *, scale: float, offset: float | Sequence[float], bgr: bool = False
) -> None:
    """Let an image network take uint8 (N, H, W, 3) BGR instead of scaled float32 RGB, in place.

    The network saw ``(rgb - offset) * scale``. Scale and channel order move into the weights of
    the first convolution; an offset stays one subtraction, since the zeros that the convolution
    pads with are zeros after it. The crop then goes into the network as OpenCV leaves it.

    Args:
        model: its only input goes through one Transpose to NCHW into one convolution.
        scale: factor of the scaling that the network expects.
        offset: value subtracted before, in 0..255; or one for each of blue, green and red.
        bgr: the network wants BGR as it is.
    """
    nodes = list(model.graph.node)
    transpose = next(node for node in nodes if node.input[0] == model.graph.input[0].name)
    planes = transpose.output[0]
    pad_or_conv = next(node for node in nodes if node.input[0] == planes)
    first = pad_or_conv
    while first.op_type == "Pad":
        first = next(node for node in nodes if node.input[0] == first.output[0])
    if (transpose.op_type, first.op_type) != ("Transpose", "Conv"):
        raise ValueError("The graph does not begin with a Transpose and a convolution.")
    weight = next(t for t in model.graph.initializer if t.name == first.input[1])
    kernel = numpy_helper.to_array(weight)
    turned = (kernel if bgr else kernel[:, ::-1]) * np.float32(scale)
    weight.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(turned), weight.name))
    head = [
        helper.make_node("Transpose", [transpose.input[0]], ["bytes.planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["bytes.planes"], ["bytes.float"], to=TensorProto.FLOAT),
    ]
    if np.any(offset):
        planes_offset = np.asarray(offset, np.float32).reshape(1, -1, 1, 1)
        shift = numpy_helper.from_array(planes_offset, "bytes.offset")
        model.graph.initializer.append(shift)
        head.append(helper.make_node("Sub", ["bytes.float", "bytes.offset"], ["bytes.shifted"]))
    pad_or_conv.input[0] = head[-1].output[0]
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    _replace_nodes(model, [*head, *(node for node in nodes if node is not transpose)])


def free_size(model: ModelProto) -> None:
    """Let a fully convolutional NHWC network take pictures of any height and width, in place."""
    picture = model.graph.input[0].type.tensor_type.shape.dim
    picture[1].dim_param, picture[2].dim_param = "height", "width"
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = f"{output.name}.count"
    del model.graph.value_info[:]


def rename_ports(model: ModelProto, names: Mapping[str, str]) -> None:
    """Give inputs and outputs plain names, in place."""
    for port in [*model.graph.input, *model.graph.output]:
        port.name = names.get(port.name, port.name)
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def drop_outputs(model: ModelProto, names: Collection[str]) -> None:
    """Remove outputs by name, and whatever was computed for them alone, in place.

    Raises:
        KeyError: the graph has no output of that name.
    """
    missing = set(names) - {output.name for output in model.graph.output}
    if missing:
        raise KeyError(f"The graph has no output {sorted(missing)[0]!r}.")
    kept = [output for output in model.graph.output if output.name not in names]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    _drop_dead(model)


def _initialisers(model: ModelProto) -> dict[str, NDArray[np.float32]]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def _replace_nodes(model: ModelProto, nodes: list[NodeProto]) -> None:
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)


def _drop_dead(model: ModelProto) -> None:
    wanted = {output.name for output in model.graph.output}
    alive: list[NodeProto] = []
    for node in reversed(model.graph.node):
        if any(a.type == AttributeProto.GRAPH for a in node.attribute):
            raise ValueError("Graphs with sub-graphs are not handled.")
        if wanted.intersection(node.output):
            alive.append(node)
            wanted.update(node.input)
    _replace_nodes(model, alive[::-1])
    used = [tensor for tensor in model.graph.initializer if tensor.name in wanted]
    kept = [TensorProto.FromString(tensor.SerializeToString()) for tensor in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    del model.graph.value_info[:]
