"""Where networks run, how exactly, and how much memory they may take: one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from masquerade.core.errors import SettingsError

__all__ = ["PRECISIONS", "PROVIDERS", "Execution", "Precision"]

Precision = Literal["auto", "fp32", "fp16", "bf16", "int8"]
PRECISIONS: tuple[str, ...] = ("auto", "fp32", "fp16", "bf16", "int8")

PROVIDERS: tuple[str, ...] = (
    "auto",
    "cpu",
    "cuda",
    "tensorrt",
    "coreml",
    "directml",
    "openvino",
    "migraphx",
    "webgpu",
)
"""Short names of the execution providers; ``dml`` is another name of ``directml``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How the networks of the model library run. The small shipped networks stay on the CPU.

    Attributes:
        providers: short names of :data:`PROVIDERS` in order of preference; "auto" takes the best
            that works here and says which.
        device_ids: devices of that provider; networks (or faces) are spread over them.
        threads: threads of a network on the CPU; 0 chooses by the machine.
        precision: of the arithmetic; "auto" takes the best that keeps the picture. A network that
            cannot be had in it takes the nearest that is more exact, and says so.
        strict_precision: that is an error instead.
        allow_fallback: whether another provider may be used, said aloud, where one that was asked
            for is not active; else that is an error.
        max_memory_bytes: budget of the whole process; None sets none.
        max_vram_bytes: budget on the device; None sets none.
        idle_s: seconds after which an unused network is let go.
        options: further provider options by provider, as ONNX Runtime calls them.

    Raises:
        SettingsError: a value is out of range or unknown.

    >>> Execution(providers=("dml",)).providers
    ('directml',)
    """

    providers: tuple[str, ...] = ("auto",)
    device_ids: tuple[int, ...] = (0,)
    threads: int = 0
    precision: Precision = "auto"
    allow_fallback: bool = False
    max_memory_bytes: int | None = None
    max_vram_bytes: int | None = None
    idle_s: float = 300.0
    options: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        names = tuple("directml" if n.lower() == "dml" else n.lower() for n in self.providers)
        object.__setattr__(self, "providers", names)
        for name in names:
            if name not in PROVIDERS:
                known = ", ".join((*PROVIDERS, "dml"))
                raise SettingsError(f"There is no provider {name!r}; choose one of {known}.")
        if not names:
            raise SettingsError("No execution provider is named; name one, or 'auto'.")
        if self.precision not in PRECISIONS:
            raise SettingsError(
                f"precision is {self.precision!r}; choose one of {', '.join(PRECISIONS)}."
            )
    strict_precision: bool = False
        if not self.device_ids or min(self.device_ids) < 0:
            raise SettingsError("device ids are whole numbers from 0 on; give at least one.")
        if not 0 <= self.threads <= 256:
            raise SettingsError(f"threads is {self.threads}; give a number from 0 to 256.")
        for limit in (self.max_memory_bytes, self.max_vram_bytes):
            if limit is not None and limit <= 0:
                raise SettingsError("A memory limit must be above 0; leave it out for none.")
