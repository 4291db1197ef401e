"""A finished survey as a value, and the file that holds it.

The file may come from another machine, so reading trusts nothing in it.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masquerade.core.errors import CorruptMediaError, InputError, MissingInputError
from masquerade.media.output_file import OutputFile

__all__ = ["SURVEY_FILE", "PartFacts", "Person", "Survey"]

SURVEY_FILE = "survey.json"
"""Name of the file in a survey's folder; it is there when the survey is finished."""

_KIND, _VERSION = "masquerade survey", 1
_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class PartFacts:
    """One segment's part: how many frames are written of it and worked on before it, and how
    often a face is found and swapped on the written ones.
    """

    frames: int
    lead_frames: int
    faces_found: int
    faces_selected: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the film.

    Attributes:
        tracks: the numbers under which they are followed, one a scene as a rule.
        donors: names of the donors that they get; none for bystanders.
    """

    tracks: tuple[int, ...]
    donors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """A film's finished survey.

    Attributes:
        folder: where it lies.
        fingerprint: of the plan, the settings, the donors' names and whom they replace.
        parts: of the segments, in order.
        scenes: times at which scenes begin, in the plan's time base, as frames leave the source.
        people: who was seen well enough to be told from others.
    """

    folder: Path
    fingerprint: str
    parts: tuple[PartFacts, ...]
    scenes: tuple[int, ...]
    people: tuple[Person, ...]

    @property
    def frames(self) -> int:
        """Of the whole film."""
        return sum(part.frames for part in self.parts)

    @property
    def faces_found(self) -> int:
        """Faces in the film, counted anew in every frame."""
        return sum(part.faces_found for part in self.parts)

    @property
    def faces_selected(self) -> int:
        """Those of them that are to be swapped; where there is none nothing need be done."""
        return sum(part.faces_selected for part in self.parts)

    @staticmethod
    def part_path(folder: Path, index: int) -> Path:
        """Where a segment's part lies; it is there as soon as it is finished."""
        return folder / f"part-{index:06}.faces"

    @classmethod
    def load(cls, folder: str | Path) -> Survey:
        """The survey in a folder. Its files are not trusted: nothing in them is executed.

        Raises:
            MissingInputError: there is none, or it is not finished.
            InputError: it is damaged or of another version.
        """
        folder = Path(folder)
        path = folder / SURVEY_FILE
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ValueError("its size")
            return _from_plain(folder, json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise MissingInputError(f"There is no finished survey in {folder}.") from error
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}).") from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise CorruptMediaError(f"{path} is damaged or no survey; make it anew.") from error

    def save(self) -> None:
        """Write ``survey.json``, whole or not at all.

        Raises:
            OutputError: the folder cannot be written.
        """
        plain = {
            "kind": _KIND,
            "version": _VERSION,
            "fingerprint": self.fingerprint,
            "parts": [dataclasses.astuple(part) for part in self.parts],
            "scenes": self.scenes,
            "people": [[person.tracks, person.donors] for person in self.people],
        }
        text = json.dumps(plain, sort_keys=True)
        OutputFile(self.folder / SURVEY_FILE, overwrite=True).write_whole(text.encode())


def _from_plain(folder: Path, plain: Any) -> Survey:
    if plain["kind"] != _KIND or plain["version"] != _VERSION:
        raise ValueError("its kind")
    parts = tuple(PartFacts(*map(_count, item)) for item in plain["parts"])
    people = tuple(
        Person(tuple(map(_count, tracks)), tuple(map(_word, donors)))
        for tracks, donors in plain["people"]
    )
    scenes = tuple(plain["scenes"])
    if not all(type(pts) is int for pts in scenes):
        raise ValueError("its scenes")
    return Survey(folder, _word(plain["fingerprint"]), parts, scenes, people)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**40:
        raise ValueError("a number")
    return value


def _word(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 500:
        raise ValueError("a word")
    return value
