"""For how long each target was fuzzed, over all runs: a table of text."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

__all__ = ["Hours", "Spent"]


@dataclass
class Spent:
    """What was done with one target.

    Attributes:
        seconds: in all.
        quiet_seconds: since the last crash, which is what counts.
        inputs: how many were tried.
        crashes: how many runs ended with one.
    """

    seconds: int = 0
    quiet_seconds: int = 0
    inputs: int = 0
    crashes: int = 0


_HEAD = f"# target {' '.join(item.name for item in fields(Spent))}"


class Hours:
    """The table in a file.

    Args:
        path: of the file; it appears with the first run.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Spent]:
        """By target."""
        lines = self._path.read_text().splitlines() if self._path.is_file() else []
        rows = [line.split() for line in lines if line and not line.startswith("#")]
        return {name: Spent(*map(int, values)) for name, *values in rows}

    def add(self, name: str, seconds: int, inputs: int, *, crashed: bool) -> None:
        """Add a run."""
        table = self.read()
        spent = table.setdefault(name, Spent())
        spent.seconds += seconds
        spent.quiet_seconds = 0 if crashed else spent.quiet_seconds + seconds
        spent.inputs += inputs
        spent.crashes += crashed
        rows = [
            f"{name} {' '.join(str(getattr(row, item.name)) for item in fields(Spent))}"
            for name, row in sorted(table.items())
        ]
        self._path.write_text("\n".join([_HEAD, *rows]) + "\n")
