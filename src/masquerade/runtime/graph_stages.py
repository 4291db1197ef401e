"""The parts of a network in words, told from its graph alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import ModelProto

    from masquerade.runtime.graph_shapes import Shape

__all__ = ["describe_stages"]


def describe_stages(model: ModelProto, shapes: Mapping[str, Shape]) -> tuple[str, ...]:
    """A short line for each part of the graph, in the order of computation."""
    return ()
