"""What one photo of a donor is worth, and how a better one would look."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DonorPhoto"]


@dataclass(frozen=True, slots=True)
class DonorPhoto:
    """One photo.

    Attributes:
        name: as the user calls it.
        quality: 0..1, from 0.7 on nothing stands in the way; 0 where it cannot be used.
        advice: sentences with a cause and a remedy, the weightiest first.
        used: whether the identity is made of it too.
    """

    name: str
    quality: float
    advice: tuple[str, ...]
    used: bool
