"""Kinds of value that an option may take, and the options that are settings."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from masquerade.core.errors import SettingsError
from masquerade.core.settings import Settings

__all__ = ["add_settings", "age_range", "number", "seconds", "settings_changes"]


def number(low: float, high: float, kind: type[int] | type[float] = float) -> Callable[[str], Any]:
    """A converter to ``kind`` that accepts ``low`` to ``high``, both included.

    >>> number(0, 1)("0.5")
    0.5
    """

    def convert(text: str) -> int | float:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            noun = "a whole number" if kind is int else "a number"
            ends = f"{_plain(low)} to {_plain(high)}"
            raise argparse.ArgumentTypeError(f"{text!r} is not {noun} from {ends}")
        return value

    return convert


def _plain(end: float) -> str:
    """A number as people write it, however large."""
    return str(int(end)) if end == int(end) else f"{end:g}"


def seconds(text: str) -> float:
    """Seconds from ``90``, ``1:30`` or ``0:01:30.5``.

    >>> seconds("1:30")
    90.0
    """
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= 3 or any(not 0 <= part < float("inf") for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write 90, 1:30 or 0:01:30.5")
    total = 0.0
    for part in parts:
        total = total * 60 + part
    return total


def age_range(text: str) -> tuple[int, int]:
    """Lowest and highest age from ``20-40``, ``20-`` (and older) or ``20`` alone.

    >>> age_range("20-40"), age_range("60-")
    ((20, 40), (60, 100))
    """
    low, dash, high = text.partition("-")
    try:
        ages = int(low), (int(high) if high else 100) if dash else int(low)
    except ValueError:
        ages = (1, 0)
    if not 0 <= ages[0] <= ages[1] <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a range of ages; write 20-40 or 60-")
    return ages


def add_settings(group: argparse._ArgumentGroup, names: Iterable[str]) -> None:
    """Add one option for each named field of :class:`Settings`, as its metadata says."""
    fields = {item.name: item for item in dataclasses.fields(Settings)}
    for name in names:
        item = fields[name]
        doc, default = _lower(item.metadata["doc"].rstrip(".")), item.default
        flag = "--" + name.replace("_", "-")
        if isinstance(default, bool):
            group.add_argument(
                flag if not default else flag.replace("--", "--no-"),
                dest=name,
                action="store_const",
                const=not default,
                help=f"do not {doc}" if default else doc,
            )
            continue
        text = f"{doc} ({default})"
        choices = item.metadata.get("choices")
        if choices:
            group.add_argument(flag, choices=choices, help=text)
            continue
        if "pattern" in item.metadata:
            _add_words(group, flag, name, item)
            continue
        low, high = item.metadata["range"]
        kind = int if isinstance(default, int) else float
        group.add_argument(
            flag, type=number(low, high, kind), metavar=f"{low:g}..{high:g}", help=text
        )


def _add_words(
    group: argparse._ArgumentGroup, flag: str, name: str, item: dataclasses.Field[Any]
) -> None:
    doc: str = _lower(item.metadata["doc"].rstrip("."))
    default: Any = item.default
    if not item.metadata.get("several"):
        group.add_argument(flag, dest=name, metavar="NAME", help=f"{doc} ({default})")
        return
    text = f"{doc} ({' '.join(default) or 'none'}); may be repeated"
    choices = item.metadata["of"] or None
    metavar = None if choices else "NAME"
    group.add_argument(
        flag, dest=name, action="append", choices=choices, metavar=metavar, help=text
    )


def settings_changes(args: argparse.Namespace) -> dict[str, Any]:
    """What the command line says about settings, for :meth:`Settings.replace`."""
    names = {item.name for item in dataclasses.fields(Settings)}
    given = {key: value for key, value in vars(args).items() if key in names and value is not None}
    given = {key: tuple(v) if isinstance(v, list) else v for key, v in given.items()}
    if getattr(args, "age", None):
        if "age_min" in given or "age_max" in given:
            raise SettingsError("Give --age or --age-min and --age-max, not both.")
        given["age_min"], given["age_max"] = args.age
    return given


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
