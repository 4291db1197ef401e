"""What carries the credentials of an output whose format cannot: a file beside it."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from masquerade.core.disclosure import SIDECAR_SUFFIX

__all__ = ["SidecarFile"]


class SidecarFile:
    """The file beside an output.

    Args:
        output: what it stands beside.

    Attributes:
        path: where it is.
        words: what is written; None for nothing.
    """

    def __init__(self, output: Path) -> None:
        self.path = output.with_name(output.name + SIDECAR_SUFFIX)
        self.words: bytes | None = None
        self._before: bytes | None = None
        self._placed = False

    def place(self) -> None:
        """Put it in its place; it comes before its output, which is never there without it.

        Raises:
            OSError: as writing a file does.
        """
        if self.words is None:
            return
        temporary = self.path.with_name(f".{self.path.name[-80:]}-{secrets.token_hex(4)}.part")
        try:
            with temporary.open("xb") as file:
                file.write(self.words)
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileNotFoundError):
                self._before = self.path.read_bytes()
            temporary.replace(self.path)
            self._placed = True
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def take_back(self) -> None:
        """Leave what was there before."""
        if not self._placed:
            return
        self._placed = False
        with contextlib.suppress(OSError):
            if self._before is None:
                self.path.unlink()
            else:
                self.path.write_bytes(self._before)
