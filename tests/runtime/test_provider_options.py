from __future__ import annotations

from pathlib import Path

import pytest

from masquerade.core.errors import SettingsError
from masquerade.core.execution import PROVIDERS, Execution
from masquerade.runtime.known_options import KNOWN_OPTIONS
from masquerade.runtime.openvino_properties import openvino_properties
from masquerade.runtime.provider_options import ProviderSetup, provider_setup

CACHE = Path("/cache")


def setup(provider: str, execution: Execution | None = None, **case: object) -> ProviderSetup:
    return provider_setup(provider, execution or Execution(), cache=CACHE, **case)


@pytest.mark.parametrize("provider", [name for name in PROVIDERS if name != "auto"])
def test_every_option_is_a_known_one_and_a_string(provider: str) -> None:
    execution = Execution(max_vram_bytes=2**30, threads=3)
    for precision in ("fp32", "fp16", "bf16", "int8"):
        for name, options in setup(provider, execution, precision=precision).chain:
            assert set(options) <= set(KNOWN_OPTIONS[name])
            assert all(isinstance(value, str) for value in options.values())


def test_cuda_records_fixed_shapes_within_its_limit() -> None:
    execution = Execution(max_vram_bytes=4 * 2**30, precision="fp32")
    made = setup("cuda", execution, device_id=1, precision="fp32")
    assert dict(made.options) == {
        "device_id": "1",
        "arena_extend_strategy": "kSameAsRequested",
        "cudnn_conv_algo_search": "EXHAUSTIVE",
        "cudnn_conv_use_max_workspace": "0",
        "do_copy_in_default_stream": "1",
        "prefer_nhwc": "0",
        "use_tf32": "0",
        "enable_cuda_graph": "1",
        "gpu_mem_limit": str(4 * 2**30),
    }
    assert (made.binds, made.device_id, made.captures, made.concurrent) == ("cuda", 1, True, False)


def test_cuda_records_nothing_where_shapes_vary() -> None:
    made = setup("cuda", fixed_shapes=False, precision="fp16")
    assert made.options["enable_cuda_graph"] == "0"
    assert made.options["cudnn_conv_algo_search"] == "HEURISTIC"
    assert made.options["prefer_nhwc"] == "1"
    assert made.options["use_tf32"] == "1"
    assert (made.binds, made.memory_pattern, made.concurrent) == ("", False, True)


def test_without_capture_keeps_the_rest() -> None:
    made = setup("tensorrt").without_capture()
    assert not made.captures
    assert made.concurrent
    for _, options in made.chain:
        assert not any("cuda_graph" in key for key in options)
    assert made.options["trt_engine_cache_enable"] == "1"


def test_a_stream_of_the_user_is_switched_on() -> None:
    given = Execution(options={"cuda": {"user_compute_stream": "1234", "enable_cuda_graph": "0"}})
    made = setup("cuda", given)
    assert made.options["has_user_compute_stream"] == "1"
    assert made.options["user_compute_stream"] == "1234"
    assert not made.captures


def test_tensorrt_keeps_its_engines_and_hands_nodes_to_cuda() -> None:
    made = setup("tensorrt", Execution(max_vram_bytes=2**31), precision="fp16")
    assert [name for name, _ in made.chain] == ["tensorrt", "cuda"]
    expected = {
        "trt_fp16_enable": "1",
        "trt_layer_norm_fp32_fallback": "1",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(CACHE / "tensorrt"),
        "trt_timing_cache_enable": "1",
        "trt_max_workspace_size": str(2**30),
    }
    assert expected.items() <= dict(made.options).items()


@pytest.mark.parametrize("asked", ["directml", "dml"])
def test_directml_runs_one_at_a_time_without_a_memory_plan(asked: str) -> None:
    made = setup("directml", Execution(options={asked: {"device_filter": "npu"}}), device_id=2)
    assert made.options["device_id"] == "2"
    assert made.options["device_filter"] == "npu"
    assert not made.memory_pattern
    assert not made.concurrent


def test_coreml_takes_the_newer_format_and_keeps_it() -> None:
    options = setup("coreml").options
    assert options["ModelFormat"] == "MLProgram"
    assert options["MLComputeUnits"] == "ALL"
    assert options["RequireStaticInputShapes"] == "1"
    assert options["ModelCacheDirectory"] == str(CACHE / "coreml")
    assert setup("coreml", fixed_shapes=False).options["RequireStaticInputShapes"] == "0"


def test_migraphx_keeps_what_took_minutes() -> None:
    options = setup("migraphx", precision="fp16").options
    assert options["migraphx_model_cache_dir"] == str(CACHE / "migraphx")
    assert options["migraphx_fp16_enable"] == "1"


def test_openvino_is_exact_unless_asked() -> None:
    options = setup("openvino", Execution(threads=2)).options
    assert options["device_type"] == "CPU"
    assert options["precision"] == "FP32"
    assert options["num_of_threads"] == "2"
    assert options["dynamic_quantization_group_size"] == "0"
    graphics = Execution(options={"openvino": {"device_type": "GPU"}})
    assert setup("openvino", graphics, device_id=1).options["device_type"] == "GPU.1"


def test_openvino_properties_by_their_own_names() -> None:
    options = {
        "num_of_threads": "3",
        "num_streams": "1",
        "cache_dir": "/cache",
        "load_config": '{"CPU": {"PERF_COUNT": "YES"}, "LOG_LEVEL": "LOG_ERROR"}',
    }
    made = openvino_properties(options, device="CPU", precision="bf16", threads=2)
    assert made == {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16",
        "INFERENCE_NUM_THREADS": 3,
        "ENABLE_CPU_PINNING": False,
        "NUM_STREAMS": "1",
        "PERF_COUNT": "YES",
        "LOG_LEVEL": "LOG_ERROR",
    }
    device = openvino_properties(options, device="GPU.0", precision="fp16", threads=2)
    assert device["CACHE_DIR"] == "/cache"
    assert "INFERENCE_NUM_THREADS" not in device


@pytest.mark.parametrize("text", ["settings.json", "[1]"])
def test_a_file_name_is_no_configuration(text: str) -> None:
    with pytest.raises(SettingsError, match="JSON"):
        openvino_properties({"load_config": text}, device="CPU", precision="fp32", threads=1)


def test_an_unknown_option_names_the_known_ones() -> None:
    wrong = Execution(options={"cuda": {"gpu_memory_limit": "1"}})
    with pytest.raises(SettingsError, match=r"'gpu_memory_limit'.*gpu_mem_limit"):
        setup("cuda", wrong)
    # The table of another provider is not looked at.
    assert setup("cpu", wrong).provider == "cpu"
