"""On which line of a TOML file something stands, for messages about it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from masquerade.core.errors import MissingInputError, SettingsError

__all__ = ["TomlLines"]

_MOST_BYTES = 4 * 2**20
_AT = re.compile(r"\(at (?:line (\d+), column \d+|end of document)\)")
_HINTS = (
    (r"[\u201c-\u201f\u2018-\u201b]", 'write straight quotes (")'),
    (r"=\s*(True|False|yes|no|on|off|None)\b", "write true or false"),
    (r"Unescaped|[Ee]scape|[Hh]ex", "write paths with / or in single quotes"),
    (r"Cannot (overwrite|declare)|twice", "it stands there twice, so keep one of them"),
    (r"^.*\n\s*\{", 'write lines such as targets = ["film.mp4"]'),
    (r"Invalid value", "texts stand in quotes"),
    (r"", "see docs/farm.md"),
)
"""By what the parser says and the line that it is about."""


class TomlLines:
    """A TOML file, its values and its lines.

    Args:
        path: of the file.

    Raises:
        MissingInputError: there is no such file.
        SettingsError: it is no TOML.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as stream:
                data = stream.read(_MOST_BYTES + 1)
            if len(data) > _MOST_BYTES:
                raise SettingsError(f"{path} has more than 4 MB; make several files of it.")
            text = data.decode("utf-8-sig")
            self._lines = text.splitlines()
            self.values: dict[str, Any] = tomllib.loads(text)
        except FileNotFoundError as error:
            raise MissingInputError(f"There is no job file {path}; check the name.") from error
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path} cannot be read; give a UTF-8 text file.") from error
        except tomllib.TOMLDecodeError as error:
            raise self._no_toml(str(error)) from error
        except RecursionError as error:
            raise SettingsError(f"{path} is nested too deeply; see docs/farm.md.") from error

    def error(self, line: int, problem: str) -> SettingsError:
        """An error that says where it is."""
        return SettingsError(f"{self.path}, line {line}: {problem}.")

    def _no_toml(self, said: str) -> SettingsError:
        """What the parser says, at its line, with what is most often the reason."""
        at = _AT.search(said)
        line = int(at[1]) if at and at[1] else len(self._lines)
        text = self._lines[line - 1] if 0 < line <= len(self._lines) else ""
        words = _AT.sub("", said).strip()
        hints = (hint for pattern, hint in _HINTS if re.search(pattern, f"{words}\n{text}"))
        return self.error(line or 1, f"it is no TOML ({words}); {next(hints)}")

    def starts(self, table: str) -> list[int]:
        """The lines on which ``[[table]]`` stands."""
        pattern = re.compile(rf"\s*\[\[\s*{re.escape(table)}\s*\]\]")
        return [number for number, line in enumerate(self._lines, 1) if pattern.match(line)]

    def line_of(self, key: str, start: int = 1, end: int | None = None) -> int | None:
        """Line of ``key = ...`` or of a table of that name from ``start`` on, before ``end``."""
        pattern = re.compile(rf"\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*(=|\.|\])")
        return self._find(pattern, start, end)

    def line_with(self, text: str, start: int = 1) -> int | None:
        """The first line from ``start`` on that holds ``text`` in quotes."""
        return self._find(re.compile(rf".*[\"']{re.escape(text)}[\"']"), start, None)

    def _find(self, pattern: re.Pattern[str], start: int, end: int | None) -> int | None:
        lines = self._lines[start - 1 : None if end is None else end - 1]
        for number, line in enumerate(lines, start):
            if pattern.match(line):
                return number
        return None
