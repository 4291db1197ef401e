"""What a brought graph may hold: the limits that keep a stranger's file harmless.

Refused are weights outside the file (they name paths), operators of unknown libraries, functions
and training parts (nobody needs them to run a network), loops without end, operators that read
images or match patterns, and counts and sizes beyond what any face network has.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from masquerade.core.errors import ModelError
from masquerade.runtime.tensors import declared_bytes, stored_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

__all__ = ["check_graph", "check_head"]

_MOST_NODES = 20_000
_MOST_TENSORS = 20_000
_MOST_PORTS = 256
_DEEPEST = 3
_MOST_ATTRIBUTE_VALUES = 2**24
_LONGEST_NAME = 4096
_LARGEST_SIDE = 2**31

_DOMAINS = ("", "ai.onnx", "com.microsoft")
_REFUSED = frozenset(
    (
        "ImageDecoder", "Loop", "Optional", "OptionalGetElement", "OptionalHasElement",
        "RegexFullMatch", "Scan", "SequenceMap", "StringConcat", "StringNormalizer", "StringSplit",
        "TfIdfVectorizer",
    )
)  # fmt: skip
_MICROSOFT = frozenset(
    (
        "Attention", "BiasAdd", "BiasGelu", "BiasSoftmax", "BiasSplitGelu", "DequantizeLinear",
        "DynamicQuantizeMatMul", "FastGelu", "FusedConv", "FusedGemm", "FusedMatMul", "Gelu",
        "GroupNorm", "LayerNormalization", "MatMulIntegerToFloat", "MultiHeadAttention", "NhwcConv",
        "NhwcFusedConv", "QAttention", "QGemm", "QLinearAdd", "QLinearAveragePool", "QLinearConcat",
        "QLinearConv", "QLinearGlobalAveragePool", "QLinearLeakyRelu", "QLinearMul",
        "QLinearReduceMean", "QLinearSigmoid", "QLinearSoftmax", "QLinearWhere", "QuantizeLinear",
        "QuickGelu", "Rfft", "SkipLayerNormalization", "SkipGroupNorm",
    )
)  # fmt: skip


def check_head(model: ModelProto, label: str) -> None:
    """Look at what surrounds the graph: versions, domains, functions, training parts.

    Raises:
        ModelError: the format is unknown or newer than the installed onnx package, or the model
            holds more than a network.
    """
    import onnx

    if not model.HasField("graph") or not model.graph.node:
        raise ModelError(f"{label} holds no network. Pull or import it again.")
    if not 3 <= model.ir_version <= onnx.IR_VERSION:
        raise ModelError(
            f"{label} has the ONNX format {model.ir_version}; 3 to {onnx.IR_VERSION} are known. "
            "Update the onnx package, or export the model again."
        )
    if model.functions or model.training_info:
        raise ModelError(f"{label} holds more than a network. Export it without functions.")
    if not model.opset_import:
        raise ModelError(f"{label} does not say which operators it uses. Export it again.")
    texts = [entry.domain for entry in model.opset_import]
    if not all(isinstance(x, str) for x in (*texts, model.producer_name, model.producer_version)):
        raise ModelError(f"{label} is damaged: a name is no text. Pull it again.")
    for entry in model.opset_import:
        newest = onnx.defs.onnx_opset_version() if entry.domain in _DOMAINS[:2] else 1
        if entry.domain in _DOMAINS and not 1 <= entry.version <= newest:
            raise ModelError(
                f"{label} needs version {entry.version} of the operators {entry.domain!r}, which "
                "is not known. Update the onnx package, or export the model again."
            )
    # Domains that are imported but never used are harmless, and common.


def check_graph(model: ModelProto, label: str) -> None:
    """Look at every node and tensor of the graph, and of the graphs inside it.

    Raises:
        ModelError: something is refused, implausible or beyond the limits.
    """
    nodes = tensors = 0
    for graph, depth in _graphs(model.graph, 0):
        if depth > _DEEPEST:
            raise ModelError(f"{label} nests graphs too deeply. Export it without branches.")
        nodes += len(graph.node)
        tensors += len(graph.initializer)
        if nodes > _MOST_NODES or tensors > _MOST_TENSORS:
            raise ModelError(f"{label} has too many parts for a face network. Use another file.")
        if graph.sparse_initializer:
            raise ModelError(f"{label} holds sparse tensors. Export it with dense ones.")
        if max(len(graph.input) - len(graph.initializer), len(graph.output)) > _MOST_PORTS:
            raise ModelError(f"{label} has too many inputs or outputs. Use another file.")
        if not all(isinstance(text, str) for text in _texts(graph)):
            raise ModelError(f"{label} is damaged: a name is no text. Pull it again.")
        for tensor in graph.initializer:
            _check_tensor(tensor, label)
    versions = {entry.domain: entry.version for entry in model.opset_import}
    version = versions.get("", versions.get("ai.onnx", 0))
    for graph, _ in _graphs(model.graph, 0):
        for node in graph.node:
            _check_operator(node, version, label)
            for attribute in node.attribute:
                _check_attribute(attribute, label)
    _check_names(model.graph, label)
    for graph, _ in _graphs(model.graph, 0):
        for node in graph.node:
            _check_form(node, model, label)


def _graphs(graph: GraphProto, depth: int) -> Iterator[tuple[GraphProto, int]]:
    """The graph and those inside it; one level below the deepest that is allowed at most."""
    yield graph, depth
    if depth > _DEEPEST:
        return
    for node in graph.node:
        for attribute in node.attribute:
            inner = [attribute.g] if attribute.HasField("g") else []
            for child in [*inner, *attribute.graphs]:
                yield from _graphs(child, depth + 1)


def _texts(graph: GraphProto) -> Iterator[object]:
    """Every name in a graph; those that are not UTF-8 come as bytes."""
    yield graph.name
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield from (attribute.name, attribute.t.name, attribute.ref_attr_name)
    for tensor in graph.initializer:
        yield tensor.name
    for port in [*graph.input, *graph.output]:
        yield port.name
        yield from (side.dim_param for side in port.type.tensor_type.shape.dim)


def _check_names(graph: GraphProto, label: str, outer: frozenset[str] = frozenset()) -> None:
    """Everything is made once, and before it is read; ports say what they are.

    Args:
        graph: the main one, or one inside a node.
        label: what messages call the file.
        outer: names of the graph around it, which it may read.
    """
    known = {tensor.name for tensor in graph.initializer}
    known |= {port.name for port in graph.input} | outer
    for node in graph.node:
        if not node.output or not node.output[0]:
            raise ModelError(f"{label} is damaged: a part of it has no result. Pull it again.")
        if not known.issuperset(filter(None, node.input)):
            raise ModelError(f"{label} is damaged: a part reads what nothing makes. Pull it again.")
        for attribute in node.attribute:
            for child in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
                _check_names(child, label, frozenset(known))
        made = [name for name in node.output if name]
        if len(set(made)) != len(made) or not known.isdisjoint(made):
            raise ModelError(f"{label} is damaged: a result is computed twice. Pull it again.")
        if any(len(name) > _LONGEST_NAME for name in made):
            raise ModelError(f"{label} is damaged: a name is too long. Pull it again.")
        known.update(made)
    _check_ports(graph, known, label)


def _check_ports(graph: GraphProto, known: set[str], label: str) -> None:
    for port in [*graph.input, *graph.output]:
        sides = port.type.tensor_type.shape.dim
        if not port.name or any(not 0 <= side.dim_value <= _LARGEST_SIDE for side in sides):
            raise ModelError(f"{label} is damaged: an input or output is wrong. Pull it again.")
    if not known.issuperset(port.name for port in graph.output):
        raise ModelError(f"{label} is damaged: nothing makes one of its outputs. Pull it again.")


def _check_operator(node: NodeProto, version: int, label: str) -> None:
    from onnx import defs

    if node.domain not in _DOMAINS:
        raise ModelError(
            f"{label} uses an operator of {node.domain[:60]!r}, which could run foreign code. "
            "Use a file with standard operators only."
        )
    if node.domain == "com.microsoft":
        known = node.op_type in _MICROSOFT
    else:
        known = node.op_type not in _REFUSED and defs.has(node.op_type, max(1, version))
    if not known:
        raise ModelError(
            f"{label} uses the operator {node.op_type[:60]!r}, which no face network needs. "
            "Use another file."
        )


def _check_form(node: NodeProto, model: ModelProto, label: str) -> None:
    """Numbers of inputs and results, and kinds of attributes, are those of the operator."""
    from onnx import checker

    if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
        return  # it would look for names of the graph around it
    context = checker.C.CheckerContext()
    context.ir_version = model.ir_version
    context.opset_imports = {entry.domain: entry.version for entry in model.opset_import}
    try:
        checker.check_node(node, context)
    except (checker.ValidationError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"{label} is damaged: a {node.op_type[:60]} is not formed as it must be. Pull it again."
        ) from error


def _check_attribute(attribute: AttributeProto, label: str) -> None:
    if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
        raise ModelError(f"{label} holds sparse tensors. Export it with dense ones.")
    if attribute.ref_attr_name:
        raise ModelError(f"{label} holds more than a network. Export it without functions.")
    if max(len(attribute.ints), len(attribute.floats)) > _MOST_ATTRIBUTE_VALUES:
        raise ModelError(f"{label} is damaged: an attribute is too long. Pull it again.")
    for tensor in [*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors]:
        _check_tensor(tensor, label)


def _check_tensor(tensor: TensorProto, label: str) -> None:
    name = tensor.name[:60]
    if tensor.data_location or tensor.external_data:
        raise ModelError(
            f"{label} keeps weights in other files, which is refused. "
            "Save it as one file, with its weights inside."
        )
    declared = declared_bytes(tensor)
    if declared is None or any(side < 0 for side in tensor.dims) or tensor.HasField("segment"):
        raise ModelError(
            f"{label} is damaged: the tensor {name!r} is of no known kind. Pull it again."
        )
    if (
        len(tensor.dims) > 8
        or math.prod(tensor.dims) > _LARGEST_SIDE
        or declared != stored_bytes(tensor)
    ):
        raise ModelError(
            f"{label} is damaged: the tensor {name!r} is not as large as it says. Pull it again."
        )
