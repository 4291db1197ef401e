"""Numbers for people."""

from __future__ import annotations

__all__ = ["amount", "megabytes"]

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def megabytes(size_bytes: int | None) -> str:
    """A length of a file.

    >>> megabytes(554_253_681), megabytes(87_000), megabytes(None)
    ('554 MB', '87 kB', '?')
    """
    if size_bytes is None:
        return "?"
    return f"{size_bytes / 1e6:,.0f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.0f} kB"


def amount(value: float) -> str:
    """A count with one digit behind the point.

    >>> amount(174_700_000_000), amount(138_300_000), amount(12)
    ('174.7 G', '138.3 M', '12')
    """
    for unit, letter in _UNITS:
        if value >= unit:
            return f"{value / unit:.1f} {letter}"
    return f"{value:.0f}"
