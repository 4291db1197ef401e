"""What is fuzzed: a parser of ours, and what it may answer to whatever bytes it gets."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from masquerade.core.errors import MasqueradeError
from masquerade.core.shown_text import shown

_MEMORY = Path("/dev/shm")
_LONGEST_MESSAGE = 4000


@dataclass(frozen=True)
class FuzzTarget:
    """A parser under attack.

    Attributes:
        name: what tools/fuzz and the corpus call it.
        parse: takes bytes from anywhere. A MasqueradeError is an answer; anything else that it
            raises is a crash.
        seeds: inputs to begin with, made by our own writers wherever there are any.
        max_bytes: longest input that is tried.
        seconds: how long one input may take.
    """

    name: str
    parse: Callable[[bytes], object]
    seeds: Callable[[], list[bytes]]
    max_bytes: int = 4096
    seconds: int = 10

    def attack(self, data: bytes) -> None:
        """Parse ``data``, and look at the sentence where it was refused."""
        try:
            self.parse(data)
        except MasqueradeError as error:
            check_message(str(error))


def check_message(message: str) -> None:
    """A refusal is a sentence for people; terminals get it by ``shown``."""
    text = message.strip()
    assert text, "an error without a message"
    assert len(text) <= _LONGEST_MESSAGE, f"a message of {len(text)} characters"
    assert "\x1b" not in shown(text)


@functools.cache
def scratch() -> Path:
    """A folder for files that parsers read by name; in memory where there is such a place.

    libFuzzer ends its process without a farewell, so tools/fuzz gives it one and removes it.
    """
    given = os.environ.get("MASQUERADE_FUZZ_SCRATCH")
    if given:
        return Path(given)
    folder = Path(
        tempfile.mkdtemp(prefix="masquerade-fuzz-", dir=_MEMORY if _MEMORY.is_dir() else None)
    )
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def scratch_file(name: str, data: bytes) -> Path:
    """A file of that content, which the next one of its name replaces."""
    path = scratch() / name
    path.write_bytes(data)
    return path
