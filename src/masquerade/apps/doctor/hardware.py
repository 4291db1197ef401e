"""The machine beside what is advised for networks of hundreds of megabytes.

The advice is that of the article this project started from: a graphics device of 8 GB, six cores
with AVX2, 16 GB of memory. The built-in swapper needs none of it, so nothing here is an error.
"""

from __future__ import annotations

import contextlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from masquerade.apps.doctor.finding import Finding

__all__ = ["Machine", "look_at_hardware", "read_machine"]

_CORES, _MEMORY_GB, _DEVICE_GB = 6, 16, 8
_GB = 10**9
_SLACK = 0.93  # firmware keeps a part of what is built in, and makers count in powers of ten


@dataclass(frozen=True, slots=True)
class Machine:
    """What the checks are about.

    Attributes:
        system: such as ``Linux x86_64``.
        processor: its maker's name for it, empty where unknown.
        cores: that the process may use.
        vectors: the widest vector instructions: avx512, avx2, neon, or empty for none of them.
        memory_bytes: built in.
        devices: name and memory in bytes of each graphics device that is seen.
    """

    system: str
    processor: str
    cores: int
    vectors: str
    memory_bytes: int
    devices: tuple[tuple[str, int], ...] = ()


def read_machine() -> Machine:
    """This machine."""
    import psutil

    from masquerade.runtime.gauges import GpuWatcher

    with GpuWatcher() as watcher:
        devices = tuple((gpu.name, gpu.memory_total_bytes) for gpu in watcher.read() or ())
    affinity = getattr(os, "sched_getaffinity", None)
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor_name(),
        cores=len(affinity(0)) if affinity else os.cpu_count() or 1,
        vectors=_vectors(),
        memory_bytes=int(psutil.virtual_memory().total),
        devices=devices,
    )


def look_at_hardware(machine: Machine) -> list[Finding]:
    """Processor, memory and graphics devices, one finding each."""
    return [_processor(machine), _memory(machine), _devices(machine)]


def _processor(machine: Machine) -> Finding:
    name = " ".join(part for part in (machine.system, machine.processor) if part)
    found = f"{name}, {machine.cores} cores, {machine.vectors or 'no vector instructions'}"
    if machine.cores >= _CORES and machine.vectors:
        return Finding("processor", "ok", found)
    lacks = [] if machine.cores >= _CORES else [f"{_CORES} cores"]
    lacks += [] if machine.vectors else ["AVX2"]
    return Finding(
        "processor",
        "advice",
        f"{found}; {' and '.join(lacks)} are advised for brought networks on the processor. "
        "Let them draw key frames alone (--refresh auto), or take their int8 variants "
        "(masquerade models quantize).",
    )


def _memory(machine: Machine) -> Finding:
    found = f"{machine.memory_bytes / _GB:.0f} GB"
    if machine.memory_bytes >= _SLACK * _MEMORY_GB * _GB:
        return Finding("memory", "ok", found)
    return Finding(
        "memory",
        "advice",
        f"{found}; {_MEMORY_GB} GB are advised for brought networks. Set --max-memory to what may "
        "be taken: precision, sizes and enhancers are then lowered to fit.",
    )


def _devices(machine: Machine) -> Finding:
    if not machine.devices:
        return Finding(
            "graphics",
            "advice",
            "no graphics device is seen by NVIDIA's driver, so networks run on the processor "
            "or on what the installed ONNX Runtime offers. The built-in swapper needs none.",
        )
    found = ", ".join(f"{name} {memory / _GB:.0f} GB" for name, memory in machine.devices)
    if max(memory for _, memory in machine.devices) >= _SLACK * _DEVICE_GB * _GB:
        return Finding("graphics", "ok", found)
    return Finding(
        "graphics",
        "advice",
        f"{found}; {_DEVICE_GB} GB are advised for a swapper with an enhancer. Set --max-vram, or "
        "leave the enhancer out.",
    )


def _processor_name() -> str:
    """As its maker calls it; Linux keeps it where Python does not look."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def _vectors() -> str:
    import cv2

    # Those that OpenCV was built for; "?" marks what this processor lacks, "*" what it has.
    here = {word.strip("*").upper() for word in cv2.getCPUFeaturesLine().split() if "?" not in word}
    for name, feature in {"avx512": "AVX512-SKX", "avx2": "AVX2", "neon": "NEON"}.items():
        if feature in here:
            return name
    return ""
