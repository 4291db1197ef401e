"""Folders that only this user may enter, and that do not outlive their process."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import psutil

from masquerade.core.errors import OutputError

__all__ = ["keep_private", "make_private_folder", "remove_leftovers"]


def keep_private(folder: Path) -> Path:
    """Make ``folder`` if need be, and let only this user enter it (0700).

    Raises:
        OutputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return folder


def make_private_folder(parent: Path) -> Path:
    """Make a new folder in ``parent`` (both 0700), named after this process.

    Raises:
        OutputError: it cannot be made.
    """
    keep_private(parent)
    try:
        return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))
    except OSError as error:
        raise _cannot_write(parent, error) from error


def remove_leftovers(parent: Path) -> None:
    """Remove the folders of processes that have ended without removing them."""
    if not parent.is_dir():
        return
    for folder in parent.iterdir():
        owner = folder.name.partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _cannot_write(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"The folder {folder} cannot be written ({error.strerror}); "
        "set MASQUERADE_HOME to a folder of yours."
    )
