"""Small facts about a network on this machine: how quick it was, what it takes, what was found.

They are kept beside the optimised networks, one JSON file for each brought file. Whatever is wrong
with such a file, it is as if nothing were remembered.
"""

from __future__ import annotations

import contextlib
import json
import threading
from pathlib import Path
from typing import Any

from masquerade.core.folders import cache_folder
from masquerade.core.whole_file import write_whole

__all__ = ["Remembered"]

_LOCK = threading.Lock()


class Remembered:
    """Facts about one brought file.

    Args:
        digest: SHA-256 of the file.
        folder: None takes the one of the optimised networks.
    """

    def __init__(self, digest: str, folder: Path | None = None) -> None:
        folder = cache_folder() / "networks" if folder is None else folder
        self._path = folder / "facts" / f"{digest[:40]}.json"

    def get(self, key: str) -> Any:
        """What was put there; None where nothing was."""
        return self._read().get(key)

    def matching(self, prefix: str, suffix: str) -> dict[str, Any]:
        """Everything whose key begins and ends so."""
        data = self._read()
        return {k: v for k, v in data.items() if k.startswith(prefix) and k.endswith(suffix)}

    def put(self, key: str, value: Any) -> None:
        """Keep a value of JSON; a folder that cannot be written keeps nothing."""
        with _LOCK:
            self._write(self._read() | {key: value})

    def forget(self, prefix: str) -> bool:
        """Forget everything whose key begins so; whether there was any."""
        with _LOCK:
            data = self._read()
            kept = {key: data[key] for key in data if not key.startswith(prefix)}
            if len(kept) < len(data):
                self._write(kept)
            return len(kept) < len(data)

    def _write(self, data: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, json.dumps(data, sort_keys=True))

    def _read(self) -> dict[str, Any]:
        try:
            data = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}
