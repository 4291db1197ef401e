"""One network in OpenVINO, through its own package and not through ONNX Runtime.

On processors it is often the quicker of the two, and it computes in bfloat16 and in whole numbers
where the processor can.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import queue
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import ModelError, ProviderError
from masquerade.core.lifetimes import Closing
from masquerade.runtime.exhaustion import failure, first_line
from masquerade.runtime.feeds import check_feeds
from masquerade.runtime.network import Port
from masquerade.runtime.openvino_properties import openvino_properties
from masquerade.runtime.session_options import choose_threads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from masquerade.runtime.provider_options import ProviderSetup

__all__ = ["OpenVinoNetwork", "load_openvino", "save_for_openvino"]

_ERRORS = (RuntimeError, ValueError, TypeError, MemoryError, OSError)
"""What the bindings raise; OpenVINO's own exceptions arrive as RuntimeError."""


@functools.cache
def load_openvino() -> Any:
    """The module ``openvino``, imported at the first call.

    Its package for telemetry is kept out: the product speaks to nobody unasked. OpenVINO then
    takes a stand-in of its own that does nothing.

    Raises:
        ProviderError: it is not installed, or broken.
    """
    absent = "openvino_telemetry" not in sys.modules
    if absent:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("openvino")
    except ImportError as error:
        raise ProviderError(
            f"OpenVINO cannot be loaded ({error}). Run: pip install openvino"
        ) from error
    finally:
        if absent:
            del sys.modules["openvino_telemetry"]


@functools.cache
def _core() -> Any:
    return load_openvino().Core()


def save_for_openvino(model: Path, target: Path, label: str = "") -> None:
    """Write a network in OpenVINO's own format, which it loads several times as fast as ONNX.

    Args:
        model: path of an ONNX file.
        target: path of the ``.xml`` file to make; the weights come beside it as ``.bin``.
        label: what messages call the network.

    Raises:
        ModelError: OpenVINO does not take the network, or the files cannot be written.
        MemoryBudgetError: there is not enough memory for it.
    """
    openvino = load_openvino()
    try:
        network = _core().read_model(str(model))
        openvino.save_model(network, str(target), compress_to_fp16=False)
    except _ERRORS as error:
        raise failure(label or model.name, "cannot be loaded", error) from error


class OpenVinoNetwork(Closing):
    """A network on a device of OpenVINO, in the precision that was asked for and no lower.

    It is a :class:`~masquerade.runtime.network.Network`; several threads may run it at a time.

    Args:
        model: path of an ONNX file, or of an ``.xml`` file in OpenVINO's format.
        setup: of the provider "openvino", or of "cpu", for which this may stand in.
        precision: of the arithmetic: "fp32" (also for int8 files: of what is not int8), "fp16"
            or "bf16".
        label: what messages call the network; "" takes the name of the file.

    Raises:
        ModelError: the file is missing, damaged, or OpenVINO does not take it.
        ProviderError: OpenVINO is not installed, or it lacks the device or the precision.
        MemoryBudgetError: there is not enough memory for it.
    """

    def __init__(
        self, model: Path, setup: ProviderSetup, *, precision: str = "fp32", label: str = ""
    ) -> None:
        load_openvino()
        self._label = label or model.name
        self.precision = precision
        if not model.is_file():
            raise ModelError(f"{model} is missing; pull or import the model again.")
        options = setup.options if setup.provider == "openvino" else {}
        device = options.get("device_type", "CPU")
        self.devices = frozenset({setup.device})
        _check_device(device, precision)
        properties = openvino_properties(
            options, device=device, precision=precision, threads=choose_threads(setup.threads)
        )
        try:
            self._compiled: Any = _core().compile_model(
                _core().read_model(str(model)), device, properties
            )
        except _ERRORS as error:
            raise failure(self._label, "cannot be loaded", error) from error
        self.input_ports = _ports(self._compiled.inputs)
        self.output_ports = _ports(self._compiled.outputs)
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue()

    @property
    def provider(self) -> str:
        """Always "openvino"."""
        return "openvino"

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Results in the order of :attr:`output_ports`; they belong to the caller.

        Args:
            feeds: one array for each input.

        Raises:
            ModelError: shapes or types do not fit, it failed while running, or it is closed.
            MemoryBudgetError: there was not enough memory.
        """
        check_feeds(self.input_ports, feeds, self._label)
        with self._request() as request:
            try:
                results = request.infer(dict(feeds), share_inputs=True, share_outputs=False)
            except _ERRORS as error:
                raise failure(self._label, "failed while running", error) from error
            return [results[number] for number in range(len(self.output_ports))]

    def placement(self) -> Mapping[str, int]:
        """How many operations run in OpenVINO, after it has merged them.

        Raises:
            ModelError: it is closed.
        """
        operations = self._open_model().get_runtime_model().get_ops()
        kinds = [str(operation.get_rt_info()["layerType"].value) for operation in operations]
        work = [kind for kind in kinds if kind not in ("Input", "Output", "Const")]
        return MappingProxyType({"openvino": len(work)})

    def close(self) -> None:
        """Let its memory go once the runs under way have ended; may be called twice."""
        self._compiled = None
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait()

    @contextlib.contextmanager
    def _request(self) -> Iterator[Any]:
        """A request of this run's own: one that is idle, or a new one."""
        compiled = self._open_model()
        try:
            request = self._idle.get_nowait()
        except queue.Empty:
            request = compiled.create_infer_request()
        yield request
        # One that failed is not used again; nor is one of a network that was closed meanwhile.
        if self._compiled is not None:
            self._idle.put(request)

    def _open_model(self) -> Any:
        compiled = self._compiled
        if compiled is None:
            raise ModelError(f"{self._label} was closed; load it again.")
        return compiled


def _check_device(device: str, precision: str) -> None:
    """Whether this machine has the device, and the device the precision."""
    kind = device.partition(":")[0]
    if kind in ("AUTO", "HETERO", "MULTI"):
        return
    have = _core().available_devices
    if kind not in have and not any(name.partition(".")[0] == kind for name in have):
        raise ProviderError(
            f"OpenVINO finds no device {device!r} here (it has: {', '.join(have)}). Install its "
            "driver, or leave out the option 'device_type'."
        )
    needed = {"bf16": "BF16", "fp16": "FP16"}.get(precision)
    try:
        can = _core().get_property(device, "OPTIMIZATION_CAPABILITIES")
    except _ERRORS as error:
        raise ProviderError(
            f"OpenVINO's device {device!r} cannot be asked what it can do ({first_line(error)}). "
            "Check its driver, or leave out the option 'device_type'."
        ) from error
    if needed is not None and needed not in can:
        raise ProviderError(
            f"OpenVINO's device {device!r} does not compute in {precision} here. "
            "Ask for the precision 'fp32' or 'auto'."
        )


def _ports(nodes: Iterable[Any]) -> tuple[Port, ...]:
    ports = []
    for node in nodes:
        sides = node.get_partial_shape()
        shape = tuple(None if side.is_dynamic else int(side.get_length()) for side in sides)
        name = _name(node)
        ports.append(Port(name, shape, node.get_element_type().to_dtype()))
    return tuple(ports)


def _name(node: Any) -> str:
    """Its name in the file. A tensor may bear several, where operations were left out."""
    own = str(node.get_node().get_friendly_name()).partition("/sink_port_")[0]
    names = node.get_names()
    return own if own in names or not names else str(node.get_any_name())
