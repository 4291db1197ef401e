"""Devices that take time and do nothing: what batching and several devices gain, without any."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.core.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.runtime.network import Port

__all__ = ["SimulatedDevice", "SimulatedNetwork"]


class SimulatedDevice:
    """One device: it computes one run at a time, and counts how long it is at work.

    Args:
        sleep: what a run waits with; a fake clock's in tests that must not wait.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._turn = threading.Lock()
        self._counts = threading.Lock()
        self._busy_s, self._runs, self._items = 0.0, 0, 0

    @property
    def busy_s(self) -> float:
        """Seconds it has been at work, by its own account of what runs cost."""
        return self._busy_s

    @property
    def runs(self) -> int:
        """How many runs have ended."""
        return self._runs

    @property
    def items(self) -> int:
        """How many items all of these runs had together."""
        return self._items

    def work(self, duration_s: float, items: int) -> None:
        """Wait until the device is free, then for as long as it takes."""
        with self._turn:
            self._sleep(duration_s)
            with self._counts:
                self._busy_s += duration_s
                self._runs += 1
                self._items += items


class SimulatedNetwork:
    """A network on a simulated device; a :class:`~masquerade.runtime.network.Network`.

    A run of n items takes ``latency_ms + n * per_item_ms`` once the device is free.

    Args:
        inputs: its ports; the first axis of the first one counts the items of a run.
        outputs: its ports; results are zeros of their shapes, with the first axis of the run
            where it is open, unless ``compute`` makes them.
        latency_ms: of every run.
        per_item_ms: of every item in it.
        device: networks that share one take turns; one of its own by default.
        compute: makes the results of the inputs.
        provider: what it says that it runs on.
    """

    precision = "fp32"
    notices: tuple[str, ...] = ()
    """What a loader would have to tell: nothing."""

    def __init__(
        self,
        inputs: Sequence[Port],
        outputs: Sequence[Port],
        latency_ms: float,
        per_item_ms: float,
        *,
        device: SimulatedDevice | None = None,
        compute: Callable[[Mapping[str, NDArray[Any]]], list[NDArray[Any]]] | None = None,
        provider: str = "simulated",
    ) -> None:
        self.input_ports, self.output_ports = tuple(inputs), tuple(outputs)
        self.provider = provider
        self.device = device or SimulatedDevice()
        self._latency_s, self._per_item_s = latency_ms / 1e3, per_item_ms / 1e3
        self.devices = frozenset({f"simulated:{id(self.device):x}"})
        self._compute = compute or self._zeros
        self._closed = False

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Results, after the time that they take.

        Raises:
            ModelError: the inputs do not fit the ports, or it is closed.
        """
        if self._closed:
            raise ModelError("The simulated network was closed; make a new one.")
        for port in self.input_ports:
            _check(port, feeds)
        count = len(feeds[self.input_ports[0].name])
        results = self._compute(feeds)
        self.device.work(self._latency_s + count * self._per_item_s, count)
        return results

    def close(self) -> None:
        """Refuse further runs."""
        self._closed = True

    def _zeros(self, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        count = len(feeds[self.input_ports[0].name])
        return [
            np.zeros([count if side is None else side for side in port.shape], port.dtype)
            for port in self.output_ports
        ]


def _check(port: Port, feeds: Mapping[str, NDArray[Any]]) -> None:
    values = feeds.get(port.name)
    fits = (
        values is not None
        and values.dtype == port.dtype
        and len(values.shape) == len(port.shape)
        and all(own in (None, side) for own, side in zip(port.shape, values.shape, strict=True))
    )
    if not fits:
        found = "nothing" if values is None else f"{values.dtype} {values.shape}"
        raise ModelError(
            f"The input {port.name!r} takes {port.dtype} {port.shape}, not {found}. "
            "Feed what the port takes."
        )
