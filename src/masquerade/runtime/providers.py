"""Which execution providers this machine has, and which of them a network is to run on.

The builds of ONNX Runtime (CPU, CUDA, DirectML, ...) are packages that own the same folder
``onnxruntime``. Two of them together overwrite each other without a word, so the product asks the
package metadata before it imports the folder.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import ProviderError, RuntimeSetupError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from masquerade.core.execution import Execution

__all__ = [
    "RUNTIME_PACKAGES",
    "Installed",
    "check_runtime_packages",
    "installed_providers",
    "load_onnxruntime",
    "onnx_name",
    "resolve",
    "resolve_providers",
]

RUNTIME_PACKAGES = {
    "onnxruntime": "cpu",
    "onnxruntime-gpu": "cuda",
    "onnxruntime-directml": "directml",
    "onnxruntime-openvino": "openvino",
    "onnxruntime-migraphx": "migraphx",
    "onnxruntime-rocm": "migraphx",
    "onnxruntime-qnn": "cpu",
}
"""Every package that owns the folder ``onnxruntime``, and the extra of masquerade to take."""

_NAMES = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "directml": "DmlExecutionProvider",
    "dml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "webgpu": "WebGpuExecutionProvider",
}

_WAYS = {
    "cpu": "Run: pip install 'masquerade[cpu]'",
    "cuda": "Run: pip install 'masquerade[cuda]' (an NVIDIA card and its driver are needed)",
    "tensorrt": "Run: pip install 'masquerade[cuda]' and install TensorRT itself, which it needs",
    "directml": "Run: pip install 'masquerade[directml]' (on Windows)",
    "coreml": "It is part of ONNX Runtime on a Mac; run: pip install 'masquerade[cpu]' there",
    "openvino": "Run: pip install openvino",
    "migraphx": "Run: pip install 'masquerade[migraphx]' (an AMD card and ROCm are needed)",
    "webgpu": "Run: pip install onnxruntime-ep-webgpu (a graphics card is needed)",
}

_BEST_FIRST = ("cuda", "coreml", "directml", "migraphx", "webgpu", "cpu")
"""What "auto" tries. TensorRT is not among them: it compiles for minutes at the first load.
OpenVINO is not either: it stands in for "cpu" where it was measured to win."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What this environment has.

    Attributes:
        providers: ONNX Runtime's names of its own providers.
        openvino: whether the package ``openvino`` is there, which runs networks by itself.
        webgpu: whether the plug-in ``onnxruntime-ep-webgpu`` is there.
    """

    providers: frozenset[str]
    openvino: bool = False
    webgpu: bool = False

    def has(self, short: str) -> bool:
        """Whether a provider of that short name is there; the device may still be missing."""
        if short == "openvino" and self.openvino:
            return True
        if short == "webgpu" and self.webgpu:
            return True
        return _NAMES[short] in self.providers

    @property
    def short_names(self) -> list[str]:
        """All that are there."""
        return [short for short in _NAMES if short != "dml" and self.has(short)]


def onnx_name(short: str) -> str:
    """ONNX Runtime's name of a provider.

    >>> onnx_name("directml")
    'DmlExecutionProvider'
    """
    return _NAMES[short]


def check_runtime_packages(installed: Iterable[str] | None = None) -> str:
    """Name of the one installed ONNX Runtime package.

    Args:
        installed: package names to judge; None asks this environment.

    Raises:
        RuntimeSetupError: none is installed, or several that overwrite each other. The message
            holds the command that repairs it.
    """
    found = sorted(_installed_packages() if installed is None else installed)
    if not found:
        raise RuntimeSetupError(
            "ONNX Runtime is not installed, so no network can run. "
            "Run: pip install 'masquerade[cpu]' (or [cuda], [directml], [openvino], [migraphx])."
        )
    if len(found) > 1:
        extra = RUNTIME_PACKAGES[next((name for name in found if name != "onnxruntime"), found[0])]
        raise RuntimeSetupError(
            f"{' and '.join(found)} are installed together and overwrite each other. "
            f"Run: pip uninstall -y {' '.join(found)} && pip install 'masquerade[{extra}]'"
        )
    return found[0]


def _installed_packages() -> list[str]:
    found = []
    for name in RUNTIME_PACKAGES:
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found.append(name)
    return found


@cache
def load_onnxruntime() -> Any:
    """The module ``onnxruntime``, imported at the first call after the packages were checked.

    Raises:
        RuntimeSetupError: see :func:`check_runtime_packages`, or the installed package is broken.
    """
    package = check_runtime_packages()
    repair = f"Run: pip install --force-reinstall --no-deps {package}"
    try:
        module = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise RuntimeSetupError(f"{package} cannot be loaded ({error}). {repair}") from error
    if not hasattr(module, "InferenceSession"):
        raise RuntimeSetupError(f"{package} is installed but empty. {repair}")
    module.set_default_logger_severity(4)  # what fails is raised; it would be printed besides
    return module


@cache
def installed_providers() -> Installed:
    """What this environment has; asked once.

    Raises:
        RuntimeSetupError: ONNX Runtime is not set up.
    """
    return Installed(
        frozenset(load_onnxruntime().get_available_providers()),
        openvino=importlib.util.find_spec("openvino") is not None,
        webgpu=importlib.util.find_spec("onnxruntime_ep_webgpu") is not None,
    )


def resolve(
    execution: Execution, installed: Installed | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Short names of the providers to try, the best first, and what the user has to be told.

    A provider that is named has to be there; "auto", also after others, allows what is there.
    Each is tried in turn only where the one before does not start, see
    :func:`~masquerade.runtime.loader.load_network`.

    Args:
        execution: what was asked for.
        installed: what there is; None asks this environment.

    Raises:
        ProviderError: a provider that was asked for is not installed, and none may stand in. The
            message names what brings it.

    >>> from masquerade.core.execution import Execution
    >>> resolve(Execution(), Installed(frozenset({"CPUExecutionProvider"})))
    (('cpu',), ())
    """
    have = installed_providers() if installed is None else installed
    names: list[str] = []
    notices: list[str] = []
    for asked in execution.providers:
        if asked == "auto":
            names += [name for name in _BEST_FIRST if have.has(name)]
        elif have.has(asked):
            names.append(asked)
        elif execution.allow_fallback or "auto" in execution.providers:
            notices.append(f"The provider {asked!r} is not installed here, so another is used.")
        else:
            raise _missing(asked, have, several=len(execution.providers) > 1)
    if execution.allow_fallback:
        names += [name for name in _BEST_FIRST if have.has(name)]
    return tuple(dict.fromkeys(names)), tuple(notices)


