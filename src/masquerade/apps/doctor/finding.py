"""What one check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "State"]

State = Literal["ok", "advice", "broken"]
"""ok; could be better, everything works all the same; something does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    Attributes:
        name: of what was looked at.
        state: see :data:`State`.
        detail: what was found, and what to do where it is not well.
    """

    name: str
    state: State
    detail: str

    @property
    def mark(self) -> str:
        """The word that stands before it on the terminal."""
        return {"ok": "ok", "advice": "advice", "broken": "BROKEN"}[self.state]
