"""Which execution providers there are, and which package would bring a better one."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping

from masquerade.apps.doctor.finding import Finding
from masquerade.core.execution import Execution

__all__ = ["advise_providers", "executions"]

_SLOW_TO_START = frozenset({"tensorrt"})


def executions() -> dict[str, Execution]:
    """How to run a network exactly on each provider that is here, the processor first."""
    from masquerade.runtime.providers import installed_providers

    names = [name for name in installed_providers().short_names if name not in _SLOW_TO_START]
    names.sort(key=lambda name: name != "cpu")
    return {name: Execution(providers=(name,), precision="fp32") for name in names}


def advise_providers(
    ways: Mapping[str, Execution],
    *,
    nvidia: bool | None = None,
    platform: str = sys.platform,
) -> list[Finding]:
    """What is installed beside what this machine could have.

    Args:
        ways: by the provider's short name.
        nvidia: whether there is a graphics card of that maker; None looks for its tool.
        platform: as ``sys.platform`` says.
    """
    found = ", ".join(ways)
    has_card = shutil.which("nvidia-smi") is not None if nvidia is None else nvidia
    if has_card and "cuda" not in ways:
        missing = "an NVIDIA card is here, but not its provider: pip install 'masquerade[cuda]'"
    elif platform == "win32" and not {"cuda", "directml"} & set(ways):
        missing = "graphics cards on Windows need: pip install 'masquerade[directml]'"
    elif not {"cuda", "coreml", "directml", "openvino", "migraphx"} & set(ways):
        missing = "OpenVINO is often quicker on the processor: pip install openvino"
    else:
        return [Finding("providers", "ok", found)]
    return [Finding("providers", "advice", f"{found}; {missing}")]
