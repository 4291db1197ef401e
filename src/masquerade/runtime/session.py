"""One network, loaded and ready to run."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import ModelError
from masquerade.runtime.providers import load_onnxruntime, resolve_providers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Session", "choose_threads"]

_MOST_THREADS = 4


def choose_threads(asked: int = 0) -> int:
    """Threads of one network: ``asked``, or half the cores (1 to 4) for 0.

    Half, since detection, drawing and coding run side by side; and the networks are small: more
    than four threads wait for each other longer than they compute.
    """
    if asked > 0:
        return asked
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(_MOST_THREADS, cores // 2))


class Session:
    """A network on the execution providers that were asked for, and on no others.

    Args:
        model: path of an ONNX file, or its bytes.
        threads: threads of this network; 0 chooses by the machine.
        providers: short names, tried by ONNX Runtime in this order.

    Raises:
        ModelError: the file is missing, damaged, or refused by ONNX Runtime.
        RuntimeSetupError: ONNX Runtime is not set up, or a provider is not active.
    """

    def __init__(
        self, model: Path | str | bytes, *, threads: int = 0, providers: Sequence[str] = ("cpu",)
    ) -> None:
        ort = load_onnxruntime()
        self._errors = _library_errors(ort)
        self._name = "The network" if isinstance(model, bytes) else Path(model).name
        if not isinstance(model, bytes) and not Path(model).is_file():
            raise ModelError(f"{model} is missing; reinstall masquerade.")
        names = resolve_providers(providers)
        source = model if isinstance(model, bytes) else str(model)
        try:
            self._session = ort.InferenceSession(source, _options(ort, threads), providers=names)
        except self._errors as error:
            raise ModelError(f"{self._name} cannot be loaded ({_first_line(error)}).") from error
        active = self._session.get_providers()
        if names[0] not in active:
            raise ModelError(
                f"{self._name} was to run on {names[0]}, but ONNX Runtime started {active[0]}. "
                "Check the driver and its libraries, or ask for the provider 'cpu'."
            )
        self.inputs: tuple[str, ...] = tuple(item.name for item in self._session.get_inputs())
        self.outputs: tuple[str, ...] = tuple(item.name for item in self._session.get_outputs())

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Results in the order of :attr:`outputs`.

        Args:
            feeds: one array for each name of :attr:`inputs`.

        Raises:
            ModelError: shapes or types do not fit the network, or it failed while running.
        """
        try:
            results: list[NDArray[Any]] = self._session.run(None, dict(feeds))
        except self._errors as error:
            raise ModelError(
                f"{self._name} failed while running ({_first_line(error)})."
            ) from error
        return results


@functools.cache
def _share_arena() -> None:
    """One arena for all networks of the process: they take turns in the same memory.

    It grows by what is asked for and not, as a session's own arena does, by powers of two.
    """
    ort = load_onnxruntime()
    kinds = ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    growth = {"arena_extend_strategy": 1, "max_mem": 0}
    automatic = dict.fromkeys(
        ("initial_chunk_size_bytes", "max_dead_bytes_per_chunk", "initial_growth_chunk_size_bytes"),
        -1,
    )
    ort.create_and_register_allocator(
        ort.OrtMemoryInfo("Cpu", *kinds), ort.OrtArenaCfg(growth | automatic)
    )


def _options(ort: Any, threads: int) -> Any:
    _share_arena()
    options = ort.SessionOptions()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.intra_op_num_threads = choose_threads(threads)
    options.inter_op_num_threads = 1
    # Threads of an idle network would otherwise spin and take the cores from the next one.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


def _library_errors(ort: Any) -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises; missing feeds are a plain ValueError."""
    state = ort.capi.onnxruntime_pybind11_state
    members = vars(state).values()
    own = tuple(m for m in members if isinstance(m, type) and issubclass(m, Exception))
    return (*own, ValueError)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
