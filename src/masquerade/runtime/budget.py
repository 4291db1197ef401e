"""How much memory networks and frames may take, asked before it is taken.

There are two budgets: one of the process (``--max-memory``) and one of the device (``--max-vram``).
Whoever is about to take much asks first, so that a job that cannot fit ends with a sentence and
not with the system ending the process. The limit is kept by asking, not by the system:
``RLIMIT_AS`` and its kind also count what libraries merely reserve, and end them in places that
cannot be mapped to an error.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass

from masquerade.core.errors import MemoryBudgetError
from masquerade.core.lifetimes import Closing
from masquerade.runtime.memory import free_machine_bytes, resident_bytes, return_freed_memory

__all__ = ["Admission", "Budget", "BudgetReport", "Claim", "device_budget", "process_budget"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What one owner takes: expected before it is there, measured afterwards."""

    label: str
    claim_bytes: int
    settled: bool


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """A budget at one moment.

    Attributes:
        limit_bytes: None where no limit was set.
        taken_bytes: in use, and expected soon.
        free_bytes: what may still be asked for.
        claims: of the owners, the largest first.
    """

    limit_bytes: int | None
    taken_bytes: int
    free_bytes: int
    claims: tuple[Claim, ...]


class Budget:
    """Admits owners of memory as long as they fit. May be used from several threads.

    What counts as taken is what is measured, plus what was admitted and is not there yet, plus the
    most that one owner takes passingly while it works: owners work in turns. Growth since an owner
    was admitted is taken to be that owner's, until it settles.

    Args:
        option: of the command line that sets the limit, for messages.
        measure: bytes taken now; None where that cannot be measured: then the owners' own figures
            are all there is.
        available: bytes that the machine or device has left, whoever took the others.
    """

    def __init__(
        self, option: str, measure: Callable[[], int] | None, available: Callable[[], int]
    ) -> None:
        self._option, self._measure, self._available = option, measure, available
        self._lock = threading.RLock()
        self._limit: int | None = None
        self._admissions: list[Admission] = []
        self._base_bytes = 0
        self._reliefs: list[weakref.WeakMethod[Callable[[], None]]] = []

    @property
    def limit_bytes(self) -> int | None:
        """What :meth:`set_limit` has set."""
        return self._limit

    def set_limit(self, limit_bytes: int | None) -> None:
        """Grant so many bytes in all; None grants what the machine has. What is in use stays."""
        with self._lock:
            self._limit = limit_bytes

    @property
    def taken_bytes(self) -> int:
        """In use, and expected soon."""
        with self._lock:
            return self._taken_bytes()

    @property
    def free_bytes(self) -> int:
        """What may still be asked for: up to the limit, and never more than the machine has."""
        with self._lock:
            available = max(0, self._available() - self._outstanding_bytes())
            if self._limit is None:
                return available
            return min(available, max(0, self._limit - self._taken_bytes()))

    def fits(self, wanted_bytes: int) -> bool:
        """Whether so many bytes more would fit now."""
        return wanted_bytes <= self.free_bytes

    def admit(self, label: str, expected_bytes: int) -> Admission:
        """Ask for memory before taking it.

        Without a limit everybody is admitted: the machine may swap. Before anybody is refused,
        those who hold memory that nobody uses are asked for it; see :meth:`relieve_with`.

        Args:
            label: what needs it, as messages and reports call it.
            expected_bytes: the most that it will take, passing peaks (reading a file) included.

        Raises:
            MemoryBudgetError: it does not fit.
        """
        if self._refuses(expected_bytes):
            self._relieve()
        with self._lock:
            if self._refuses(expected_bytes):
                raise self._refusal(label, expected_bytes)
            if not self._pending():
                self._base_bytes = self._measured_bytes()
            admission = Admission(self, label, expected_bytes)
            self._admissions.append(admission)
            return admission

    def relieve_with(self, method: Callable[[], None]) -> None:
        """Have a bound method called, before anybody is refused, that lets go of what is unused."""
        with self._lock:
            self._reliefs.append(weakref.WeakMethod(method))

    def report(self) -> BudgetReport:
        """Who takes what."""
        with self._lock:
            claims = [Claim(a.label, a.claim_bytes, a.settled) for a in self._admissions]
            claims.sort(key=lambda claim: -claim.claim_bytes)
            return BudgetReport(self._limit, self._taken_bytes(), self.free_bytes, tuple(claims))

    # All below: with the lock held.

    def _refuses(self, expected_bytes: int) -> bool:
        with self._lock:
            return self._limit is not None and self._taken_bytes() + expected_bytes > self._limit

    def _refusal(self, label: str, expected_bytes: int) -> MemoryBudgetError:
        return MemoryBudgetError(
            f"{label} needs {_in_words(expected_bytes)} of memory, but "
            f"{_in_words(self._taken_bytes())} of the {_in_words(self._limit or 0)} that "
            f"{self._option} grants are taken; grant more, or choose smaller or fewer models."
        )

    def _relieve(self) -> None:
        for reference in self._reliefs:
            method = reference()
            if method is not None:
                method()
        return_freed_memory()

    def _measured_bytes(self) -> int:
        return 0 if self._measure is None else self._measure()

    def _pending(self) -> list[Admission]:
        return [admission for admission in self._admissions if not admission.settled]

    def _outstanding_bytes(self) -> int:
        """Admitted and not there yet."""
        pending = sum(admission.claim_bytes for admission in self._pending())
        if not pending or self._measure is None:
            return pending
        grown = self._measured_bytes() - self._base_bytes
        return min(pending, max(0, pending - grown))

    def _taken_bytes(self) -> int:
        if self._measure is None:
            return sum(admission.claim_bytes for admission in self._admissions)
        passing = max((admission.passing_bytes for admission in self._admissions), default=0)
        return self._measured_bytes() + self._outstanding_bytes() + passing

    def _settle(self, admission: Admission, actual_bytes: int, passing_bytes: int) -> None:
        with self._lock:
            if admission not in self._admissions:
                return
            if not admission.settled:
                # What it has grown by is its own, so it is no growth of those still expected.
                self._base_bytes += actual_bytes
            admission.claim_bytes, admission.settled = actual_bytes, True
            admission.passing_bytes = passing_bytes

    def _release(self, admission: Admission) -> None:
        with self._lock:
            if admission in self._admissions:
                self._admissions.remove(admission)
                if admission.settled:
                    self._base_bytes -= admission.claim_bytes


