"""What ``masquerade tune`` found best for this machine: defaults that any option overrides."""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from masquerade.core.errors import OutputError, SettingsError
from masquerade.core.folders import data_folder

__all__ = ["Profile", "profile_path", "read_profile", "write_profile"]

_HEAD = "# Written by `masquerade tune`; `masquerade tune --reset` forgets it.\n"
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "threads": int,
    "preset": str,
    "provider": str,
    "precision": str,
    "refresh": str,
}


@dataclass(frozen=True, slots=True)
class Profile:
    """Defaults of this machine. None leaves the program's own.

    Attributes:
        threads: of a small network.
        preset: of a live stream's governor.
        provider: execution provider of brought networks.
        precision: of their arithmetic.
        refresh: how often they draw a face anew.
        notes: figures that led to it, for people.
    """

    threads: int | None = None
    preset: str | None = None
    provider: str | None = None
    precision: str | None = None
    refresh: str | None = None
    notes: tuple[str, ...] = field(default=())

    def defaults(self) -> dict[str, Any]:
        """What is set, by the name of the field."""
        values = {name: getattr(self, name) for name in _KINDS}
        return {name: value for name, value in values.items() if value is not None}

    def fill_in(self, args: argparse.Namespace) -> None:
        """Set the options that a command has and that nobody gave.

        A precision is set only where the model that was asked for is installed in it, since one
        that is asked for and not there is an error.
        """
        values = self.defaults()
        if "provider" in values:
            values["execution_provider"] = [(values.pop("provider"),)]
        if not _has_precision(getattr(args, "model", None), self.precision):
            values.pop("precision", None)
        for name, value in values.items():
            if getattr(args, name, value) is None:
                setattr(args, name, value)


def profile_path() -> Path:
    """Where the profile is kept."""
    return data_folder() / "profile.toml"


def read_profile(path: Path | None = None) -> Profile:
    """The profile of this machine; an empty one where none was written.

    Raises:
        SettingsError: the file is damaged.
    """
    file = path or profile_path()
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Profile()
    except (OSError, ValueError) as error:
        raise _damaged(file) from error
    fits = all(
        name in _KINDS and type(value) is _KINDS[name]
        for name, value in values.items()
        if name != "notes"
    )
    notes = values.pop("notes", [])
    if not fits or not isinstance(notes, list) or not all(isinstance(n, str) for n in notes):
        raise _damaged(file)
    return Profile(**values, notes=tuple(notes))


def write_profile(profile: Profile, path: Path | None = None) -> Path:
    """Write the profile, whole or not at all; returns where it is.

    Raises:
        OutputError: the folder cannot be written.
    """
    file = path or profile_path()
    lines = [_HEAD]
    for name, value in dataclasses.asdict(profile).items():
        if value is None or name == "notes":
            continue
        lines.append(f"{name} = {value}\n" if isinstance(value, int) else f'{name} = "{value}"\n')
    quoted = ",\n".join(f"    '{note}'" for note in profile.notes)
    lines.append(f"notes = [\n{quoted}\n]\n" if profile.notes else "")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, suffix=".toml")
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.writelines(lines)
        Path(temporary).replace(file)
    except OSError as error:
        raise OutputError(
            f"The profile cannot be written to {file} ({error.strerror}); "
            "set MASQUERADE_HOME to a folder of yours."
        ) from error
    return file


def _has_precision(model: str | None, precision: str | None) -> bool:
    if model in (None, "mesh") or precision is None:
        return False
    from masquerade.models.library import Library

    library = Library()
    return library.find(str(model)) is not None and precision in library.variants(str(model))


def _damaged(file: Path) -> SettingsError:
    return SettingsError(
        f"The profile {file} is damaged; run `masquerade tune` anew, or `masquerade tune --reset`."
    )
