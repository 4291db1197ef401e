"""A network in reduced precision is compared with itself in full precision, once per machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from masquerade.core.errors import MemoryBudgetError
from masquerade.runtime.candidates import Candidate
from masquerade.runtime.half_check import fault_of, probe
from masquerade.runtime.opened import Opened
from masquerade.runtime.optimised_files import machine_facts

__all__ = ["remembered_fault"]


def remembered_fault(
    candidate: Candidate,
    opened: Opened,
    reference: Candidate | None,
    open_: Callable[[Candidate], Opened],
    device_id: int,
) -> str:
    """What is wrong with a network in reduced precision, in words; "" where nothing is.

    Args:
        candidate: the reduced one.
        opened: it, loaded.
        reference: the same network in full precision on the processor; None where there is no
            file of it.
        open_: loads the reference; it is closed again.
        device_id: of the device that runs the reduced one.

    Raises:
        ModelError: a network failed.
    """
    machine = hashlib.sha256(machine_facts().encode()).hexdigest()[:12]
    compared = "alone" if reference is None else reference.file.digest[:12]
    key = f"fault {candidate.name}, device {device_id}, {compared}, {machine}"
    known = candidate.file.remembered.get(key)
    if isinstance(known, str):
        return known
    results = probe(opened)
    expected = None
    if reference is not None:
        try:
            with open_(reference) as network:
                expected = probe(network)
        except MemoryBudgetError:  # then only what is no number, or black, is found; not kept
            return fault_of(results, None, candidate.precision)
    fault = fault_of(results, expected, candidate.precision)
    candidate.file.remembered.put(key, fault)
    return fault
