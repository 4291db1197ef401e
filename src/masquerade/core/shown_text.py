"""Text from elsewhere on its way to a terminal or a log.

A file's name, a tag of a film or an error that quotes either may hold what a terminal obeys: a
sequence that clears the screen or writes the title, a sign that turns the direction of reading.
"""

from __future__ import annotations

import unicodedata
from typing import Any

__all__ = ["quoted", "shown"]

_OBEYED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of Unicode: controls, formats, half pairs, private, unassigned, line separators."""
_HARMLESS = frozenset("\n\t\u200c\u200d")
"""Lines and columns are ours; the joiners of scripts and emoji move nothing."""


def shown(text: str) -> str:
    """``text`` with every sign that a terminal would obey, or cannot write, as its escape.

    >>> print(shown("a\\x1b[2Jb\\u202ec"))
    a\\x1b[2Jb\\u202ec
    >>> shown("Zoë's\\nfilm\\t1")
    "Zoë's\\nfilm\\t1"
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def quoted(value: Any, most: int = 80) -> str:
    """A value from elsewhere as an error may repeat it: its ``repr``, at most so many characters.

    >>> quoted("ab"), quoted("a" * 100, most=9)
    ("'ab'", "'aaaaa...")
    """
    try:
        text = repr(value)
    except ValueError:  # a whole number of more digits than Python writes out
        text = "a number of thousands of digits"
    return text if len(text) <= most else text[: most - 3] + "..."


def _shown(sign: str) -> str:
    if sign in _HARMLESS or unicodedata.category(sign) not in _OBEYED:
        return sign
    return sign.encode("unicode_escape").decode("ascii")
