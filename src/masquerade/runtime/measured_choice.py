"""Which way of running a network is the quickest on this machine: measured once, remembered.

ONNX Runtime or OpenVINO, direct convolutions or Winograd's: which wins differs from processor to
processor and from network to network, by up to three times. So each is timed for a few runs when
a network is loaded for the first time.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from masquerade.core.errors import MemoryBudgetError, ModelError, ProviderError
from masquerade.runtime.candidates import Candidate
from masquerade.runtime.network import Network
from masquerade.runtime.opened import Opened
from masquerade.runtime.optimised_files import machine_facts
from masquerade.runtime.plausible_input import plausible_feeds
from masquerade.runtime.remembered import Remembered

__all__ = ["Choice", "choose", "forget_times", "remembered_ms", "time_network"]

_MARGIN = 0.95
"""A later way has to be quicker than the plainer ones by this much: timings vary by as much."""
_MOST_RUNS = 7
_PREFIX = "ms "
_REFUSED = -1.0
_ENOUGH_S = 0.5


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen.

    Attributes:
        candidate: the quickest that fits.
        times_ms: of every candidate that was timed, by name, the quickest first.
        measured_now: whether any was timed just now.
    """

    candidate: Candidate
    times_ms: dict[str, float]
    measured_now: bool

    @property
    def notice(self) -> str:
        """A sentence for the user; "" where nothing was compared just now."""
        if not self.measured_now or len(self.times_ms) < 2:
            return ""
        ways = ", ".join(f"{name} {ms:.1f} ms" for name, ms in self.times_ms.items())
        return f"It runs as {self.candidate.name}, as measured on this machine ({ways})."


def choose(
    candidates: Iterable[Candidate],
    threads: int,
    *,
    fits: Callable[[Candidate], bool],
    open_: Callable[[Candidate], Opened],
    clock: Callable[[], float] = time.perf_counter,
) -> Choice:
    """The quickest candidate that fits, from memory where it was measured before.

    Args:
        candidates: the plainest first.
        threads: of the network; other numbers of threads are measured anew.
        fits: whether there is memory for one now.
        open_: loads one; it is closed again after it was timed. One that fails is left out.
        clock: seconds, monotonic.
    """
    plainest, *others = candidates
    fitting = [candidate for candidate in (plainest, *others) if fits(candidate)]
    if len(fitting) < 2:  # where none fits, the budget says so when the plainest is opened
        return Choice((fitting or [plainest])[0], {}, measured_now=False)
    known = {candidate: _known(candidate, threads) for candidate in fitting}
    measured_now = False
    for candidate in fitting:
        if known[candidate] is None:
            known[candidate] = _measure(candidate, threads, open_, clock)
            measured_now = True
    best = plainest  # where all were refused, opening it tells why
    times_ms: dict[str, float] = {}
    for candidate, taken_ms in known.items():
        if taken_ms is None or taken_ms == _REFUSED:
            continue
        if best.name not in times_ms or taken_ms < _MARGIN * times_ms[best.name]:
            best = candidate
        times_ms[candidate.name] = taken_ms
    ordered = dict(sorted(times_ms.items(), key=lambda item: item[1]))
    return Choice(best, ordered, measured_now)


def _known(candidate: Candidate, threads: int) -> float | None:
    """What was remembered; :data:`_REFUSED` for a library that does not take the network."""
    value = candidate.file.remembered.get(_key(candidate, threads))
    return float(value) if isinstance(value, int | float) else None


def _measure(
    candidate: Candidate,
    threads: int,
    open_: Callable[[Candidate], Opened],
    clock: Callable[[], float],
) -> float | None:
    """Milliseconds of a run, remembered; None where there was not enough memory just now."""
    try:
        with open_(candidate) as opened:
            taken_ms = time_network(opened, clock) * 1000
    except MemoryBudgetError:
        return None
    except (ModelError, ProviderError):
        taken_ms = _REFUSED
    candidate.file.remembered.put(_key(candidate, threads), taken_ms)
    return taken_ms


def remembered_ms(digest: str) -> float | None:
    """Milliseconds of a run by the best way that was measured on this machine; None before.

    Args:
        digest: SHA-256 of the network's file.
    """
    known = Remembered(digest).matching(_PREFIX, _machine()).values()
    times_ms = [float(value) for value in known if isinstance(value, int | float)]
    return min((value for value in times_ms if value != _REFUSED), default=None)


def forget_times(digest: str) -> bool:
    """Have a network measured anew at its next load, for instance since the machine was busy.

    Args:
        digest: SHA-256 of its file.

    Returns:
        Whether any time of it was known.
    """
    return Remembered(digest).forget(_PREFIX)


def time_network(network: Network, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of one run: the least of a few, after one that does not count.

    Raises:
        ModelError: the network failed.
    """
    feeds = plausible_feeds(network.input_ports)
    network.run(feeds)
    least = float("inf")
    began = clock()
    for _ in range(_MOST_RUNS):
        start = clock()
        network.run(feeds)
        end = clock()
        least = min(least, end - start)
        if end - began > _ENOUGH_S:
            break
    return least


def _key(candidate: Candidate, threads: int) -> str:
    return f"{_PREFIX}{candidate.name}, {threads} threads, {_machine()}"


def _machine() -> str:
    return hashlib.sha256(machine_facts().encode()).hexdigest()[:12]
