"""Runs whose inputs and outputs stay at the same place in a device's memory.

That is what a recorded run (a CUDA graph) needs, and it spares an allocation for each run.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from masquerade.core.errors import ModelError
from masquerade.runtime.feeds import check_feeds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.runtime.network import Port
    from masquerade.runtime.session import Session

__all__ = ["BoundRuns"]


class BoundRuns:
    """Memory on a device for the ports of one session, whose shapes are all fixed.

    Args:
        ort: the module onnxruntime.
        session: ONNX Runtime's session.
        ports: inputs and outputs.
        device: as ONNX Runtime calls its kind, such as "cuda" or "cpu".
        device_id: number of it.
    """

    def __init__(
        self,
        ort: Any,
        session: Any,
        ports: tuple[tuple[Port, ...], tuple[Port, ...]],
        device: str,
        device_id: int,
    ) -> None:
        self._session, self._ports = session, ports
        self._on_processor = device == "cpu"
        self._lock = threading.Lock()  # there is one place, so there is one run at a time
        self._binding = session.io_binding()
        self._inputs = {}
        self._outputs = []
        for port in ports[0]:
            empty = np.zeros(_sides(port), port.dtype)
            value = ort.OrtValue.ortvalue_from_numpy(empty, device, device_id)
            self._binding.bind_ortvalue_input(port.name, value)
            self._inputs[port.name] = value
        for port in ports[1]:
            value = ort.OrtValue.ortvalue_from_shape_and_type(
                _sides(port), port.dtype.type, device, device_id
            )
            self._binding.bind_ortvalue_output(port.name, value)
            self._outputs.append(value)

    @classmethod
    def of(cls, ort: Any, session: Any, network: Session) -> Self | None:
        """For a network whose setup asks for it and whose shapes are fixed; else None."""
        setup, ports = network.setup, (network.input_ports, network.output_ports)
        if not setup.binds or any(None in port.shape for port in (*ports[0], *ports[1])):
            return None
        return cls(ort, session, ports, setup.binds, setup.device_id)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Results in the order of the outputs, copied from the device.

        Raises:
            ModelError: names, shapes or types do not fit.
        """
        check_feeds(self._ports[0], feeds)
        with self._lock:
            for name, value in feeds.items():
                self._inputs[name].update_inplace(np.ascontiguousarray(value))
            self._session.run_with_iobinding(self._binding)
            results = [value.numpy() for value in self._outputs]
            # On the processor that is the place itself, which the next run writes to.
            return [result.copy() for result in results] if self._on_processor else results


def _sides(port: Port) -> tuple[int, ...]:
    sides = tuple(side for side in port.shape if side is not None)
    if len(sides) != len(port.shape):
        raise ModelError(f"The port {port.name!r} has no fixed shape, so it cannot be bound.")
    return sides
