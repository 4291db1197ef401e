"""Networks that draw, watched while they run: a broken picture is an error and never shown.

Half precision overflows on some pictures and not on others, and drivers fail now and then, so one
look at the start does not tell all. Both ends of each picture's values are looked at after every
run: either is no number where any value is none, and they are the same where the picture is empty.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.core.errors import ModelError
from masquerade.core.lifetimes import Closing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.runtime.network import Port
    from masquerade.runtime.opened import LoadedNetwork

__all__ = ["WatchedNetwork", "picture_fault"]

_BAD_RUNS, _OF_THE_LAST = 3, 8
"""So many broken results of so many runs are no accident: the network is loaded in fp32."""


class WatchedNetwork(Closing):
    """A network that draws pictures; a :class:`~masquerade.runtime.opened.LoadedNetwork`.

    Args:
        network: runs; it belongs to this one from now on.
        label: what messages call it.
        exact: loads the same network in full precision; None where it is that, or there is none.
    """

    def __init__(
        self,
        network: LoadedNetwork,
        label: str,
        exact: Callable[[], LoadedNetwork] | None = None,
    ) -> None:
        self._network, self._label, self._exact = network, label, exact
        self._lock = threading.Lock()
        self._bad: deque[bool] = deque(maxlen=_OF_THE_LAST)
        self._told: tuple[str, ...] = ()

    @property
    def input_ports(self) -> tuple[Port, ...]:
        """In the order of the file."""
        return self._network.input_ports

    @property
    def output_ports(self) -> tuple[Port, ...]:
        """In the order of the file."""
        return self._network.output_ports

    @property
    def provider(self) -> str:
        """Short name of what it runs on."""
        return self._network.provider

    @property
    def precision(self) -> str:
        """Of the arithmetic; fp32 once the reduced one was given up."""
        return self._network.precision

    @property
    def devices(self) -> frozenset[str]:
        """See :class:`~masquerade.runtime.network.Network`."""
        return self._network.devices

    @property
    def notices(self) -> tuple[str, ...]:
        """How it was loaded, and that it was loaded anew."""
        return (*self._network.notices, *self._told)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Results in the order of :attr:`output_ports`, sound pictures all of them.

        Raises:
            ModelError: it failed, or a picture is broken.
            MemoryBudgetError: there was not enough memory.
        """
        network = self._network
        results = network.run(feeds)
        fault = picture_fault(results, feeds.values())
        self._bad.append(bool(fault))
        if fault and self._exact is not None and sum(self._bad) >= _BAD_RUNS:
            results = self._load_exact(network, fault).run(feeds)
            fault = picture_fault(results, feeds.values())
        if fault:
            remedy = (
                f"Check the file: `masquerade models verify {self._label}`."
                if self.precision == "fp32"
                else "Ask for --precision fp32."
            )
            raise ModelError(f"{self._label} {fault}, which is not shown. {remedy}")
        return results

    def placement(self) -> Mapping[str, int]:
        """How many nodes each provider runs, by short name."""
        return self._network.placement()

    def close(self) -> None:
        """Let it go; may be called twice."""
        self._network.close()

    def _load_exact(self, failed: LoadedNetwork, fault: str) -> LoadedNetwork:
        """The network in full precision; the other one goes when it is there."""
        with self._lock:
            if self._network is failed and self._exact is not None:
                self._network = self._exact()
                self._told = (
                    f"{self._label}: In {failed.precision} on {failed.provider} it {fault} again "
                    "and again, so fp32 is used from now on.",
                )
                self._exact = None
                failed.close()
            return self._network


def picture_fault(results: Iterable[NDArray[Any]], fed: Iterable[NDArray[Any]]) -> str:
    """What is wrong with the pictures among a network's results, in words; "" where nothing is.

    Args:
        results: of a run; what is no picture of three channels is not looked at.
        fed: what it was made of: an empty picture may be made of an empty one.
    """
    for result in results:
        if not _is_picture(result):
            continue
        low, high = _ends(result)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            return "gave values that are not numbers"
        empty = low == high
        if empty.any() and not _explained(empty, fed):
            return "gave an empty picture"
    return ""


def _explained(empty: NDArray[np.bool_], fed: Iterable[NDArray[Any]]) -> bool:
    """Whether the empty pictures were made of empty ones."""
    for values in fed:
        if _is_picture(values) and len(values) == len(empty):
            low, high = _ends(values)
            if (low == high)[empty].all():
                return True
    return False


def _is_picture(values: NDArray[Any]) -> bool:
    return values.ndim == 4 and values.dtype.kind == "f" and 3 in (values.shape[1], values.shape[3])


def _ends(pictures: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Least and largest value of each picture; both are no numbers where one value is none."""
    rows = pictures.reshape(len(pictures), -1)
    if rows.dtype == np.float16:  # numpy looks for its ends one by one
        rows = rows.astype(np.float32)
    with np.errstate(invalid="ignore"):
        return rows.min(axis=1), rows.max(axis=1)