def resolve_providers(asked: Sequence[str], available: Sequence[str] | None = None) -> list[str]:
    """ONNX Runtime's names of its own providers, in order, each known to be there.

    Args:
        asked: short names, as :data:`masquerade.core.execution.PROVIDERS` has them.
        available: ONNX Runtime's names; None asks the installed package.

    Raises:
        ProviderError: a name is unknown, or the installed package lacks that provider. Nothing
            falls back to another provider in silence.

    >>> resolve_providers(["cpu"], ["CPUExecutionProvider"])
    ['CPUExecutionProvider']
    """
    if available is None:
        available = load_onnxruntime().get_available_providers()
    have = Installed(frozenset(available))
    names = []
    for short in asked:
        name = _NAMES.get(short.lower())
        if name is None:
            known = ", ".join(sorted(_NAMES))
            raise ProviderError(f"There is no provider {short!r}; choose one of {known}.")
        if name not in available:
            raise _missing(short.lower(), have)
        names.append(name)
    return names


def _missing(short: str, have: Installed, *, several: bool = False) -> ProviderError:
    shown = "directml" if short == "dml" else short
    leave = " leave it out (all that are named must be there), or" if several else ""
    return ProviderError(
        f"The provider {short!r} is not in the installed ONNX Runtime "
        f"(it has: {', '.join(have.short_names)}). {_WAYS[shown]}; or{leave} allow another with "
        "--allow-fallback."
    )
