"""The settings of an ONNX Runtime session: threads, memory, and its kept rewriting."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.runtime.budget import process_budget
from masquerade.runtime.providers import load_onnxruntime

if TYPE_CHECKING:
    from masquerade.runtime.provider_options import ProviderSetup

__all__ = ["OptimisedModel", "choose_threads", "session_options", "usable_cores"]

_MOST_THREADS = 4


def choose_threads(asked: int = 0) -> int:
    """Threads of one network: ``asked``, or half the cores (1 to 4) for 0.

    Half, since detection, drawing and coding run side by side; and the networks are small: more
    than four threads wait for each other longer than they compute.
    """
    if asked > 0:
        return asked
    return max(1, min(_MOST_THREADS, usable_cores() // 2))


def usable_cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class OptimisedModel:
    """Where ONNX Runtime's own rewriting of a network is kept.

    Args:
        path: of the ONNX file; its weights are beside it.
        made: whether it is there already, so that nothing is left to rewrite.
    """

    WEIGHTS = "weights.bin"

    def __init__(self, path: Path, *, made: bool) -> None:
        self.path, self.made = path, made

    def prepare(self, ort: Any, options: Any) -> None:
        """Have a session write it, or load it as it is."""
        if self.made:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
            return
        options.optimized_model_filepath = str(self.path)
        # Weights beside the graph are mapped and not copied, which loads about 25 times as fast.
        prefix = "session.optimized_model_external_initializers"
        options.add_session_config_entry(f"{prefix}_file_name", self.WEIGHTS)
        options.add_session_config_entry(f"{prefix}_min_size_in_bytes", "1024")


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


def session_options(ort: Any, setup: ProviderSetup, optimised: OptimisedModel | None) -> Any:
    """ONNX Runtime's ``SessionOptions`` for one network.

    Args:
        ort: the module onnxruntime.
        setup: threads and rules of its provider.
        optimised: where ONNX Runtime's rewriting is read from or left.
    """
    options = ort.SessionOptions()
    limited = optimised is not None and process_budget().limit_bytes is not None
    if limited or not setup.arena:
        # The arena keeps what the largest network has ever needed, even after that one is closed.
        # Within a limit memory is given back after each run, for a few per cent of its time.
        options.enable_cpu_mem_arena = False
    else:
        _share_arena()
        options.add_session_config_entry("session.use_env_allocators", "1")
    options.intra_op_num_threads = choose_threads(setup.threads)
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = setup.memory_pattern
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # Threads of an idle network would otherwise spin and take the cores from the next one.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    if optimised is not None:
        optimised.prepare(ort, options)
    return options
