"""Where networks run, how exactly, and how much memory they may take: one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from masquerade.core.errors import SettingsError
from masquerade.core.shown_text import quoted

__all__ = ["LONGEST_IDLE_S", "NETWORK_ROLES", "PRECISIONS", "PROVIDERS", "Execution", "Precision"]

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

NETWORK_ROLES: tuple[str, ...] = (
    "swapper",
    "enhancer",
    "upscaler",
    "detector",
    "landmarker",
    "embedder",
    "converter",
    "masker",
)
"""What a brought network can be, each of which may have devices of its own."""

LONGEST_IDLE_S = 86_400.0
"""The longest time that may be set for an unused network to stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How the networks of the model library run. The small shipped networks stay on the CPU.

    Attributes:
        providers: short names of :data:`PROVIDERS` in order of preference; "auto" takes the best
            that works here and says which.
        device_ids: devices of that provider; each network is on all of them, and faces are spread
            over them.
        devices_of: other devices for the networks of a role of :data:`NETWORK_ROLES`, such as
            ``{"enhancer": (1,)}``: it then works on one face while the swapper draws the next.
        threads: threads of a network on the CPU; 0 chooses by the machine.
        precision: of the arithmetic; "auto" takes the best that keeps the picture. A network that
            cannot be had in it takes the nearest that is more exact, and says so.
        strict_precision: that is an error instead.
        allow_fallback: whether another provider may be used, said aloud, where one that was asked
            for is not active; else that is an error.
        max_memory_bytes: budget of the whole process; None sets none.
        max_vram_bytes: budget on the device; None sets none.
        idle_s: seconds after which an unused network is let go; 0 keeps it.
        options: further provider options by provider, as ONNX Runtime calls them; see
            ``runtime/known_options.py``.

    Raises:
        SettingsError: a value is out of range or unknown.

    >>> Execution(providers=("dml",)).providers
    ('directml',)
    """

    providers: tuple[str, ...] = ("auto",)
    device_ids: tuple[int, ...] = (0,)
    devices_of: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))
    threads: int = 0
    precision: Precision = "auto"
    strict_precision: bool = False
    allow_fallback: bool = False
    max_memory_bytes: int | None = None
    max_vram_bytes: int | None = None
    idle_s: float = 300.0
    options: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        names = tuple(_full_name(name) for name in self.providers)
        object.__setattr__(self, "providers", names)
        for name in (*names, *map(_full_name, self.options)):
            if name not in PROVIDERS:
                known = ", ".join((*PROVIDERS, "dml"))
                raise SettingsError(f"There is no provider {quoted(name)}; choose one of {known}.")
        if not names:
            raise SettingsError("No execution provider is named; name one, or 'auto'.")
        if self.precision not in PRECISIONS:
            raise SettingsError(
                f"precision is {quoted(self.precision)}; choose one of {', '.join(PRECISIONS)}."
            )
        self._check_devices()
        if not 0 <= self.threads <= 256:
            raise SettingsError(f"threads is {self.threads}; give a number from 0 to 256.")
        if not 0 <= self.idle_s <= LONGEST_IDLE_S:
            raise SettingsError(
                f"idle_s is {self.idle_s}; give seconds from 0 to {LONGEST_IDLE_S:.0f}."
            )
        for limit in (self.max_memory_bytes, self.max_vram_bytes):
            if limit is not None and limit <= 0:
                raise SettingsError("A memory limit must be above 0; leave it out for none.")

    def _check_devices(self) -> None:
        for role, ids in (("", self.device_ids), *self.devices_of.items()):
            if role and role not in NETWORK_ROLES:
                raise SettingsError(
                    f"No network is a {quoted(role)}; choose one of {', '.join(NETWORK_ROLES)}."
                )
            if not ids or min(ids) < 0:
                raise SettingsError("device ids are whole numbers from 0 on; give at least one.")

    @property
    def all_device_ids(self) -> tuple[int, ...]:
        """Every device that some network may be on, each once.

        >>> Execution(devices_of={"enhancer": (1,)}).all_device_ids
        (0, 1)
        """
        named = (self.device_ids, *self.devices_of.values())
        return tuple(dict.fromkeys(number for ids in named for number in ids))

    def of_role(self, role: str) -> Execution:
        """The same for one network, with the devices of its role alone."""
        ids = self.devices_of.get(role, self.device_ids)
        return replace(self, device_ids=ids, devices_of=MappingProxyType({}))


def _full_name(provider: str) -> str:
    name = provider.lower()
    return "directml" if name == "dml" else name
