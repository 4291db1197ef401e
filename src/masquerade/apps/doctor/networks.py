"""Networks on every provider that is here: where their nodes run, how fast, and how alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.apps.doctor.finding import Finding
from masquerade.core.errors import MasqueradeError
from masquerade.core.execution import Execution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.models.library import Installed
    from masquerade.runtime.network import Network

__all__ = ["compare_providers", "likeness_db", "look_at_models", "look_at_shipped"]

_RUNS, _LEAST_DB = 5, 35.0


def look_at_shipped(providers: Mapping[str, Execution]) -> list[Finding]:
    """The landmark network, which runs on every frame, on each provider.

    Args:
        providers: how to run it, by the provider's short name; "cpu" is what others are held to.
    """
    from masquerade.models.store import weight_path

    path = weight_path("landmarks")
    return compare_providers("landmarks", path, providers)


def look_at_models(installed: list[Installed], providers: Mapping[str, Execution]) -> list[Finding]:
    """Every installed model on each provider and in each precision that is installed."""
    findings = []
    for item in installed:
        findings += compare_providers(item.spec.name, item.path, providers)
    return findings


def compare_providers(
    name: str,
    path: Path,
    providers: Mapping[str, Execution],
    feeds: Mapping[str, NDArray[Any]] | None = None,
) -> list[Finding]:
    """One finding for each provider: the time of a run, and how far its result is from that of
    the processor in exact arithmetic.

    Args:
        name: of the network, for people.
        path: of its file.
        providers: how to run it, by the provider's short name, "cpu" first.
        feeds: what to feed; None makes noise that fits the ports.
    """
    findings, exact = [], None
    for short, execution in providers.items():
        label = f"{name} on {short}"
        try:
            took_ms, results, note = _try(path, execution, feeds)
        except MasqueradeError as error:
            findings.append(Finding(label, "broken", str(error)))
            continue
        found = f"{took_ms:.1f} ms{note}"
        if exact is None:
            exact = results
            findings.append(Finding(label, "ok", found))
            continue
        likeness = min(likeness_db(a, b) for a, b in zip(exact, results, strict=True))
        found += f", {likeness:.0f} dB from the processor"
        if likeness >= _LEAST_DB:
            findings.append(Finding(label, "ok", found))
        else:
            advice = f"{found}; that is too far: ask for --precision fp32 or another provider"
            findings.append(Finding(label, "advice", advice))
    return findings


def likeness_db(exact: NDArray[Any], other: NDArray[Any]) -> float:
    """Peak signal-to-noise ratio in dB, by the span of the exact values; minus infinity where the
    other holds what is no number.
    """
    from masquerade.runtime.parity import psnr_db

    a, b = exact.astype(np.float64), other.astype(np.float64)
    return psnr_db(float(np.mean((a - b) ** 2)), float(np.ptp(a)) or 1.0)


def _try(
    path: Path, execution: Execution, feeds: Mapping[str, NDArray[Any]] | None
) -> tuple[float, list[NDArray[Any]], str]:
    """Median milliseconds of a run, its results, and where the nodes run."""
    from masquerade.runtime.loader import load_network
    from masquerade.runtime.plausible_input import plausible_feeds

    network = load_network(path, execution)
    try:
        given = plausible_feeds(network.input_ports) if feeds is None else feeds
        results = network.run(given)
        times_ms = []
        for _ in range(_RUNS):
            started_s = time.perf_counter()
            network.run(given)
            times_ms.append(1000 * (time.perf_counter() - started_s))
        return statistics.median(times_ms), results, _placement(network)
    finally:
        network.close()


def _placement(network: Network) -> str:
    placement = getattr(network, "placement", None)
    if placement is None:
        return f", all of it on {network.provider} in {network.precision}"
    counts: Mapping[str, int] = placement()
    nodes = " and ".join(f"{count} nodes on {where}" for where, count in counts.items())
    return f", {nodes}, in {network.precision}"
