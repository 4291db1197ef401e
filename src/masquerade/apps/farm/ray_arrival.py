"""Files on their way from a node into a job's folder: piece by piece, so that none is in memory."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

from masquerade.apps.farm.work_folder import WorkFolder
from masquerade.media.output_file import output_error

__all__ = ["PIECE_BYTES", "Arrival"]

PIECE_BYTES = 8 * 2**20
"""Of a file that goes through the object store."""

_REPORT = re.compile(r"\d{6}\.json")


class Arrival:
    """The files of one task.

    Args:
        folder: of the job.
    """

    def __init__(self, folder: WorkFolder) -> None:
        self._folder = folder
        self._passing: dict[str, Path] = {}

    def take(self, piece: Any) -> None:
        """Write down a piece of a file: its ``name`` and ``data``.

        Raises:
            ValueError: it is no piece.
            RuntimeSetupError: it is no file of a job.
            OutputError: the disk is full or gone.
        """
        name, data = piece.get("name"), piece.get("data")
        if not isinstance(name, str) or not isinstance(data, bytes):
            raise ValueError("no piece of a file")
        if name not in self._passing:
            self._folder.within(name)
            self._passing[name] = self._folder.passing("arriving")
        passing = self._passing[name]
        try:
            with passing.open("ab") as file:
                file.write(data)
        except OSError as error:
            raise output_error(error, passing) from error

    def end(self) -> None:
        """Give the files their names: reports before their segments, lists behind what they list.

        Raises:
            OutputError: the disk is full or gone.
        """
        for name in sorted(self._passing, key=_turn):
            path = self._folder.within(name)
            try:
                self._passing[name].replace(path)
            except OSError as error:
                raise output_error(error, path) from error
        self._passing.clear()

    def drop(self) -> None:
        """Delete what has come so far."""
        for passing in self._passing.values():
            with contextlib.suppress(OSError):
                passing.unlink()
        self._passing.clear()


def _turn(name: str) -> int:
    if _REPORT.fullmatch(name):
        return 0
    return 2 if name.endswith("/list") else 1
