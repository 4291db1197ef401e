"""The file of ``--map``: which donor each person of a scene gets.

    [[person]]
    donor = "anna.jpg"                    # or several: ["anna1.jpg", "anna2.jpg"]
    reference = "first_actor.jpg"         # who is replaced: a photo of that person,

    [[person]]
    donor = "bob.mqid"
    track = 1                             # or the number that `masquerade faces` shows

Paths are relative to the file.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masquerade.core.errors import MissingInputError, SettingsError
from masquerade.core.shown_text import quoted

__all__ = ["MappedPerson", "read_donor_map"]

_KEYS = ("donor", "reference", "track")


@dataclass(frozen=True, slots=True)
class MappedPerson:
    """One entry.

    Attributes:
        donor: photos of the donor, or one saved identity.
        reference: photo of the person to replace, None where ``track`` says who.
        track: track id of the person to replace, None where ``reference`` says who.
    """

    donor: tuple[Path, ...]
    reference: Path | None
    track: int | None


def read_donor_map(path: Path) -> tuple[MappedPerson, ...]:
    """Read and check a map.

    Raises:
        MissingInputError: there is no such file.
        SettingsError: the file is not TOML, or an entry is wrong; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except FileNotFoundError as error:
        raise MissingInputError(f"There is no map {path}; check the path of --map.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The map {path} cannot be read; give a UTF-8 text file.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The map {path} is not valid TOML: {error}.") from error
    except RecursionError as error:
        raise SettingsError(f"The map {path} is nested too deeply; write [[person]].") from error
    reader = _Reader(path, text)
    for key in data:
        if key != "person":
            problem = f"{quoted(key)} is unknown; entries are [[person]]"
            raise reader.error(reader.line_of(key), problem)
    entries = data.get("person")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise reader.error(1, "it has no [[person]] entry; add one with donor and reference")
    people = tuple(reader.person(number, entry) for number, entry in enumerate(entries))
    reader.check_unique(people)
    return people


class _Reader:
    """Checks entries and knows on which line they stand."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()
        self._starts = [
            number
            for number, line in enumerate(self._lines, 1)
            if re.match(r"\s*\[\[\s*person\s*\]\]", line)
        ]

    def error(self, line: int, problem: str) -> SettingsError:
        return SettingsError(f"{self._path}, line {line}: {problem}.")

    def line_of(self, key: str, start: int = 1) -> int:
        """Line of ``key = ...`` at or after line ``start``; ``start`` if it cannot be told."""
        pattern = re.compile(rf"\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*(=|\.|\])")
        for number, line in enumerate(self._lines[start - 1 :], start):
            if pattern.match(line):
                return number
        return start

    def person(self, number: int, entry: dict[str, Any]) -> MappedPerson:
        start = self._start(number)
        for key in entry:
            if key not in _KEYS:
                known = ", ".join(_KEYS)
                raise self.error(self.line_of(key, start), f"{quoted(key)} is unknown; use {known}")
        if "donor" not in entry:
            raise self.error(start, 'this person has no donor; add donor = "photo.jpg"')
        if ("reference" in entry) == ("track" in entry):
            raise self.error(start, "say who is replaced by one of reference and track")
        track = entry.get("track")
        if track is not None and (type(track) is not int or track < 0):
            line = self.line_of("track", start)
            raise self.error(line, "track is a whole number from 0, as `masquerade faces` shows")
        donor = entry["donor"]
        photos = self._files("donor", donor if isinstance(donor, list) else [donor], start)
        reference = self._files("reference", [entry["reference"]], start) if track is None else ()
        return MappedPerson(photos, reference[0] if reference else None, track)

    def check_unique(self, people: tuple[MappedPerson, ...]) -> None:
        """Refuse two entries for one person."""
        seen: dict[Path | int | None, int] = {}
        for number, person in enumerate(people):
            who = person.track if person.reference is None else person.reference
            if who in seen:
                first = self._start(seen[who])
                raise self.error(self._start(number), f"this person is mapped on line {first} too")
            seen[who] = number

    def _start(self, number: int) -> int:
        return self._starts[number] if number < len(self._starts) else self.line_of("person")

    def _files(self, key: str, names: list[Any], start: int) -> tuple[Path, ...]:
        line = self.line_of(key, start)
        if not names or not all(isinstance(name, str) and name for name in names):
            raise self.error(line, f'{key} is a path in quotes, such as {key} = "photo.jpg"')
        files = tuple(self._path.parent / name for name in names)
        for file in files:
            if not _is_file(file):
                name = str(file)[:300]
                raise MissingInputError(f"{self._path}, line {line}: there is no file {name}.")
        return files


def _is_file(file: Path) -> bool:
    """Also where the name is longer than any file's."""
    try:
        return file.is_file()
    except OSError:
        return False
