"""Named settings: three that come with the program, and the user's own."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from masquerade.apps.settings_file import checked_changes, write_settings
from masquerade.apps.studio.private_folder import keep_private
from masquerade.core.errors import MasqueradeError, MissingInputError, SettingsError
from masquerade.media.output_file import OutputFile

__all__ = ["BUILT_IN", "LivePreset", "Preset", "Presets"]

LivePreset = Literal["fast", "balanced", "quality"]
_LIVE: tuple[LivePreset, ...] = ("fast", "balanced", "quality")
_LONGEST_NAME = 60
_MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Settings under a name.

    Attributes:
        name: what the user calls them.
        live: how a live stream trades quality for speed.
        settings: what differs from the defaults; plain values.
        built_in: whether it came with the program and stays.
    """

    name: str
    live: LivePreset
    settings: Mapping[str, Any] = field(default_factory=dict)
    built_in: bool = False


BUILT_IN: tuple[Preset, ...] = (
    Preset(name="fast", live="fast", settings={"detect_every": 20}, built_in=True),
    Preset(name="balanced", live="balanced", built_in=True),
    Preset(
        name="quality",
        live="quality",
        settings={"detect_every": 5, "refresh": "every"},
        built_in=True,
    ),
)


class Presets:
    """The presets of one user, each in a TOML file whose name is a digest of the preset's: what a
    client calls a preset is never part of a path.

    Args:
        folder: where the files are; it is made with the first.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[Preset]:
        """The built-in ones, then the user's by name; files that cannot be read are left out."""
        own = []
        for path in self._folder.glob("*.toml"):
            preset = _read(path)
            if preset is not None:
                own.append(preset)
        return [*BUILT_IN, *sorted(own, key=lambda preset: preset.name.casefold())]

    def save(self, name: str, live: LivePreset, settings: Mapping[str, Any]) -> Preset:
        """Keep settings under a name; those that were kept under it before are replaced.

        Raises:
            SettingsError: the name or a setting cannot be used, or there are too many presets.
            OutputError: the file cannot be written.
        """
        name = " ".join(name.split())
        if not name or len(name) > _LONGEST_NAME or not name.isprintable() or "/" in name:
            raise SettingsError(
                f"A preset's name has 1 to {_LONGEST_NAME} letters and no slash; choose another."
            )
        if any(preset.name == name for preset in BUILT_IN):
            raise SettingsError(f"{name} is a built-in preset; choose another name.")
        keep_private(self._folder)
        path = self._path(name)
        if not path.is_file() and sum(1 for _ in self._folder.glob("*.toml")) >= _MOST:
            raise SettingsError(f"There are {_MOST} presets; delete some before.")
        text = f"name = {json.dumps(name)}\nlive = {json.dumps(live)}\n\n[settings]\n"
        text += write_settings(settings)
        OutputFile(path, overwrite=True).write_whole(text.encode())
        return Preset(name=name, live=live, settings=_plain(settings))

    def remove(self, name: str) -> None:
        """Delete a preset of the user's.

        Raises:
            SettingsError: it is a built-in one.
            MissingInputError: there is none of this name.
        """
        if any(preset.name == name for preset in BUILT_IN):
            raise SettingsError(f"{name} is a built-in preset; it stays.")
        try:
            self._path(name).unlink()
        except OSError as error:
            raise MissingInputError("There is no preset of this name; list them.") from error

    def _path(self, name: str) -> Path:
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.toml"


def _read(path: Path) -> Preset | None:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        name, live = found["name"], found["live"]
        if not isinstance(name, str) or live not in _LIVE:
            return None
        return Preset(name=name, live=live, settings=_plain(found["settings"]))
    except (
        OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, MasqueradeError,
    ):  # fmt: skip
        return None


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    checked = checked_changes(settings)
    return {name: list(v) if isinstance(v, tuple) else v for name, v in checked.items()}
