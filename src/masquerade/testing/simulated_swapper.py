"""A whole swapper on simulated devices: it draws a visible face and takes the time it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.models.batching import Batching
from masquerade.models.catalogue import find_spec
from masquerade.models.swapper import Swapper
from masquerade.runtime.network import Port
from masquerade.runtime.spread import SpreadNetwork
from masquerade.testing.simulated_device import SimulatedDevice, SimulatedNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["simulated_swapper"]

_FLOAT = np.dtype(np.float32)


def simulated_swapper(
    devices: Sequence[SimulatedDevice],
    *,
    latency_ms: float = 20.0,
    per_item_ms: float = 1.0,
    batching: Batching | None = None,
    batch: int | None = None,
) -> Swapper:
    """An inswapper_128 that mixes the target with a tone of the donor.

    Args:
        devices: those that it is spread over.
        latency_ms: of every run.
        per_item_ms: of every face in it.
        batching: whether faces go together; never by default.
        batch: length of the first axis; None where any is taken.
    """
    ports = (
        Port("target", (batch, 3, 128, 128), _FLOAT),
        Port("source", (batch, 512), _FLOAT),
    )
    networks: list[Any] = [
        SimulatedNetwork(
            ports,
            (Port("output", (batch, 3, 128, 128), _FLOAT),),
            latency_ms,
            per_item_ms,
            device=device,
            compute=_painted,
        )
        for device in devices
    ]
    return Swapper(
        find_spec("inswapper_128"),
        networks[0] if len(networks) == 1 else SpreadNetwork(networks),
        embedder=_Colours(),
        emap=np.eye(512),
        batching=batching,
    )


def _painted(feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    tone = np.abs(feeds["source"]).mean(axis=1)[:, None, None, None] * 10
    return [feeds["target"] / 2 + tone / 2]


@dataclass(frozen=True)
class _Colours:
    """Tells donors apart by their colours; costs nothing."""

    def embed(
        self,
        pixels_bgr: NDArray[np.uint8],
        kps: NDArray[np.floating],  # noqa: ARG002 - an embedder's signature
    ) -> NDArray[np.float32]:
        rows = np.linspace(0, pixels_bgr.shape[0] - 1, 512).astype(int)
        return np.asarray(pixels_bgr[rows].mean(axis=(1, 2)), np.float32)

    def close(self) -> None:
        pass
