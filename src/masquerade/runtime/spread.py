"""One network on several devices."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import ModelError
from masquerade.core.lifetimes import Closing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.runtime.network import Port
    from masquerade.runtime.opened import LoadedNetwork

__all__ = ["SpreadNetwork"]


class SpreadNetwork(Closing):
    """Hands each run to the device that has the least to do, in turn where they are equal.

    It is a :class:`~masquerade.runtime.opened.LoadedNetwork`. Runs that come from one thread come
    one after the other, so it takes as many threads as devices to keep all of them busy.

    Args:
        networks: the same network on each device; they belong to this one from now on.

    Raises:
        ModelError: there is none.
    """

    def __init__(self, networks: Sequence[LoadedNetwork]) -> None:
        if not networks:
            raise ModelError("A network has to be loaded on one device at least.")
        self._networks = tuple(networks)
        self._lock = threading.Lock()
        self._under_way = [0] * len(networks)
        self._next = 0

    @property
    def input_ports(self) -> tuple[Port, ...]:
        """In the order of the file."""
        return self._networks[0].input_ports

    @property
    def output_ports(self) -> tuple[Port, ...]:
        """In the order of the file."""
        return self._networks[0].output_ports

    @property
    def provider(self) -> str:
        """Short name of what the first runs on."""
        return self._networks[0].provider

    @property
    def precision(self) -> str:
        """Of the first."""
        return self._networks[0].precision

    @property
    def devices(self) -> frozenset[str]:
        """Those of all of them."""
        return frozenset().union(*(network.devices for network in self._networks))

    @property
    def notices(self) -> tuple[str, ...]:
        """Of all of them, each once."""
        return tuple(dict.fromkeys(text for network in self._networks for text in network.notices))

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Results of one of the devices.

        Raises:
            ModelError: see the network.
            MemoryBudgetError: see the network.
        """
        place = self._take()
        try:
            return self._networks[place].run(feeds)
        finally:
            with self._lock:
                self._under_way[place] -= 1

    def placement(self) -> Mapping[str, int]:
        """How many nodes each provider runs, over all devices."""
        counts: Counter[str] = Counter()
        for network in self._networks:
            counts.update(network.placement())
        return MappingProxyType(dict(counts))

    def close(self) -> None:
        """Let the memory of all devices go; may be called twice."""
        for network in self._networks:
            network.close()

    def _take(self) -> int:
        with self._lock:
            count = len(self._networks)
            turns = [(self._next + step) % count for step in range(count)]
            place = min(turns, key=lambda number: self._under_way[number])
            self._under_way[place] += 1
            self._next = (place + 1) % count
            return place
