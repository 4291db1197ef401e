"""Whether a network in reduced precision still computes what it does in full precision.

Some public networks overflow in half precision on some devices and then give black pictures or
no numbers at all. One run on one plausible input tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.runtime.plausible_input import plausible_feeds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.runtime.network import Network

__all__ = ["LEAST_DB", "fault_of", "probe"]

LEAST_DB = {"fp16": 25.0, "bf16": 15.0, "int8": 10.0}
"""Least ratio of result to error, by precision. Broken networks are at 0 or below; sound ones are
at 40 to 60 in fp16. How close int8 comes is measured on faces when a variant is made."""


def probe(network: Network) -> list[NDArray[Any]]:
    """Results for the plausible input.

    Raises:
        ModelError: the network failed.
    """
    return network.run(plausible_feeds(network.input_ports))


def fault_of(
    results: Sequence[NDArray[Any]], reference: Sequence[NDArray[Any]] | None, precision: str
) -> str:
    """What is wrong with results, in words that follow "the network"; "" where nothing is.

    Args:
        results: of the network in reduced precision.
        reference: of the same network in full precision; None where there is none: then only
            what is no number, or black, is found.
        precision: the reduced one.
    """
    floats = [array for array in results if array.dtype.kind == "f" and array.size]
    if not all(np.isfinite(array).all() for array in floats):
        return "gives values that are not numbers"
    if reference is None:
        return "gives nothing but zeros" if floats and not any(a.any() for a in floats) else ""
    if len(results) != len(reference):
        return "gives other outputs"
    for result, expected in zip(results, reference, strict=True):
        if result.shape != expected.shape:
            return "gives results of another shape"
        ratio_db = _signal_db(result, expected)
        if ratio_db < LEAST_DB[precision]:
            return "gives a black picture" if not result.any() else f"is off ({ratio_db:.0f} dB)"
    return ""


def _signal_db(result: NDArray[Any], expected: NDArray[Any]) -> float:
    """Power of the expected values against that of the error, in dB.

    >>> round(_signal_db(np.array([1.1]), np.array([1.0])))
    20
    """
    wanted = expected.astype(np.float64)
    power = float(np.mean(wanted**2)) if wanted.size else 0.0
    error = float(np.mean((result.astype(np.float64) - wanted) ** 2)) if wanted.size else 0.0
    if error == 0:
        return np.inf
    return float(10 * np.log10(max(power, 1e-30) / error))
