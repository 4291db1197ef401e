"""What is known of a shipped weight file."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["WeightSpec"]


@dataclass(frozen=True, slots=True)
class WeightSpec:
    """One entry of ``registry.toml``.

    Attributes:
        role: what the file does for the product; the key of the entry.
        file: its name in the folder ``weights``.
        sha256: of its bytes, 64 hexadecimal digits.
        size_bytes: its length.
        licence: SPDX identifier under which it is passed on.
        origin: the package it was made from, and by whom it was published first.
    """

    role: str
    file: str
    sha256: str
    size_bytes: int
    licence: str
    origin: str
