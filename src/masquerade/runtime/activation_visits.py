"""The activations of a network, shown as they are, a part of them at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.runtime.graph_shapes import infer_shapes
from masquerade.runtime.memory import return_freed_memory
from masquerade.runtime.provider_options import ProviderSetup
from masquerade.runtime.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from numpy.typing import NDArray
    from onnx import ModelProto

__all__ = ["visit_activations"]

_GROUP_BYTES = 512 * 1024**2
"""Activations that are held at a time; more of them cost further runs."""


def visit_activations(
    model: ModelProto,
    tensors: Sequence[str],
    feeds: Collection[Mapping[str, NDArray[Any]]],
    folder: Path,
    visit: Callable[[str, NDArray[Any]], None],
    *,
    threads: int = 0,
    after_each: Callable[[float], None] = lambda _: None,
) -> None:
    """Show activations of a network to ``visit``, in bounded memory.

    Args:
        model: is not changed.
        tensors: names of float32 inputs or results of nodes.
        feeds: inputs by name; gone through once for each group of activations.
        folder: for files of the model's size, which are deleted again.
        visit: called with name and values of each tensor for each feed.
        threads: of the network.
        after_each: called with the share of one feed's work that was done since the last call.

    Raises:
        ModelError: the network cannot be run.
    """
    inputs = {port.name for port in model.graph.input}
    for feed in feeds:
        for name in inputs.intersection(tensors):
            visit(name, feed[name])
    groups = _groups(model, [name for name in tensors if name not in inputs])
    path = folder / "watched.onnx"
    # One session at a time: each holds all weights, and a large network needs many groups.
    for names in groups:
        path.write_bytes(_watched(model, names))
        # A plan of all activations at once would take gigabytes from the second run on.
        setup = ProviderSetup(threads=threads, memory_pattern=False, arena=False)
        session = Session(path, setup=setup)
        path.unlink()
        for feed in feeds:
            for name, values in zip(names, session.run(feed), strict=True):
                visit(name, values)
            after_each(1 / len(groups))
        session.close()
        return_freed_memory()


def _groups(model: ModelProto, tensors: Sequence[str]) -> list[list[str]]:
    """Tensors in groups, each of at most ``_GROUP_BYTES``."""
    shapes = infer_shapes(model)
    groups: list[list[str]] = [[]]
    held = 0
    for name in tensors:
        sides = shapes.get(name) or ()
        size = 4 * int(np.prod([side or 1 for side in sides], dtype=np.int64))
        if groups[-1] and held + size > _GROUP_BYTES:
            groups.append([])
            held = 0
        groups[-1].append(name)
        held += size
    return [names for names in groups if names]


def _watched(model: ModelProto, tensors: Sequence[str]) -> bytes:
    """Bytes of the model with these outputs alone: nothing beyond them is computed."""
    from onnx import TensorProto, helper

    graph = model.graph
    kept = [type(port).FromString(port.SerializeToString()) for port in graph.output]
    del graph.output[:]
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in tensors
    )
    data: bytes = model.SerializeToString()
    del graph.output[:]
    graph.output.extend(kept)
    return data
