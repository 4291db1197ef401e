"""Every option that an execution provider takes, so that a wrong one is an error.

ONNX Runtime takes unknown options of some providers without a word, and of others it refuses the
whole session. The names are of its documentation and sources as of version 1.32.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["KNOWN_OPTIONS", "KNOWN_VALUES", "WHOLE_NUMBERS"]

_CUDA = """
    device_id gpu_mem_limit arena_extend_strategy cudnn_conv_algo_search
    cudnn_conv_use_max_workspace cudnn_conv1d_pad_to_nc1d do_copy_in_default_stream
    has_user_compute_stream user_compute_stream use_ep_level_unified_stream enable_cuda_graph
    enable_skip_layer_norm_strict_mode prefer_nhwc use_tf32 fuse_conv_bias sdpa_kernel
    tunable_op_enable tunable_op_tuning_enable tunable_op_max_tuning_duration_ms
    gpu_external_alloc gpu_external_free gpu_external_empty_cache
"""
_TENSORRT = """
    device_id has_user_compute_stream user_compute_stream trt_max_partition_iterations
    trt_min_subgraph_size trt_max_workspace_size trt_fp16_enable trt_bf16_enable trt_int8_enable
    trt_int8_calibration_table_name trt_int8_use_native_calibration_table trt_dla_enable
    trt_dla_core trt_dump_subgraphs trt_engine_cache_enable trt_engine_cache_path
    trt_engine_cache_prefix trt_weight_stripped_engine_enable trt_onnx_model_folder_path
    trt_engine_decryption_enable trt_engine_decryption_lib_path trt_force_sequential_engine_build
    trt_context_memory_sharing_enable trt_layer_norm_fp32_fallback trt_timing_cache_enable
    trt_timing_cache_path trt_force_timing_cache trt_detailed_build_log
    trt_build_heuristics_enable trt_cuda_graph_enable trt_sparsity_enable
    trt_builder_optimization_level trt_auxiliary_streams trt_tactic_sources
    trt_extra_plugin_lib_paths trt_profile_min_shapes trt_profile_max_shapes
    trt_profile_opt_shapes trt_dump_ep_context_model trt_ep_context_file_path
    trt_ep_context_embed_mode trt_engine_hw_compatible trt_op_types_to_exclude trt_preview_features
"""
_OPENVINO = """
    device_type precision num_of_threads num_streams cache_dir load_config model_priority
    enable_opencl_throttling enable_qdq_optimizer disable_dynamic_shapes reshape_input layout
    dynamic_quantization_group_size
"""
_WEBGPU = """
    preferredLayout enableGraphCapture dawnBackendType deviceId powerPreference
    storageBufferCacheMode uniformBufferCacheMode queryResolveBufferCacheMode
    defaultBufferCacheMode validationMode forceCpuNodeNames enablePIXCapture preserveDevice
    enableInt64
"""
_MIGRAPHX = """
    device_id migraphx_fp16_enable migraphx_bf16_enable migraphx_fp8_enable migraphx_int8_enable
    migraphx_int8_calibration_table_name migraphx_use_native_calibration_table
    migraphx_save_compiled_model migraphx_save_compiled_path migraphx_load_compiled_model
    migraphx_load_compiled_path migraphx_model_cache_dir migraphx_exhaustive_tune
    migraphx_mem_limit migraphx_arena_extend_strategy
"""
_COREML = """
    ModelFormat MLComputeUnits RequireStaticInputShapes EnableOnSubgraphs SpecializationStrategy
    ProfileComputePlan AllowLowPrecisionAccumulationOnGPU ModelCacheDirectory
"""

KNOWN_OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # Ours, since ONNX Runtime's own processor provider has none that matter.
        "cpu": ("library", "winograd"),
        "cuda": tuple(_CUDA.split()),
        "tensorrt": tuple(_TENSORRT.split()),
        "directml": (
            "device_id",
            "performance_preference",
            "device_filter",
            "disable_metacommands",
        ),
        "coreml": tuple(_COREML.split()),
        "openvino": tuple(_OPENVINO.split()),
        "migraphx": tuple(_MIGRAPHX.split()),
        "webgpu": tuple(_WEBGPU.split()),
    }
)
"""By short name, in a sensible order. OpenVINO's ``dynamic_quantization_group_size`` is for the
package ``openvino`` only."""

KNOWN_VALUES: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(
    {
        ("cpu", "library"): ("auto", "onnxruntime", "openvino"),
        ("cpu", "winograd"): ("auto", "on", "off"),
    }
)
"""What options take whose values no library checks, by provider and option."""

WHOLE_NUMBERS = frozenset(
    {
        ("cuda", "gpu_mem_limit"),
        ("tensorrt", "trt_max_workspace_size"),
        ("migraphx", "migraphx_mem_limit"),
        ("openvino", "num_of_threads"),
    }
)
"""Options that take a whole number; those of memory in bytes."""
