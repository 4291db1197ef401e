"""Whether the execution providers that were asked for are there, also where no network is brought.

The built-in networks run on the processor by design: each takes a millisecond or two there, which
is about what carrying a frame to a device and back would take. Whoever asks for a device still has
to learn that it does not work here, and not weeks later with the first brought model.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from masquerade.models.store import weight_path
from masquerade.runtime.loader import load_network
from masquerade.runtime.providers import resolve

if TYPE_CHECKING:
    from masquerade.core.execution import Execution

__all__ = ["check_providers", "prove_active"]

_PROBE = "landmarks"
"""The built-in network that is started on a provider: every frame with a face runs it."""
_BY_THEMSELVES = frozenset({"auto", "cpu"})
"""Names that ask for nothing beyond what the built-in networks need anyway."""


def check_providers(execution: Execution) -> None:
    """Make sure, before anything is loaded, that what was asked for is installed; this is quick.

    Raises:
        ProviderError: a provider that was asked for is not installed, and none may stand in.
        RuntimeSetupError: ONNX Runtime is not set up.
    """
    if not _BY_THEMSELVES.issuperset(execution.providers):
        resolve(execution)


def prove_active(execution: Execution) -> tuple[str, ...]:
    """Start a built-in network on the provider that was asked for, where no brought one does so.

    Returns:
        What the user has to be told, a sentence each; nothing where no provider was named. With
        "auto" among the names nothing is started, since no name is insisted on.

    Raises:
        ProviderError: the provider is not installed or does not start, and none may stand in.
        RuntimeSetupError: ONNX Runtime is not set up.
        SettingsError: an option of the provider is unknown.
    """
    if _BY_THEMSELVES.issuperset(execution.providers):
        return ()
    if "auto" in execution.providers:
        return resolve(execution)[1]  # whichever works will do
    plain = replace(
        execution,
        precision="fp32",
        max_memory_bytes=None,
        max_vram_bytes=None,
        # Where the processor stands in, its libraries need not be compared.
        options={**execution.options, "cpu": {"library": "onnxruntime", "winograd": "off"}},
    )
    label = "The built-in landmark network"
    network = load_network(weight_path(_PROBE), plain, label=label)
    provider, notices = network.provider, network.notices
    network.close()
    told = tuple(text.removeprefix(f"{label}: ") for text in notices)
    if provider not in execution.providers:
        return told
    return (
        *told,
        f"The provider {provider!r} works here, but the built-in networks run on the processor: "
        "providers concern the models that are brought (`masquerade models list`).",
    )
