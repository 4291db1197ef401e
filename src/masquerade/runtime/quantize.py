"""Networks in eight bits: static ranges from real inputs, scales by output channel, measured.

The work is our own instead of ``onnxruntime.quantization``'s: that holds every activation of every
sample in memory, several copies of the model, and rounds what the swappers cannot bear. Here one
sample is held at a time, and which layers stay float32, and how far ranges are cut, is chosen by
the result on inputs that calibration has not seen.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from masquerade.core.errors import ModelError
from masquerade.runtime.activation_ranges import RANGE_RULES, RangeRule, measure_ranges
from masquerade.runtime.integer_graph import IntegerGraph
from masquerade.runtime.layer_noise import keep_single, measure_noise, work_shares
from masquerade.runtime.memory import return_freed_memory
from masquerade.runtime.onnx_file import read_model
from masquerade.runtime.opset import drop_unused_domains, fold, raise_opset, spare_tensors
from masquerade.runtime.parity import Exact, Parity
from masquerade.runtime.provider_options import ProviderSetup
from masquerade.runtime.session import Session
from masquerade.runtime.single_precision import to_single
from masquerade.runtime.spatial_mean import pool_means

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

__all__ = ["Feeds", "Progress", "Quantised", "quantize_int8"]

Feeds = Mapping[str, NDArray[Any]]
"""One run's inputs by name."""

Progress = Callable[[float, float], None]
"""Called with what is done (0..1) and the seconds that are left, as far as they can be told."""

_OPSET = 13
_SHARES = (0.03, 0.1, 0.25)
"""Shares of the multiply-adds that may stay float32, tried in this order."""
_SATURATED_DB = 20.0
_WIDE, _NARROW = 127, 64
_NOISE_FEEDS = 1
_NOISE_COST, _TRY_COST = 8.0, 0.7
"""What a feed costs, in runs of the network: where noise is measured, where a choice is tried."""


@dataclass(frozen=True, slots=True)
class Quantised:
    """A network that was turned into integers.

    Attributes:
        path: of the file.
        parity: against the float32 network, on inputs that calibration has not seen.
        rule: how the ranges of the activations were cut.
        integers: how many convolutions are integers.
        single: how many were left float32, since they add most noise for least work.
        work_single: their share of the multiply-adds, 0..1.
        narrow: whether weights have seven bits, for processors whose products saturate.
    """

    path: Path
    parity: Parity
    rule: RangeRule
    integers: int
    single: int
    work_single: float
    narrow: bool


def quantize_int8(
    source: Path,
    target: Path,
    calibration: Collection[Feeds],
    held_out: Collection[Feeds],
    *,
    peak: float | None = None,
    wanted_db: float = 30.0,
    threads: int = 0,
    progress: Progress | None = None,
) -> Quantised:
    """Write a network whose convolutions compute in eight bits.

    Its inputs and outputs stay float32, and initialisers that no node reads are kept. Memory: two
    loaded networks and some copies of the file, however many inputs there are (measured: 2.1 GB for
    inswapper_128, 3.2 GB for GFPGAN at 512).

    Args:
        source: an ONNX file, float32 or float16.
        target: is replaced at once when all is done.
        calibration: inputs as they come in real use; 16 to 64 are enough.
        held_out: other inputs, to measure with.
        peak: span of the result, see :func:`masquerade.runtime.parity.measure_parity`.
        wanted_db: more layers stay float32 (a quarter of the work at most) until the result
            agrees with the float32 network as well as that.
        threads: of the networks.
        progress: told how far it is.

    Raises:
        ModelError: the file is refused, cannot be run, or has no convolutions of fixed weights;
            or there are no inputs.
    """
    if not calibration or not held_out:
        raise ModelError("There is nothing to calibrate with. Give pictures that show faces.")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".quantise-") as folder:
        work = _Quantisation(source, Path(folder), threads, peak)
        tries = len(RANGE_RULES) + len(_SHARES) - 1
        clock = _Clock(
            progress or _say_nothing,
            len(calibration) + _NOISE_FEEDS * _NOISE_COST + tries * _TRY_COST * len(held_out),
        )
        work.measure(calibration, clock.step)
        best = work.best(held_out, wanted_db, clock.step)
        best.path.replace(target)
    if progress is not None:
        progress(1.0, 0.0)
    return Quantised(target, *(getattr(best, name) for name in _RESULTS))


_RESULTS = ("parity", "rule", "integers", "single", "work_single", "narrow")


def _say_nothing(done: float, left_s: float) -> None:
    del done, left_s


