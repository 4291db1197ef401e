"""Where the pieces of a job lie until they are one file: a hidden folder beside the output.

Beside it, so that they need no space on another disk, and every machine that reaches the output
reaches them. Every file in it appears whole or not at all: it is written under a passing name and
renamed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from masquerade.apps.farm.answers import checked_report
from masquerade.apps.farm.journal import Finished
from masquerade.core.errors import InputError, OutputError, RuntimeSetupError
from masquerade.media.output_file import output_error

__all__ = ["BATCH_SUFFIX", "WorkFolder"]

BATCH_SUFFIX = ".done"
"""Of the file that a finished batch of pictures leaves in place of a segment."""

_OURS = re.compile(r"([A-Za-z0-9_-]{1,60}(\.drawn)?/)?[A-Za-z0-9_-]{1,60}(\.[A-Za-z0-9]{1,12})?")
_SEGMENT = re.compile(r"(\d{6})\.json")


class WorkFolder:
    """The folder of one job.

    Args:
        path: of the folder; see :meth:`of`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, output: Path, job_id: str) -> WorkFolder:
        """That of a job, by its output."""
        return cls(output.with_name(f".{output.stem[:80]}-{job_id[:8]}.farm"))

    def make(self) -> None:
        """Make the folder where it is not there, and see that it can be written.

        Raises:
            OutputError: it cannot.
        """
        probe = self.passing("probe")
        self.make_folder(self.path)
        try:
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise output_error(error, self.path) from error

    def make_folder(self, path: Path) -> None:
        """Make this folder or one within it, where it is not there.

        Raises:
            OutputError: it cannot be made.
        """
        try:
            path.mkdir(exist_ok=True)
        except FileNotFoundError as error:
            raise OutputError(f"There is no folder {path.parent}; create it first.") from error
        except OSError as error:
            raise output_error(error, path) from error

    @property
    def plan(self) -> Path:
        """Where the film is cut, see :class:`SegmentPlan`."""
        return self.path / "plan.json"

    @property
    def pictures(self) -> Path:
        """The list of a job about a folder, see :class:`PictureList`."""
        return self.path / "pictures.json"

    def begin_at(self, number: int, place: int) -> None:
        """Note which picture of a batch is next, for whoever finds out that the worker died."""
        with contextlib.suppress(OSError):
            (self.path / f"{number:06d}.at").write_text(str(place), encoding="ascii")

    def place_at(self, number: int) -> int | None:
        """Which picture of a batch was at hand; None before the first."""
        try:
            return int((self.path / f"{number:06d}.at").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def leave_place(self, number: int) -> None:
        """Note that no picture of a batch is at hand any more."""
        with contextlib.suppress(OSError):
            (self.path / f"{number:06d}.at").unlink()

    def drawn(self, number: int) -> Path:
        """Where a node lays the pictures of a batch, see :class:`DrawnBatch`."""
        return self.path / f"{number:06d}.drawn"

    def drawn_list(self, number: int) -> Path:
        """The list of them, which is written last."""
        return self.drawn(number) / "list"

    def end_batch(self, number: int, report: Mapping[str, Any]) -> Finished:
        """Note that a batch is finished.

        Raises:
            OutputError: the disk is full or gone.
        """
        passing = self.passing(f"{number:06d}{BATCH_SUFFIX}")
        self.write(passing, b"done")
        self.leave_place(number)
        return self.place(passing, number, report)

    def read(self, path: Path) -> str:
        """A small file.

        Raises:
            InputError: it is gone or cannot be read.
        """
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"{path} cannot be read any more ({error}); retry the job with --fresh."
            ) from error

    def segment(self, number: int, suffix: str) -> Path:
        """The file of a segment."""
        return self.path / f"{number:06d}{suffix}"

    def passing(self, name: str) -> Path:
        """A name under which a file can be written before it has its own."""
        stem, dot, suffix = name.rpartition(".")
        return self.path / f".{stem or suffix}-{secrets.token_hex(4)}{dot and '.'}{dot and suffix}"

    def write(self, path: Path, data: bytes) -> None:
        """Write a small file whole.

        Raises:
            OutputError: the disk is full or gone.
        """
        passing = self.passing(path.name)
        try:
            with passing.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            passing.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                passing.unlink()
            raise output_error(error, path) from error

    def place(self, written: Path, number: int, report: Mapping[str, Any]) -> Finished:
        """Give a written segment its name. Its report goes first: with the name it is finished.

        Raises:
            OutputError: the disk is full or gone.
        """
        try:
            size = written.stat().st_size
            words = json.dumps({"bytes": size, "report": dict(report)}).encode()
            self.write(self.path / f"{number:06d}.json", words)
            written.replace(self.segment(number, written.suffix))
        except OutputError:
            raise
        except OSError as error:
            raise output_error(error, self.segment(number, written.suffix)) from error
        return Finished(number, size, report)

    def finished(self, suffix: str) -> dict[int, Finished]:
        """The segments that are there, whole, by number."""
        found: dict[int, Finished] = {}
        with contextlib.suppress(FileNotFoundError):
            sizes = {entry.name: entry.stat().st_size for entry in os.scandir(self.path)}
            for name in sizes:
                match = _SEGMENT.fullmatch(name)
                item = self._read(int(match[1])) if match else None
                if item and sizes.get(f"{item.number:06d}{suffix}") == item.size:
                    found[item.number] = item
        return found

    def _read(self, number: int) -> Finished | None:
        try:
            words = json.loads((self.path / f"{number:06d}.json").read_bytes())
            return Finished(number, int(words["bytes"]), checked_report(words["report"]))
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None

    def needed_for(self) -> dict[str, bytes]:
        """What a machine that does not see the folder needs of it for a piece: bytes by name.

        Raises:
            InputError: it is gone.
        """
        needed = [self.plan] if self.plan.exists() else []
        try:
            return {path.relative_to(self.path).as_posix(): path.read_bytes() for path in needed}
        except OSError as error:
            raise InputError(f"{self.path} cannot be read any more ({error}).") from error

    def take_in(self, files: Mapping[str, bytes]) -> None:
        """Take over what the driver has sent; bytes by name.

        Raises:
            OutputError: the disk is full or gone.
        """
        for name, data in files.items():
            self.write(self.within(name), data)

    def within(self, name: str) -> Path:
        """The file of a name that came from another machine; its folder is made.

        Raises:
            RuntimeSetupError: it is no file of a job.
            OutputError: its folder cannot be made.
        """
        if not _OURS.fullmatch(name):
            raise RuntimeSetupError(
                f"Another machine sent a file {name[:80]!r}, which no job has; install the same "
                "version on all."
            )
        path = self.path / name
        self.make_folder(path.parent)
        return path

    def sweep(self) -> None:
        """Delete what was being written when somebody was killed."""
        with contextlib.suppress(OSError):
            for entry in os.scandir(self.path):
                if entry.name.startswith("."):
                    with contextlib.suppress(OSError):
                        Path(entry.path).unlink()

    def remove(self) -> None:
        """Delete the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
