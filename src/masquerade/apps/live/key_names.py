"""The names of keys from what a terminal sends for them."""

from __future__ import annotations

import re

__all__ = ["key_names"]

# ECMA-48 control sequences and the SS3 form that terminals use for the first function keys.
_SEQUENCE = re.compile("\x1b(?:\\[\\[[A-E]|\\[[0-?]*[ -/]*[@-~]|O[ -~])")
_NAMES = {
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1b[C": "right",
    "\x1b[D": "left",
    "\x1bOA": "up",
    "\x1bOB": "down",
    "\x1bOC": "right",
    "\x1bOD": "left",
    "\x1bOP": "f1",
    "\x1b[11~": "f1",
    "\x1b[23~": "f11",
    "\x1b": "escape",
    " ": "space",
}


def key_names(typed: str) -> list[str]:
    """The keys that were pressed, as in ``Action.keys``; unknown ones are left out.

    >>> key_names("mQ \\x1b[A\\x1b[1;5Cé\\x1b")
    ['m', 'q', 'space', 'up', 'é', 'escape']
    """
    keys = []
    while typed:
        match = _SEQUENCE.match(typed)
        sign = match.group() if match else typed[0]
        typed = typed[len(sign) :]
        if sign in _NAMES:
            keys.append(_NAMES[sign])
        elif len(sign) == 1 and sign.isprintable():
            keys.append(sign.lower())
    return keys
