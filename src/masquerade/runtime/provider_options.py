"""The options that each execution provider is opened with, as one table of plain values.

Nothing here asks a library or a device: an :class:`Execution` goes in, strings come out. The
options and their meaning are ONNX Runtime's (docs/execution-providers of its site). What the user
gives in ``Execution.options`` stands above what is chosen here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from masquerade.core.execution import Execution
from masquerade.runtime.given_options import check_option

__all__ = ["ProviderSetup", "has_numbers", "provider_setup"]

_ON, _OFF = "1", "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSetup:
    """What a session is opened with.

    Attributes:
        chain: short names of providers with their options. Nodes that the first does not take go
            to the next; the processor takes the rest.
        threads: on the processor; 0 chooses by the machine.
        memory_pattern: whether the memory plan of one shape is kept for the next run.
        arena: whether the memory itself is kept, for the next run of any network; else it is given
            back after each run.
        concurrent: whether several threads may run it at a time.
        binds: name of the device that inputs and outputs are bound to ("cuda"), so that their
            addresses stay; "" leaves them to ONNX Runtime.
        device_id: of that device.
        captures: whether the work of a run is recorded once and replayed (CUDA graphs).
    """

    chain: tuple[tuple[str, Mapping[str, str]], ...] = (("cpu", MappingProxyType({})),)
    threads: int = 0
    memory_pattern: bool = True
    arena: bool = True
    concurrent: bool = True
    binds: str = ""
    device_id: int = 0
    captures: bool = False

    @property
    def provider(self) -> str:
        """The one that was meant."""
        return self.chain[0][0]

    @property
    def options(self) -> Mapping[str, str]:
        """Options of the one that was meant."""
        return self.chain[0][1]

    @property
    def device(self) -> str:
        """What the device is called, the same for all providers that run on it: ``cuda:0``."""
        if self.provider == "openvino":
            kind = self.options.get("device_type", "CPU")
            return "cpu" if kind == "CPU" else f"openvino:{kind}"
        name = "cuda" if self.provider == "tensorrt" else self.provider
        return f"{name}:{self.device_id}" if has_numbers(name) else name

    def without_capture(self) -> ProviderSetup:
        """The same for a network that cannot be recorded, since some nodes run elsewhere."""
        chain = tuple(
            (name, MappingProxyType({k: v for k, v in options.items() if "cuda_graph" not in k}))
            for name, options in self.chain
        )
        return ProviderSetup(
            chain=chain,
            threads=self.threads,
            memory_pattern=self.memory_pattern,
            device_id=self.device_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    execution: Execution
    device_id: int
    cache: Path
    precision: str
    fixed_shapes: bool

    @property
    def half(self) -> bool:
        return self.precision == "fp16"


def provider_setup(
    provider: str,
    execution: Execution,
    *,
    device_id: int = 0,
    cache: Path,
    precision: str = "fp32",
    fixed_shapes: bool = True,
) -> ProviderSetup:
    """Options and rules of one provider.

    Args:
        provider: short name, not "auto".
        execution: limits, threads and the user's own options.
        device_id: which of the provider's devices.
        cache: folder where the provider may keep what it compiled.
        precision: of the arithmetic: fp32, fp16, bf16 or int8.
        fixed_shapes: whether the network takes inputs of one shape only.

    Raises:
        SettingsError: the user gave an option that the provider does not have.
    """
    case = _Case(
        execution=execution,
        device_id=device_id,
        cache=cache,
        precision=precision,
        fixed_shapes=fixed_shapes,
    )
    chain = tuple(
        (name, MappingProxyType(_given(name, execution, _OPTIONS[name](case))))
        for name in (("tensorrt", "cuda") if provider == "tensorrt" else (provider,))
    )
    options = chain[0][1]
    captures = _ON in (options.get("enable_cuda_graph"), options.get("trt_cuda_graph_enable"))
    return ProviderSetup(
        chain=chain,
        threads=execution.threads,
        # A plan of memory is of use for one shape only, and DirectML and WebGPU forbid it.
        memory_pattern=fixed_shapes and provider not in ("directml", "webgpu"),
        # What was recorded reads and writes the same addresses at every run: one run at a time.
        concurrent=provider != "directml" and not captures,
        binds="cuda" if provider in ("cuda", "tensorrt") and fixed_shapes else "",
        device_id=device_id,
        captures=captures,
    )


def has_numbers(provider: str, options: Mapping[str, Mapping[str, str]] | None = None) -> bool:
    """Whether there may be several devices of a provider, told apart by their numbers. A processor
    is one device, and OpenVINO counts graphics devices only.

    Args:
        provider: short name.
        options: those of the user, by provider.
    """
    if provider == "openvino":
        return (options or {}).get("openvino", {}).get("device_type") == "GPU"
    return provider not in ("cpu", "coreml")


def _given(provider: str, execution: Execution, chosen: dict[str, str]) -> dict[str, str]:
    """What is chosen here, with what the user has given above it."""
    names = ("directml", "dml") if provider == "directml" else (provider,)
    given = {k: str(v) for name in names for k, v in execution.options.get(name, {}).items()}
    for key, value in given.items():
        check_option(provider, key, value)
    if given.get("user_compute_stream"):
        given.setdefault("has_user_compute_stream", _ON)
    if given.get("device_type") == "GPU":
        del given["device_type"]  # chosen with the number of the device
    return chosen | given


def _cpu(_case: _Case) -> dict[str, str]:
    return {}


def _cuda(case: _Case) -> dict[str, str]:
    limit = case.execution.max_vram_bytes
    options = {
        "device_id": str(case.device_id),
        # By powers of two, the default, it would take up to twice what is needed.
        "arena_extend_strategy": "kSameAsRequested",
        # The thorough search takes seconds for every new shape, so only where there is one.
        "cudnn_conv_algo_search": "EXHAUSTIVE" if case.fixed_shapes else "HEURISTIC",
        "cudnn_conv_use_max_workspace": _ON if limit is None else _OFF,
        "do_copy_in_default_stream": _ON,
        "prefer_nhwc": _ON if case.half else _OFF,  # tensor cores want channels last
        # TF32 keeps 10 bits of the fraction: not what "fp32" asks for.
        "use_tf32": _OFF if case.execution.precision == "fp32" else _ON,
        "enable_cuda_graph": _ON if case.fixed_shapes else _OFF,
    }
    return options if limit is None else options | {"gpu_mem_limit": str(limit)}


def _tensorrt(case: _Case) -> dict[str, str]:
    limit = case.execution.max_vram_bytes
    folder = str(case.cache / "tensorrt")
    options = {
        "device_id": str(case.device_id),
        "trt_fp16_enable": _ON if case.half else _OFF,
        "trt_bf16_enable": _ON if case.precision == "bf16" else _OFF,
        "trt_int8_enable": _ON if case.precision == "int8" else _OFF,
        # GFPGAN and GPEN overflow in half precision without it.
        "trt_layer_norm_fp32_fallback": _ON if case.half else _OFF,
        "trt_engine_cache_enable": _ON,
        "trt_engine_cache_path": folder,
        "trt_timing_cache_enable": _ON,
        "trt_timing_cache_path": folder,
        "trt_builder_optimization_level": "3",
        "trt_context_memory_sharing_enable": _ON,
        "trt_cuda_graph_enable": _ON if case.fixed_shapes else _OFF,
    }
    return options if limit is None else options | {"trt_max_workspace_size": str(limit // 2)}


def _directml(case: _Case) -> dict[str, str]:
    return {
        "device_id": str(case.device_id),
        "performance_preference": "high_performance",
        "device_filter": "gpu",
    }


def _coreml(case: _Case) -> dict[str, str]:
    return {
        "ModelFormat": "MLProgram",
        "MLComputeUnits": "ALL",
        "RequireStaticInputShapes": _ON if case.fixed_shapes else _OFF,
        "EnableOnSubgraphs": _OFF,
        "SpecializationStrategy": "FastPrediction",
        "AllowLowPrecisionAccumulationOnGPU": _ON if case.half else _OFF,
        "ModelCacheDirectory": str(case.cache / "coreml"),
    }


def _openvino(case: _Case) -> dict[str, str]:
    device = case.execution.options.get("openvino", {}).get("device_type", "CPU")
    options = {
        "device_type": f"{device}.{case.device_id}" if device == "GPU" else device,
        "precision": {"fp16": "FP16", "bf16": "BF16"}.get(case.precision, "FP32"),
        "num_streams": _ON,
        "cache_dir": str(case.cache / "openvino"),
        # It would quantise what goes into matrix products, unasked.
        "dynamic_quantization_group_size": _OFF,
    }
    threads = case.execution.threads
    return options | {"num_of_threads": str(threads)} if threads else options


def _migraphx(case: _Case) -> dict[str, str]:
    return {
        "device_id": str(case.device_id),
        "migraphx_fp16_enable": _ON if case.half else _OFF,
        "migraphx_int8_enable": _OFF,
        "migraphx_exhaustive_tune": _OFF,
        "migraphx_model_cache_dir": str(case.cache / "migraphx"),
    }


def _webgpu(_case: _Case) -> dict[str, str]:
    return {
        "preferredLayout": "NHWC",
        "enableGraphCapture": _OFF,
        "storageBufferCacheMode": "bucket",
        "powerPreference": "high-performance",
    }


_OPTIONS: Mapping[str, Callable[[_Case], dict[str, str]]] = {
    "cpu": _cpu,
    "cuda": _cuda,
    "tensorrt": _tensorrt,
    "directml": _directml,
    "coreml": _coreml,
    "openvino": _openvino,
    "migraphx": _migraphx,
    "webgpu": _webgpu,
}