class _Clock:
    """Tells how far the work is, in runs of the network."""

    def __init__(self, progress: Progress, steps: float) -> None:
        self._progress, self._steps = progress, steps
        self._done, self._started = 0.0, time.monotonic()

    def step(self, share: float = 1.0) -> None:
        self._done = min(self._done + share, self._steps)
        spent = time.monotonic() - self._started
        left = spent / self._done * (self._steps - self._done)
        self._progress(self._done / self._steps, left)


class _Quantisation:
    """The network, prepared, and what was measured of it."""

    def __init__(self, source: Path, folder: Path, threads: int, peak: float | None) -> None:
        self._folder, self._threads, self._peak = folder, threads, peak
        self._setup = ProviderSetup(threads=threads, arena=False)
        self._prepared = folder / "prepared.onnx"
        self._spare = _prepare(Path(source), self._prepared, folder)
        self._ranges: dict[RangeRule, dict[str, tuple[float, float]]] = {}
        self._noise: dict[str, float] = {}
        self._shares: dict[str, float] = {}

    def measure(self, calibration: Collection[Feeds], step: Callable[[float], None]) -> None:
        """Ranges of the activations, and what rounding costs each convolution."""
        model = self._load()
        graph = IntegerGraph(model)
        if not graph.convolutions:
            raise ModelError(
                "The network has no convolution with fixed weights, so eight bits gain nothing. "
                "Make a variant of precision fp16 instead."
            )
        found = measure_ranges(
            model,
            graph.watched(),
            calibration,
            self._folder,
            threads=self._threads,
            after_each=step,
        )
        return_freed_memory()
        for rule in RANGE_RULES:
            self._ranges[rule] = {name: item.limits(rule) for name, item in found.items()}
        few = [feed for _, feed in zip(range(_NOISE_FEEDS), calibration, strict=False)]
        self._noise = measure_noise(
            model,
            graph,
            self._ranges["error"],
            few,
            self._folder,
            threads=self._threads,
            after_each=lambda share: step(share * _NOISE_COST),
        )
        self._shares = work_shares(model, graph)
        return_freed_memory()

    def best(
        self, held_out: Collection[Feeds], wanted_db: float, step: Callable[[float], None]
    ) -> Quantised:
        """The best of several choices, measured."""
        reference = Session(self._prepared, setup=self._setup)
        exact = Exact(reference.run, held_out)
        reference.close()
        best: Quantised | None = None

        def attempt(rule: RangeRule, share: float, narrow: bool) -> Quantised:
            path, names = self._write(rule, share, narrow)
            trial = Session(path, setup=self._setup)
            parity = exact.parity(trial.run, peak=self._peak)
            trial.close()
            return_freed_memory()
            step(_TRY_COST * len(held_out))
            if best is not None and parity.psnr_db <= best.parity.psnr_db:
                path.unlink()
                return best
            used = sum(self._shares[name] for name in names)
            integers = len(self._noise) - len(names)
            return Quantised(path, parity, rule, integers, len(names), used, narrow)

        for rule in RANGE_RULES:
            best = attempt(rule, _SHARES[0], narrow=False)
        assert best is not None
        if best.parity.psnr_db < _SATURATED_DB:
            best = attempt(best.rule, _SHARES[0], narrow=True)
        for share in _SHARES[1:]:
            if best.parity.psnr_db < wanted_db:
                best = attempt(best.rule, share, narrow=best.narrow)
        return best

    def _load(self) -> ModelProto:
        import onnx

        model = onnx.load(str(self._prepared))
        drop_unused_domains(model)
        return model

    def _write(self, rule: RangeRule, share: float, narrow: bool) -> tuple[Path, tuple[str, ...]]:
        """Write one choice; its file and the convolutions that stay float32."""
        single = keep_single(self._noise, self._shares, share)
        chosen = [name for name in self._noise if name not in single]
        model = self._load()
        largest = _NARROW if narrow else _WIDE
        IntegerGraph(model).rewrite(chosen, self._ranges[rule], largest=largest)
        model.graph.initializer.extend(self._spare)
        path = self._folder / f"{rule}-{share}-{largest}.onnx"
        path.write_bytes(model.SerializeToString())
        return path, single


def _prepare(source: Path, target: Path, folder: Path) -> list[TensorProto]:
    """Write the network as float32, of a new opset and folded; its tensors that no node reads."""
    model = read_model(source)
    to_single(model, half=True)
    spare = [type(tensor).FromString(tensor.SerializeToString()) for tensor in spare_tensors(model)]
    raise_opset(model, _OPSET)
    pool_means(model)
    path = folder / "renewed.onnx"
    path.write_bytes(model.SerializeToString())
    del model
    fold(path, target)
    path.unlink()
    return spare
