"""Networks rewritten for newer ONNX operators, and folded, before their precision is changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import ModelError
from masquerade.runtime.graph_shapes import skeleton
from masquerade.runtime.session import OptimisedModel, Session

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

__all__ = ["drop_unused_domains", "fold", "raise_opset", "spare_tensors"]

_LONGEST_REASON = 200


def raise_opset(model: ModelProto, at_least: int) -> None:
    """Rewrite ``model`` for the operators of version ``at_least``, in place.

    Published networks are mostly of version 11, and scales by channel came with 13. The weights
    are left out of the conversion, which copies a graph several times.

    Raises:
        ModelError: an operator has no form in that version.
    """
    from onnx import version_converter

    current = next(item.version for item in model.opset_import if item.domain in ("", "ai.onnx"))
    if current >= at_least:
        return
    bare = skeleton(model)
    kept = {tensor.name for tensor in bare.graph.initializer}
    bare.ir_version = max(bare.ir_version, 7)
    try:
        converted = version_converter.convert_version(bare, at_least)
    except (RuntimeError, ValueError, version_converter.ConvertError) as error:
        reason = str(error).strip().splitlines()[0][:_LONGEST_REASON] if str(error) else "no reason"
        raise ModelError(
            f"The network cannot be rewritten for ONNX opset {at_least} ({reason}). "
            "Export it with a newer opset, or use it as it is."
        ) from error
    graph = model.graph
    del graph.node[:], graph.value_info[:], model.opset_import[:]
    graph.node.extend(converted.graph.node)
    model.opset_import.extend(converted.opset_import)
    model.ir_version = converted.ir_version
    # The heavy weights stay where they are; the light ones come from the conversion, which may
    # have added some.
    for index in reversed([i for i, item in enumerate(graph.initializer) if item.name in kept]):
        del graph.initializer[index]
    graph.initializer.extend(converted.graph.initializer)


def fold(source: Path, target: Path) -> None:
    """Write the network with constants folded and batch normalisation taken into convolutions.

    Args:
        source: an ONNX file of ours.
        target: is overwritten; about as large.

    Raises:
        ModelError: ONNX Runtime refuses the network.
    """
    Session(source, optimised=_Folded(target, made=False)).close()


class _Folded(OptimisedModel):
    """Where the folded network is left: one file, standard operators only."""

    def prepare(self, ort: Any, options: Any) -> None:
        """Have a session write it."""
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(self.path)
        options.log_severity_level = 3  # it warns of weights that no node reads


def drop_unused_domains(model: ModelProto) -> None:
    """Forget operator domains that no node is of: ONNX Runtime names all that it knows."""
    used = {node.domain for node in model.graph.node} | {""}
    kept = [item for item in model.opset_import if item.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)


def spare_tensors(model: ModelProto) -> list[TensorProto]:
    """Initialisers that no node reads, such as the emap of inswapper: folding would lose them."""
    read = {name for node in model.graph.node for name in node.input}
    read |= {port.name for port in model.graph.output}
    return [tensor for tensor in model.graph.initializer if tensor.name not in read]
