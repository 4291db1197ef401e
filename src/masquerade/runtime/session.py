"""One network in ONNX Runtime, loaded and ready to run."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import MasqueradeError, ModelError, ProviderError
from masquerade.core.lifetimes import Closing
from masquerade.runtime.bound_runs import BoundRuns
from masquerade.runtime.exhaustion import failure, first_line
from masquerade.runtime.onnx_ports import ports_of, precision_of
from masquerade.runtime.plugin_providers import add_plugin, is_plugin
from masquerade.runtime.provider_options import ProviderSetup
from masquerade.runtime.providers import load_onnxruntime, onnx_name, resolve_providers
from masquerade.runtime.session_options import OptimisedModel, choose_threads, session_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["OptimisedModel", "Session", "choose_threads"]

_NOT_FOR_ONNX = frozenset({"library", "winograd", "dynamic_quantization_group_size"})


class Session(Closing):
    """A network on the execution providers that were asked for, and on no others.

    It is a :class:`~masquerade.runtime.network.Network`.

    Args:
        model: path of an ONNX file, or its bytes.
        threads: threads of this network; 0 chooses by the machine.
        providers: short names, tried by ONNX Runtime in this order.
        setup: instead of threads and providers: provider, options and rules.
        optimised: where the rewritten network is read from or left; ``model`` is not read where
            that is made.
        label: what messages call the network; "" takes the name of the file.

    Attributes:
        inputs: names of the inputs, in the order of the file.
        outputs: names of the outputs, in the order of the file.

    Raises:
        ModelError: the file is missing, damaged, or refused by ONNX Runtime.
        ProviderError: a provider is not there or does not start.
        MemoryBudgetError: there is not enough memory for it.
        RuntimeSetupError: ONNX Runtime is not set up.
    """

    def __init__(
        self,
        model: Path | str | bytes,
        *,
        threads: int = 0,
        providers: Sequence[str] = ("cpu",),
        setup: ProviderSetup | None = None,
        optimised: OptimisedModel | None = None,
        label: str = "",
    ) -> None:
        if setup is None:
            no_options: Mapping[str, str] = MappingProxyType({})
            chain = tuple((name.lower(), no_options) for name in providers)
            setup = ProviderSetup(chain=chain, threads=threads)
        ort = load_onnxruntime()
        self._errors = _library_errors(ort)
        self._label = label or ("The network" if isinstance(model, bytes) else Path(model).name)
        if optimised is not None and optimised.made:
            model = optimised.path
        if not isinstance(model, bytes) and not Path(model).is_file():
            raise ModelError(f"{model} is missing; reinstall masquerade, or pull the model again.")
        self._setup = setup
        source = model if isinstance(model, bytes) else str(model)
        self._session: Any = self._start(ort, source, optimised)
        self.input_ports = ports_of(self._session.get_inputs())
        self.output_ports = ports_of(self._session.get_outputs())
        self.inputs: tuple[str, ...] = tuple(port.name for port in self.input_ports)
        self.outputs: tuple[str, ...] = tuple(port.name for port in self.output_ports)
        self.precision: str = precision_of(self.input_ports + self.output_ports)
        self._turn = contextlib.nullcontext() if self._setup.concurrent else threading.Lock()
        self._bound = BoundRuns.of(ort, self._session, self)
        self._own: ThreadPoolExecutor | None = None
        if self._setup.captures:
            # ONNX Runtime keeps handles, workspaces and the recorded run of every thread that calls
            # it; so all runs are made by one, whoever asks for them.
            self._own = ThreadPoolExecutor(1, thread_name_prefix="masquerade-device")
            weakref.finalize(self, self._own.shutdown, wait=False)

    @property
    def provider(self) -> str:
        """Short name of what it runs on."""
        return self._setup.provider

    @property
    def devices(self) -> frozenset[str]:
        """The one that was meant; see :class:`~masquerade.runtime.network.Network`."""
        return frozenset({self._setup.device})

    @property
    def setup(self) -> ProviderSetup:
        """What it was opened with."""
        return self._setup

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Results in the order of :attr:`outputs`.

        Args:
            feeds: one array for each name of :attr:`inputs`.

        Raises:
            ModelError: shapes or types do not fit the network, it failed while running, or it is
                closed.
            MemoryBudgetError: there was not enough memory.
        """
        session, bound, own = self._session, self._bound, self._own
        if session is None:
            raise ModelError(f"{self._label} was closed; load it again.")

        def work() -> list[NDArray[Any]]:
            results = session.run(None, dict(feeds)) if bound is None else bound.run(feeds)
            return list(results)

        try:
            if own is not None:
                return own.submit(work).result()
            with self._turn:
                return work()
        except MasqueradeError:
            raise
        except self._errors as error:
            raise failure(self._label, "failed while running", error) from error

    def placement(self) -> Mapping[str, int]:
        """How many nodes each provider runs, by short name; those that were merged count as one.

        Raises:
            ModelError: it is closed.
        """
        if self._session is None:
            raise ModelError(f"{self._label} was closed; load it again.")
        counts: Counter[str] = Counter()
        for part in self._session.get_provider_graph_assignment_info():
            counts[_short_name(part.ep_name)] += len(part.get_nodes())
        return MappingProxyType(dict(counts))

    def close(self) -> None:
        """Let its memory go once the runs under way have ended; may be called twice."""
        self._session = self._bound = None
        if self._own is not None:
            self._own.shutdown(wait=False)

    def _start(self, ort: Any, source: str | bytes, optimised: OptimisedModel | None) -> Any:
        try:
            return self._open(ort, source, optimised)
        except MasqueradeError:
            raise
        except self._errors as error:
            if self._setup.captures and "graph capture" in str(error).lower():
                self._setup = self._setup.without_capture()
                return self._start(ort, source, optimised)
            if self._setup.provider != "cpu" and _is_about_provider(error):
                raise ProviderError(
                    f"The provider {self._setup.provider!r} does not start for {self._label} "
                    f"({first_line(error)}). Check its driver and libraries, ask for the provider "
                    "'cpu', or allow another with --allow-fallback."
                ) from error
            raise failure(self._label, "cannot be loaded", error) from error

    def _open(self, ort: Any, source: str | bytes, optimised: OptimisedModel | None) -> Any:
        options = session_options(ort, self._setup, optimised)
        wanted = self._setup.provider
        if is_plugin(wanted):
            add_plugin(ort, options, wanted, self._setup.device_id, self._setup.options)
            providers = None
        else:
            names = resolve_providers([name for name, _ in self._setup.chain])
            providers = [
                (name, {k: v for k, v in given.items() if k not in _NOT_FOR_ONNX})
                for name, (_, given) in zip(names, self._setup.chain, strict=True)
            ]
            if wanted in ("cuda", "tensorrt"):
                ort.preload_dlls()  # of CUDA and cuDNN that came as packages
        # Without `enable_fallback=0` it would start on the processor with a mere print.
        session = ort.InferenceSession(source, options, providers=providers, enable_fallback=0)
        active = session.get_providers()
        if onnx_name(wanted) not in active:
            raise ProviderError(
                f"{self._label} was to run on {wanted!r}, but ONNX Runtime started "
                f"{_short_name(active[0])!r}. Check the driver and its libraries, ask for the "
                "provider 'cpu', or allow another with --allow-fallback."
            )
        return session


def _library_errors(ort: Any) -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises; missing feeds are a plain ValueError."""
    state = ort.capi.onnxruntime_pybind11_state
    members = vars(state).values()
    own = tuple(m for m in members if isinstance(m, type) and issubclass(m, Exception))
    return (*own, ValueError, RuntimeError, MemoryError)


def _is_about_provider(error: Exception) -> bool:
    text = str(error).lower()
    return any(word in text for word in ("provider", "cuda failure", "driver", "no device"))


def _short_name(name: str) -> str:
    return name.removesuffix("ExecutionProvider").lower()