class Admission(Closing):
    """Leave to take memory; held as long as it is taken.

    Attributes:
        label: whose it is.
        claim_bytes: expected at first, measured once it is settled.
        settled: whether it was measured.
        passing_bytes: what it takes besides while it works.
    """

    def __init__(self, budget: Budget, label: str, expected_bytes: int) -> None:
        self._budget = budget
        self.label, self.claim_bytes, self.settled = label, expected_bytes, False
        self.passing_bytes = 0

    def settle(self, actual_bytes: int, passing_bytes: int = 0) -> None:
        """It is there and takes so much; may be called again when that has changed.

        Args:
            actual_bytes: what it holds.
            passing_bytes: what it takes besides while it works, and gives back each time.
        """
        self._budget._settle(self, actual_bytes, passing_bytes)

    def release(self) -> None:
        """It was given back; may be called twice."""
        self._budget._release(self)

    def close(self) -> None:
        """The same as :meth:`release`."""
        self.release()


@functools.cache
def process_budget() -> Budget:
    """The budget of this process: its resident memory, on every system."""
    return Budget("--max-memory", resident_bytes, free_machine_bytes)


@functools.cache
def device_budget(device_id: int = 0) -> Budget:
    """The budget of one graphics device.

    Drivers count the memory of a process each in its own way, and some not at all, so what its
    owners say is what counts.
    """
    return Budget("--max-vram", None, functools.partial(_free_device_bytes, device_id))


def _free_device_bytes(device_id: int) -> int:
    from masquerade.runtime.gauges import GpuWatcher

    with GpuWatcher() as watcher:
        gpus = watcher.read()
    if not gpus or device_id >= len(gpus):
        return free_machine_bytes()  # a device without memory of its own, or one that cannot say
    return gpus[device_id].memory_total_bytes - gpus[device_id].memory_bytes


def _in_words(size_bytes: int) -> str:
    if size_bytes < 2**30:
        return f"{size_bytes / 2**20:.0f} MB"
    return f"{size_bytes / 2**30:.2f} GB"
