"""Bends documents where bytes alone would only break them: another kind of value, a key less."""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Callable, Iterator, MutableMapping, MutableSequence
from typing import Any

__all__ = ["bent"]

_PREFIXES = (b"", b"J", b"0")
"""What some targets have before a document; see there."""
_STRANGE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**63, 10**400, 0.5, -0.0, 1e308, float("nan"),
    float("inf"), "", "a", "\0", "\x1b[2J", "\ud800", "/", "..", "../../etc/passwd", "a" * 5000,
    "rtmp://a/b", [], [[]], [None], ["a"], [0] * 100, {}, {"a": 1}, {"": {}}, {"\0": []},
)  # fmt: skip


def bent(data: bytes, choose: random.Random) -> bytes | None:
    """The JSON or TOML document in ``data`` with one thing changed; None where there is none."""
    for prefix in _PREFIXES:
        if not data.startswith(prefix):
            continue
        for read, write in ((json.loads, _as_json), (_read_toml, _as_toml)):
            try:
                document = read(data[len(prefix) :])
                if isinstance(document, dict | list):
                    return prefix + write(_changed(document, choose))
            except (ValueError, TypeError, RecursionError):
                continue
    return None


def _changed(document: Any, choose: random.Random) -> Any:
    places = list(_places(document))
    if not places:
        return choose.choice(_STRANGE)
    holder, key = choose.choice(places)
    deed = choose.randrange(5)
    if deed == 0:
        del holder[key]
    elif deed == 1 and isinstance(holder, dict):
        holder[choose.choice(["", "a", "version", str(key) + "s"])] = holder[key]
    elif deed == 2:
        holder[key] = [holder[key]]
    elif deed == 3:
        other, place = choose.choice(places)
        holder[key] = json.loads(json.dumps(other[place], default=str))
    else:
        holder[key] = choose.choice(_STRANGE)
    return document


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a value within another: its holder and its key."""
    if isinstance(value, MutableMapping):
        keys: Any = list(value)
    elif isinstance(value, MutableSequence):
        keys = range(len(value))
    else:
        return
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _read_toml(data: bytes) -> Any:
    return tomllib.loads(data.decode())


def _as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _as_toml(document: Any) -> bytes:
    if not isinstance(document, dict):
        raise TypeError("no table")
    lines = []
    for key, value in document.items():
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for item in value:
                lines += [f"[[{_word(key)}]]", *_entries(item)]
        elif isinstance(value, dict):
            lines += [f"[{_word(key)}]", *_entries(value)]
        else:
            lines.insert(0, f"{_word(key)} = {_inline(value)}")
    return "\n".join([*lines, ""]).encode(errors="replace")


def _entries(table: dict[str, Any]) -> list[str]:
    return [f"{_word(key)} = {_inline(value)}" for key, value in table.items()]


_word: Callable[[Any], str] = json.dumps


def _inline(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(_entries(value)) + "}"
        case list():
            return "[" + ", ".join(map(_inline, value)) + "]"
        case None:
            return '""'
        case float() if value != value or value in (float("inf"), float("-inf")):
            return str(value)
        case bool() | int() | float() | str():
            return json.dumps(value)
    return f'"{value}"'
