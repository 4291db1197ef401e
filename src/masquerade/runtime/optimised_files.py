"""Networks as they were rewritten for this machine, kept in the user's cache folder.

An entry is a folder: the files that a library loads, and a list of them with their hashes. Its
name is a hash of all that the result depends on: the brought file, the passes, the libraries'
versions, the processor, the provider and the precision. So nothing here is ever out of date; it is
only no longer asked for, and then the oldest goes.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from masquerade.core.errors import ModelError
from masquerade.core.folders import cache_folder
from masquerade.runtime.file_hash import hash_file

__all__ = ["OptimisedFiles", "entry_key", "machine_facts"]

_LIMIT_BYTES = 16 * 2**30
_LIST = "files.json"
_UNFINISHED = ".making-"
_LEFT_BEHIND_S = 24 * 3600.0


class OptimisedFiles:
    """The kept entries. Several processes may use one folder at a time.

    Args:
        folder: None takes ``networks`` in the user's cache folder.
        limit_bytes: of all entries together; the one that is made now may exceed it.
        clock: seconds since the epoch, for the order of use.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        limit_bytes: int = _LIMIT_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = cache_folder() / "networks" if folder is None else folder
        self._limit_bytes, self._clock = limit_bytes, clock

    def find(self, key: str) -> Path | None:
        """The folder of an entry; None where there is none. A damaged one is removed."""
        entry = self.folder / key
        listed = _read_list(entry)
        if listed is None or not all(_is_whole(entry / name, *listed[name]) for name in listed):
            if entry.exists():
                shutil.rmtree(entry, ignore_errors=True)
            return None
        now_s = self._clock()
        with contextlib.suppress(OSError):  # a folder that somebody else owns
            os.utime(entry / _LIST, (now_s, now_s))
        return entry

    def get(self, key: str, fill: Callable[[Path], None]) -> Path:
        """The folder of an entry, made where it is missing.

        Args:
            key: as :func:`entry_key` makes it.
            fill: writes the files into the empty folder that it is given.

        Raises:
            ModelError: the cache folder cannot be written. What ``fill`` raises is passed on.
        """
        return self.find(key) or self._make(key, fill)

    def remove(self, key: str) -> None:
        """Forget an entry, for instance since a library does not load it after all."""
        shutil.rmtree(self.folder / key, ignore_errors=True)

    def _make(self, key: str, fill: Callable[[Path], None]) -> Path:
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            making = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.folder))
        try:
            fill(making)
            with self._writing():
                _write_list(making, self._clock())
                with contextlib.suppress(
                    OSError
                ):  # another process was quicker: its own is as good
                    making.rename(self.folder / key)
        finally:
            shutil.rmtree(making, ignore_errors=True)
        entry = self.find(key)
        if entry is None:
            raise ModelError(
                f"The cache folder {self.folder} does not keep what is written to it. "
                "Set MASQUERADE_HOME to a folder that can be written."
            )
        self._trim(key)
        return entry

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ModelError(
                f"The cache folder {self.folder} cannot be written ({reason}). Free some space, "
                "or set MASQUERADE_HOME to a folder that can be written."
            ) from error

    def _trim(self, newest: str) -> None:
        """Remove the entries that were not used for the longest time, and what was left behind."""
        entries: list[tuple[float, int, Path]] = []
        for entry in self.folder.iterdir():
            if entry.name.startswith(_UNFINISHED):
                self._remove_if_left_behind(entry)
            elif entry.name != newest and (entry / _LIST).is_file():
                with contextlib.suppress(OSError):
                    entries.append(((entry / _LIST).stat().st_mtime, _size(entry), entry))
        total = _size(self.folder / newest) + sum(size for _, size, _ in entries)
        for _, size, entry in sorted(entries):
            if total <= self._limit_bytes:
                return
            # What a process has mapped stays for it on Unix; Windows refuses, so it is kept.
            shutil.rmtree(entry, ignore_errors=True)
            total -= size

    def _remove_if_left_behind(self, entry: Path) -> None:
        with contextlib.suppress(OSError):
            if self._clock() - entry.stat().st_mtime > _LEFT_BEHIND_S:
                shutil.rmtree(entry, ignore_errors=True)


def entry_key(**parts: Any) -> str:
    """Name of the entry that depends on these values (of JSON) and on this machine."""
    text = json.dumps(parts | {"machine": machine_facts()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


@functools.cache
def machine_facts() -> str:
    """What a rewritten network depends on beside the network: libraries and processor."""
    versions = [f"{name} {_version(name)}" for name in ("onnxruntime", "openvino")]
    return "; ".join([*versions, sys.platform, platform.machine(), *_processor()])


def _version(name: str) -> str:
    """Of a package; of ONNX Runtime's several packages the one that is there."""
    names = [name] if name != "onnxruntime" else list(_runtime_packages())
    for candidate in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            return f"{candidate} {metadata.version(candidate)}"
    return "none"


def _runtime_packages() -> Iterator[str]:
    from masquerade.runtime.providers import RUNTIME_PACKAGES

    yield from RUNTIME_PACKAGES


def _processor() -> list[str]:
    """Name and abilities; layouts of weights are chosen by them."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        wanted = ("model name", "flags", "Features", "CPU part")
        found = dict(line.split(":", 1) for line in lines if ":" in line)
        named = {key.strip(): value.strip() for key, value in found.items()}
        return [named[key] for key in wanted if key in named]
    return [platform.processor()]


def _read_list(entry: Path) -> dict[str, tuple[int, str]] | None:
    try:
        data = json.loads((entry / _LIST).read_text())
        return {str(name): (int(size), str(digest)) for name, (size, digest) in data.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _write_list(entry: Path, now_s: float) -> None:
    files = [path for path in sorted(entry.iterdir()) if path.is_file()]
    data = {path.name: (path.stat().st_size, hash_file(path)) for path in files}
    (entry / _LIST).write_text(json.dumps(data))
    os.utime(entry / _LIST, (now_s, now_s))


def _is_whole(path: Path, size: int, digest: str) -> bool:
    try:
        return path.stat().st_size == size and hash_file(path) == digest
    except OSError:
        return False


def _size(entry: Path) -> int:
    listed = _read_list(entry) or {}
    return sum(size for size, _ in listed.values())
