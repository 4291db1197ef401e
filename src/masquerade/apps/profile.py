"""Profiles: defaults that any option overrides. One is what ``masquerade tune`` found best for this
machine; others have names.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from masquerade.core.errors import OutputError, SettingsError
from masquerade.core.folders import data_folder
from masquerade.core.whole_file import write_whole

__all__ = [
    "NAMED_PROFILES",
    "PROFILE_NAMES",
    "Profile",
    "apply_profile",
    "profile_path",
    "read_profile",
    "write_profile",
]

_HEAD = "# Written by `masquerade tune`; `masquerade tune --reset` forgets it.\n"
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "threads": int,
    "preset": str,
    "provider": str,
    "precision": str,
    "refresh": str,
    "detector": str,
    "detect_size": str,
}


@dataclass(frozen=True, slots=True)
class Profile:
    """Defaults. None leaves the program's own.

    Attributes:
        threads: of a built-in network; brought ones have as many as the machine makes good use of.
        preset: of a live stream's governor.
        provider: execution provider of brought networks.
        precision: of their arithmetic.
        refresh: how often they draw a face anew.
        detector: who finds faces.
        detect_size: picture that a brought detector sees.
        notes: figures that led to it, for people.
    """

    threads: int | None = None
    preset: str | None = None
    provider: str | None = None
    precision: str | None = None
    refresh: str | None = None
    detector: str | None = None
    detect_size: str | None = None
    notes: tuple[str, ...] = field(default=())

    def defaults(self) -> dict[str, Any]:
        """What is set, by the name of the field."""
        values = {name: getattr(self, name) for name in _KINDS}
        return {name: value for name, value in values.items() if value is not None}

    def fill_in(self, args: argparse.Namespace, *, insist: bool = False) -> None:
        """Set the options that a command has and that nobody gave.

        Args:
            args: of the command.
            insist: set the precision also where the model that was asked for is not installed in
                it, so that this is said.
        """
        values = self.defaults()
        if "provider" in values:  # it was there once; today another has to do, and is told
            values["execution_provider"] = [(values.pop("provider"), "auto")]
        if not insist and not _has_precision(getattr(args, "model", None), self.precision):
            values.pop("precision", None)
        if "threads" in values and getattr(args, "threads", 0) is None:
            values["execution_threads"] = 0  # the number was found for small networks
        for name, value in values.items():
            if getattr(args, name, value) is None:
                setattr(args, name, value)


NAMED_PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "edge": Profile(
            preset="fast",
            precision="int8",
            refresh="auto",
            detector="det_500m",
            detect_size="320x240",
            notes=("edge: a small detector, int8, key frames, and resolution given up early.",),
        )
    }
)
"""For small processors: "edge"."""

PROFILE_NAMES = ("machine", *NAMED_PROFILES, "none")
"""What a command may work by: what was found for this machine, a named one, or none."""


def apply_profile(args: argparse.Namespace) -> None:
    """Set by ``args.profile`` what nobody gave; by that of this machine where none is named.

    Raises:
        SettingsError: the file of this machine's profile is damaged.
    """
    if args.profile in NAMED_PROFILES:
        NAMED_PROFILES[args.profile].fill_in(args, insist=True)
    elif args.profile != "none":
        read_profile().fill_in(args)


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
    except (OSError, ValueError, RecursionError) as error:
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
    quoted = ",\n".join(f"    {json.dumps(note, ensure_ascii=False)}" for note in profile.notes)
    lines.append(f"notes = [\n{quoted}\n]\n" if profile.notes else "")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, "".join(lines))
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
