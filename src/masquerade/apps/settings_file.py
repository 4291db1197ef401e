"""Settings as TOML and as JSON: what a file or the studio's page says, checked."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from masquerade.core.errors import MissingInputError, SettingsError
from masquerade.core.settings import Settings
from masquerade.core.shown_text import quoted

__all__ = ["checked_changes", "fill_in_settings", "read_settings", "write_settings"]

_HEAD = "# Settings of Masquerade: masquerade swap|live --settings FILE\n"
_FIELDS = {item.name: item for item in dataclasses.fields(Settings)}
_NOUNS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
_MOST_BYTES = 64 * 1024
_LARGEST = 2**1000


def checked_changes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as TOML or JSON hold them, for :meth:`Settings.replace`.

    Args:
        values: by the name of the setting; lists in place of tuples.

    Raises:
        SettingsError: an unknown name, a value of another type, or one out of its range.

    >>> checked_changes({"shape": 1, "mask": ["box"]})
    {'shape': 1.0, 'mask': ('box',)}
    """
    changes = {name: _checked(name, value) for name, value in values.items()}
    Settings().replace(**changes)
    return changes


def read_settings(text: str, name: str = "The file") -> dict[str, Any]:
    """The settings that a TOML text holds.

    Args:
        text: one ``name = value`` a line, as :func:`write_settings` makes it.
        name: what errors call it.

    Raises:
        SettingsError: it is no TOML, or holds something else than settings.
    """
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(
            f"{name} is no TOML ({_first_line(error)}); write one setting a line: strength = 0.8."
        ) from error
    return checked_changes(values)


def write_settings(changes: Mapping[str, Any]) -> str:
    """The TOML text of some settings, in the order in which docs/settings.md has them.

    Raises:
        SettingsError: as :func:`checked_changes`.

    >>> print(write_settings({"shape": 0.5, "mask": ["box", "mesh"]}).split("\\n")[1])
    shape = 0.5
    """
    checked = checked_changes(changes)
    return _HEAD + "".join(
        f"{name} = {_as_toml(checked[name])}\n" for name in _FIELDS if name in checked
    )


def fill_in_settings(args: argparse.Namespace) -> None:
    """Set the options that nobody gave from the file of ``--settings``; explicit ones win.

    Raises:
        SettingsError: the file cannot be read as settings.
        MissingInputError: there is no such file.
    """
    file = getattr(args, "settings", None)
    if file is None:
        return
    changes = read_settings(_text_of(Path(file)), file)
    if getattr(args, "age", None):
        changes = {k: v for k, v in changes.items() if k not in ("age_min", "age_max")}
    for name, value in changes.items():
        if getattr(args, name, None) is None:
            setattr(args, name, value)


def _text_of(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(_MOST_BYTES).decode()
    except FileNotFoundError:
        raise MissingInputError(f"There is no file {file}; check the name.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError(
            f"{file} cannot be read ({reason}); give a TOML file of settings."
        ) from error


def _checked(name: str, value: Any) -> Any:
    item = _FIELDS.get(name)
    if item is None:
        raise SettingsError(f"There is no setting {quoted(name)}; see docs/settings.md.")
    if isinstance(item.default, tuple):
        if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
            raise SettingsError(f"{name} is {quoted(value)}; give a list of names.")
        return tuple(value)
    kind = type(item.default)
    if kind is float and type(value) is int:
        return float(value) if abs(value) < _LARGEST else math.inf  # which is out of every range
    if type(value) is not kind:
        raise SettingsError(f"{name} is {quoted(value)}; give {_NOUNS[kind]}.")
    return value


def _as_toml(value: Any) -> str:
    """JSON's way of writing text, numbers, truth and lists of them is TOML's too."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".") or "it is nested too deeply"
