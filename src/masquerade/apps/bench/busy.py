"""Whether this machine is at work on something else, which figures would then tell of too."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["busy_notice"]

_SHARE = 0.25
"""Of the cores: other work that takes more than this makes figures vary."""


def busy_notice(
    load: Callable[[], tuple[float, float, float]] | None = None, cores: int = 0
) -> str:
    """A sentence for whoever is about to measure; "" where the machine is idle.

    Args:
        load: mean number of programs that want a core, over 1, 5 and 15 minutes; None asks the
            system.
        cores: that there are; 0 asks the system.

    >>> busy_notice(lambda: (3.0, 1.0, 0.5), cores=2).split(" (")[0]
    'Other work wants about 3.0 of the 2 cores'
    """
    import psutil

    wanted = (load or psutil.getloadavg)()[0]
    have = cores or psutil.cpu_count() or 1
    if wanted <= _SHARE * have:
        return ""
    return (
        f"Other work wants about {wanted:.1f} of the {have} cores (mean of the last minute), so "
        "figures will vary and be too low; measure again when it has ended."
    )
