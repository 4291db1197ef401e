"""Inputs and outputs as ONNX Runtime tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.core.errors import ModelError
from masquerade.runtime.network import Port

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ports_of", "precision_of"]

_KINDS: dict[str, type[np.generic]] = {
    "float": np.float32, "double": np.float64, "float16": np.float16, "bool": np.bool_,
    "int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
    "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
}  # fmt: skip


def ports_of(nodes: Iterable[Any]) -> tuple[Port, ...]:
    """Ports of a session's inputs or outputs.

    Raises:
        ModelError: one is not a tensor of numbers.
    """
    return tuple(_port(node) for node in nodes)


def _port(node: Any) -> Port:
    kind = node.type.removeprefix("tensor(").removesuffix(")")
    if kind not in _KINDS:
        raise ModelError(
            f"The network's port {node.name!r} is of the type {node.type}, which no face network "
            "has. Export the model with plain tensors."
        )
    shape = tuple(side if isinstance(side, int) and side >= 0 else None for side in node.shape)
    return Port(str(node.name), shape, np.dtype(_KINDS[kind]))


def precision_of(ports: Iterable[Port]) -> str:
    """fp16 where any port is, else fp32: what a session can tell by itself."""
    return "fp16" if any(port.dtype == np.float16 for port in ports) else "fp32"
