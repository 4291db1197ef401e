"""What OpenVINO calls the options that ONNX Runtime has for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from masquerade.core.errors import SettingsError

__all__ = ["openvino_properties"]

_PRECISIONS = {"fp32": "f32", "int8": "f32", "fp16": "f16", "bf16": "bf16"}
_RENAMED = {
    "num_streams": "NUM_STREAMS",
    "dynamic_quantization_group_size": "DYNAMIC_QUANTIZATION_GROUP_SIZE",
    "model_priority": "MODEL_PRIORITY",
}


def openvino_properties(
    options: Mapping[str, str], *, device: str, precision: str, threads: int
) -> dict[str, Any]:
    """Properties to compile a network with.

    Args:
        options: of the provider "openvino", as ONNX Runtime calls them.
        device: CPU, GPU, NPU, AUTO, or one of them with a number.
        precision: of the arithmetic.
        threads: on the processor.

    Raises:
        SettingsError: ``load_config`` is not JSON.

    >>> openvino_properties({}, device="GPU", precision="fp16", threads=2)
    {'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_PRECISION_HINT': 'f16'}
    """
    # Without the hint a processor that can compute in bfloat16 does so, unasked.
    properties: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": _PRECISIONS[precision],
    }
    if device == "CPU":
        properties["INFERENCE_NUM_THREADS"] = int(options.get("num_of_threads", threads))
        # Pinned threads wait for their core while another program has it; free ones move on.
        properties["ENABLE_CPU_PINNING"] = False
        properties |= {_RENAMED[key]: options[key] for key in _RENAMED if key in options}
    elif "cache_dir" in options:
        # What was compiled for a device; on the processor loading anew is as quick.
        properties["CACHE_DIR"] = options["cache_dir"]
    return properties | _loaded(options.get("load_config", ""))


def _loaded(text: str) -> dict[str, Any]:
    """Further properties by their own names: a JSON object, by device or not."""
    if not text:
        return {}
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError(
            f"OpenVINO's option 'load_config' is no JSON ({error}). Give it as "
            '{"PROPERTY": "value"}, not as the name of a file.'
        ) from error
    if not isinstance(given, dict):
        raise SettingsError("OpenVINO's option 'load_config' is no JSON object.")
    properties: dict[str, Any] = {}
    for key, value in given.items():
        properties |= value if isinstance(value, dict) else {key: value}
    return properties
