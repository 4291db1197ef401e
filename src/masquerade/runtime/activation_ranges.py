"""What values the activations of a network take on real inputs: the base of its int8 scales."""

from __future__ import annotations

import math
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

__all__ = ["RANGE_RULES", "Histogram", "RangeRule", "measure_ranges"]

RangeRule = Literal["minmax", "percentile", "error"]
RANGE_RULES: tuple[RangeRule, ...] = ("minmax", "percentile", "error")

_BINS = 2048
_STEPS = 255
_PERCENTILE = 99.995
_SAMPLE = 65_536
"""About how many values of an activation are counted for each feed."""


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
    def of(
        cls, values: NDArray[Any], least: float | None = None, most: float | None = None
    ) -> Histogram:
        """A histogram of these values; see :meth:`add`."""
        low = float(values.min()) if least is None else least
        high = float(values.max()) if most is None else most
        width = max(high - low, 1e-6) / _BINS
        histogram = cls(low, width, np.zeros(_BINS, np.int64), low, high)
        histogram.add(values, low, high)
        return histogram

    def add(
        self, values: NDArray[Any], least: float | None = None, most: float | None = None
    ) -> None:
        """Count further values.

        Args:
            values: all of them, or a sample.
            least: the smallest of all; None where ``values`` are all.
            most: likewise the largest.
        """
        self.least = min(self.least, float(values.min()) if least is None else least)
        self.most = max(self.most, float(values.max()) if most is None else most)
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
    """Histograms of some activations over all feeds, in one run of the network for each.

    The network itself takes the least and the largest value and every n-th, so that no activation
    has to be held or copied as a whole: ends are exact, what lies between is a sample.

    Args:
        model: is not changed.
        tensors: names of float32 inputs or results of nodes.
        feeds: inputs by name.
        folder: for a file of the model's size, which is deleted again.
        threads: of the network.
        after_each: called with the share of one feed's work that was done since the last call.

    Raises:
        ModelError: the network cannot be run.
    """
    found: dict[str, Histogram] = {}

    def count(name: str, sample: NDArray[Any], least: float, most: float) -> None:
        if name in found:
            found[name].add(sample, least, most)
        else:
            found[name] = Histogram.of(sample, least, most)

    inputs = {port.name for port in model.graph.input}
    names = [name for name in dict.fromkeys(tensors) if name not in inputs]
    path = folder / "summarised.onnx"
    path.write_bytes(_summarised(model, names))
    session = Session(path, setup=ProviderSetup(threads=threads, memory_pattern=False, arena=False))
    path.unlink()
    for feed in feeds:
        for name in inputs.intersection(tensors):
            count(name, feed[name], float(feed[name].min()), float(feed[name].max()))
        results = iter(session.run(feed))
        for name, (sample, least, most) in zip(
            names, zip(results, results, results, strict=True), strict=True
        ):
            count(name, sample, float(least), float(most))
        after_each(1.0)
    session.close()
    return found


def _summarised(model: ModelProto, names: Sequence[str]) -> bytes:
    """Bytes of the model, which then gives of each activation a sample, the least and the most."""
    from onnx import TensorProto, helper, numpy_helper

    graph, shapes = model.graph, infer_shapes(model)
    kept = [type(port).FromString(port.SerializeToString()) for port in graph.output]
    before = len(graph.node), len(graph.initializer)

    def number(name: str, value: int) -> str:
        graph.initializer.append(numpy_helper.from_array(np.array([value], np.int64), name))
        return name

    del graph.output[:]
    whole, start, end = (
        number(f"summary/{key}", value)
        for key, value in (("all", -1), ("start", 0), ("end", 2**62))
    )
    for name in names:
        flat, sample, least, most = (f"{name}/{part}" for part in ("flat", "some", "least", "most"))
        step = number(f"{name}/step", _step(shapes.get(name)))
        graph.node.extend(
            [
                helper.make_node("Reshape", [name, whole], [flat]),
                helper.make_node("Slice", [flat, start, end, start, step], [sample]),
                helper.make_node("ReduceMin", [name], [least], keepdims=0),
                helper.make_node("ReduceMax", [name], [most], keepdims=0),
            ]
        )
        graph.output.extend(
            helper.make_tensor_value_info(result, TensorProto.FLOAT, None)
            for result in (sample, least, most)
        )
    data: bytes = model.SerializeToString()
    del graph.output[:], graph.node[before[0] :], graph.initializer[before[1] :]
    graph.output.extend(kept)
    return data


def _step(shape: Sequence[int | None] | None) -> int:
    """Every how many values one is taken: a number without a part in the sides, so that samples
    lie in all rows and columns.
    """
    sides = [side or 1 for side in shape or ()]
    step = max(1, math.prod(sides) // _SAMPLE)
    while any(math.gcd(step, side) > 1 for side in sides if side > 1):
        step += 1
    return step
