"""Which onnxruntime is installed, and which execution provider a network runs on.

The builds of ONNX Runtime (CPU, CUDA, DirectML, ...) are packages that own the same folder
``onnxruntime``. Two of them together overwrite each other without a word, so the product asks the
package metadata before it imports the folder.
"""

from __future__ import annotations

import importlib
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import RuntimeSetupError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "RUNTIME_PACKAGES",
    "check_runtime_packages",
    "load_onnxruntime",
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

_PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "directml": "DmlExecutionProvider",
    "dml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
}


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
    module.set_default_logger_severity(3)
    return module


def resolve_providers(asked: Sequence[str], available: Sequence[str] | None = None) -> list[str]:
    """ONNX Runtime's names of the providers asked for, in order, each known to be there.

    Args:
        asked: short names (cpu, cuda, tensorrt, directml, dml, coreml, openvino, migraphx).
        available: ONNX Runtime's names; None asks the installed package.

    Raises:
        RuntimeSetupError: a name is unknown, or the installed package lacks that provider. Nothing
            falls back to another provider in silence.

    >>> resolve_providers(["cpu"], ["CPUExecutionProvider"])
    ['CPUExecutionProvider']
    """
    if available is None:
        available = load_onnxruntime().get_available_providers()
    names = []
    for short in asked:
        name = _PROVIDERS.get(short.lower())
        if name is None:
            known = ", ".join(sorted(_PROVIDERS))
            raise RuntimeSetupError(f"There is no provider {short!r}; choose one of {known}.")
        if name not in available:
            have = ", ".join(short for short, full in _PROVIDERS.items() if full in available)
            raise RuntimeSetupError(
                f"The provider {short!r} is not in the installed ONNX Runtime (it has: {have}). "
                f"Install the matching extra of masquerade, or ask for one that it has."
            )
        names.append(name)
    return names
