"""Execution providers that are packages of their own and register into plain ONNX Runtime.

Unlike the built-in ones they are chosen by device and not by name: a library is registered once,
then ONNX Runtime lists the devices that it can drive.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import Any

from masquerade.core.errors import ProviderError
from masquerade.runtime.exhaustion import first_line
from masquerade.runtime.providers import load_onnxruntime, onnx_name

__all__ = ["add_plugin", "is_plugin"]

_MODULES = {"webgpu": "onnxruntime_ep_webgpu"}


def is_plugin(provider: str) -> bool:
    """Whether a provider is not one of ONNX Runtime's own."""
    return provider in _MODULES


def add_plugin(
    ort: Any, options: Any, provider: str, device_id: int, given: Mapping[str, str]
) -> None:
    """Put the device of a plug-in into the options of a session.

    Args:
        ort: the module onnxruntime.
        options: of the session; changed.
        provider: short name.
        device_id: place among the devices that the plug-in drives.
        given: the plug-in's options.

    Raises:
        ProviderError: the plug-in is not installed, or it drives no such device.
    """
    _register(provider)
    name = onnx_name(provider)
    devices = [device for device in ort.get_ep_devices() if device.ep_name == name]
    if device_id >= len(devices):
        raise ProviderError(
            f"The provider {provider!r} finds {len(devices)} devices here, so there is none of "
            f"number {device_id}. Check the graphics driver, or ask for the provider 'cpu'."
        )
    options.add_provider_for_devices([devices[device_id]], dict(given))


@functools.cache
def _register(provider: str) -> None:
    """Register the library once; it stays, since sessions may use it to the end."""
    ort = load_onnxruntime()
    try:
        plugin = importlib.import_module(_MODULES[provider])
        ort.register_execution_provider_library(onnx_name(provider), plugin.get_library_path())
    except ImportError as error:
        raise ProviderError(
            f"The provider {provider!r} is not installed. Run: pip install onnxruntime-ep-webgpu"
        ) from error
    except (RuntimeError, OSError, ort.capi.onnxruntime_pybind11_state.Fail) as error:
        raise ProviderError(
            f"The provider {provider!r} cannot be loaded ({first_line(error)}). "
            "Reinstall it: pip install --force-reinstall --no-deps onnxruntime-ep-webgpu"
        ) from error
