"""Small ONNX graphs for the tests of passes, and both runtimes to compute them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from masquerade.runtime.graph_shapes import infer_shapes
from masquerade.testing.networks.draft import Draft


def drafted(
    draft: Draft, inputs: Mapping[str, Sequence[int]], outputs: Mapping[str, str]
) -> onnx.ModelProto:
    """The finished model; shapes of outputs are inferred."""
    bare = draft.model(inputs, {name: (result, []) for name, result in outputs.items()})
    for port in bare.graph.output:
        port.type.tensor_type.ClearField("shape")
    shapes = infer_shapes(bare)
    return draft.model(inputs, {name: (name, shapes[name]) for name in outputs})


def copied(model: onnx.ModelProto) -> onnx.ModelProto:
    return onnx.ModelProto.FromString(model.SerializeToString())


def compute(model: onnx.ModelProto, feeds: Mapping[str, Any]) -> list[np.ndarray]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, dict(feeds))


def compute_by_openvino(model: onnx.ModelProto, feeds: Mapping[str, Any]) -> list[np.ndarray]:
    import openvino

    core = openvino.Core()
    hints = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", hints)
    results = compiled(dict(feeds))
    return [np.array(results[port]) for port in compiled.outputs]


def decibels(expected: np.ndarray, found: np.ndarray) -> float:
    """Peak signal to noise ratio, the peak being the range of what is expected."""
    assert expected.shape == found.shape
    error = np.sqrt(np.mean((expected.astype(np.float64) - found) ** 2))
    return float(20 * np.log10(np.ptp(expected) / max(error, 1e-12)))


def plain_model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[Any]],
    outputs: Sequence[str],
    weights: Mapping[str, np.ndarray],
    opset: int = 17,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, v) for k, v in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
