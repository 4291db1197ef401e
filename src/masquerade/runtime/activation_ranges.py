"""What values the activations of a network take on real inputs: the base of its int8 scales."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from masquerade.runtime.graph_shapes import infer_shapes
from masquerade.runtime.provider_options import ProviderSetup
from masquerade.runtime.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from numpy.typing import NDArray
    from onnx import ModelProto

__all__ = ["RANGE_RULES", "Histogram", "RangeRule", "measure_ranges", "visit_activations"]

RangeRule = Literal["minmax", "percentile", "error"]
RANGE_RULES: tuple[RangeRule, ...] = ("minmax", "percentile", "error")

_BINS = 2048
_STEPS = 255
_PERCENTILE = 99.995
_GROUP_BYTES = 256 * 1024**2
"""Activations that are held at a time; more of them cost further runs."""


@dataclass(slots=True)
class Histogram:
    """How often an activation takes which value; it grows with what it is shown.

    Attributes:
        low: left edge of the first bin.
        width: of one bin.
        counts: int64 (bins,).
        least: smallest value seen.
        most: largest value seen.
    """

    low: float
    width: float
    counts: NDArray[np.int64]
    least: float
    most: float

    @classmethod
    def of(cls, values: NDArray[Any]) -> Histogram:
        """A histogram of these values."""
        least, most = float(values.min()), float(values.max())
        width = max(most - least, 1e-6) / _BINS
        histogram = cls(least, width, np.zeros(_BINS, np.int64), least, most)
        histogram.add(values)
        return histogram

    def add(self, values: NDArray[Any]) -> None:
        """Count further values."""
        self.least = min(self.least, float(values.min()))
        self.most = max(self.most, float(values.max()))
        self._reach()
        places = (values.reshape(-1) - np.float32(self.low)) * np.float32(1 / self.width)
        places = np.clip(places.astype(np.int32), 0, self.counts.size - 1)
        self.counts += np.bincount(places, minlength=self.counts.size)

    def limits(self, rule: RangeRule) -> tuple[float, float]:
        """The range, 0 included, that eight bits are spread over.

        Args:
            rule: "minmax" takes all that was seen; "percentile" cuts 0.005 % off both ends;
                "error" takes the cut (none to half) with the least mean squared error.
        """
        low, high = min(self.least, 0.0), max(self.most, 0.0)
        if rule == "percentile":
            share = np.cumsum(self.counts) / max(1, self.counts.sum())
            edge = 1 - _PERCENTILE / 100
            first, last = np.searchsorted(share, (edge, 1 - edge))
            low = max(low, min(0.0, self.low + first * self.width))
            high = min(high, max(0.0, self.low + (last + 1) * self.width))
        if rule == "error":
            cuts = np.linspace(1.0, 0.5, 26)
            best = min(cuts, key=lambda cut: self._error(low * cut, high * cut))
            low, high = low * float(best), high * float(best)
        return (low, high) if high > low else (0.0, 1.0)

    def _reach(self) -> None:
        """Widen the bins by two, left and right in turn, until they hold what was seen."""
        while self.least < self.low or self.most > self.low + self.width * self.counts.size:
            pairs = self.counts.reshape(-1, 2).sum(axis=1)
            empty = np.zeros(self.counts.size // 2, np.int64)
            if self.least < self.low:
                self.low -= self.width * self.counts.size
                self.counts = np.concatenate([empty, pairs])
            else:
                self.counts = np.concatenate([pairs, empty])
            self.width *= 2

    def _error(self, low: float, high: float) -> float:
        """Summed squares of what is lost by rounding to 255 steps and by the cut."""
        middles = self.low + self.width * (np.arange(self.counts.size) + 0.5)
        step = (high - low) / _STEPS
        if step <= 0:
            return float("inf")
        beyond = np.maximum(low - middles, 0) + np.maximum(middles - high, 0)
        return float((self.counts * np.where(beyond > 0, beyond**2, step**2 / 12)).sum())


def measure_ranges(
    model: ModelProto,
    tensors: Sequence[str],
    feeds: Collection[Mapping[str, NDArray[Any]]],
    folder: Path,
    *,
    threads: int = 0,
    after_each: Callable[[float], None] = lambda _: None,
) -> dict[str, Histogram]:
    """Histograms of some activations over all feeds; see :func:`visit_activations`."""
    found: dict[str, Histogram] = {}

    def count(name: str, values: NDArray[Any]) -> None:
        if name in found:
            found[name].add(values)
        else:
            found[name] = Histogram.of(values)

    visit_activations(model, tensors, feeds, folder, count, threads=threads, after_each=after_each)
    return found


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
        setup = ProviderSetup(threads=threads, memory_pattern=False)
        session = Session(path, setup=setup)
        path.unlink()
        for feed in feeds:
            for name, values in zip(session.outputs, session.run(feed), strict=True):
                if name in names:
                    visit(name, values)
            after_each(1 / len(groups))
        session.close()


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
    """Bytes of the model with further outputs."""
    from onnx import TensorProto, helper

    graph = model.graph
    count = len(graph.output)
    present = {port.name for port in graph.output}
    for name in tensors:
        if name not in present:
            graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    data: bytes = model.SerializeToString()
    del graph.output[count:]
    return data
