"""Telling a failure for want of memory from every other failure of a library."""

from __future__ import annotations

from masquerade.core.errors import MemoryBudgetError, ModelError

__all__ = ["failure", "first_line", "is_exhaustion"]

_WORDS = (
    "failed to allocate memory",  # ONNX Runtime's arenas, on the processor and on devices
    "smaller than requested bytes",  # the same where a limit was set, as gpu_mem_limit
    "bad_alloc",  # what the C++ library throws, where nobody has put it otherwise
    "bad allocation",  # the same on Windows
    "failed to allocate",  # OpenVINO: "Failed to allocate 6400000000 bytes of memory"
    "out of memory",  # CUDA ("CUDA failure 2: out of memory"), HIP, Metal, Vulkan
    "outofmemory",  # TensorRT and hipErrorOutOfMemory
    "e_outofmemory",  # Direct3D
    "8007000e",  # Direct3D's number of it, which is all that some messages hold
    "not enough memory",  # Windows in its own words
    "alloc_failed",  # CUBLAS_STATUS_ALLOC_FAILED, CUDNN_STATUS_ALLOC_FAILED
    "cudaerrormemoryallocation",
    "cl_mem_object_allocation_failure",  # OpenCL, which OpenVINO uses on graphics devices
    "cl_out_of_resources",
    "cl_out_of_host_memory",
)


def is_exhaustion(error: BaseException) -> bool:
    """Whether a library failed for want of memory, on the processor or on a device."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return any(words in text for words in _WORDS)


def failure(label: str, what: str, error: BaseException) -> ModelError | MemoryBudgetError:
    """The error of this package for an error of a library.

    Args:
        label: the network, as messages call it.
        what: what it did not do: "cannot be loaded", "failed while running".
        error: as the library raised it.
    """
    if is_exhaustion(error):
        return MemoryBudgetError(
            f"There was not enough memory for {label} ({first_line(error)}). Close other programs,"
            " choose a smaller model or precision, or lower --max-memory or --max-vram, so that"
            " it is kept out in time."
        )
    return ModelError(f"{label} {what} ({first_line(error)}).")


def first_line(error: BaseException) -> str:
    """The part of an error of a library that tells something, on one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith("Exception from ")]
    return (telling or lines or [type(error).__name__])[0]
