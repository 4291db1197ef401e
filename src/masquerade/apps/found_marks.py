"""The invisible mark of a file, whatever kind of picture it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import InputError

if TYPE_CHECKING:
    from masquerade.trust.watermark_reading import FoundMark

__all__ = ["compared", "find_mark", "told"]

_FRAMES = 24
"""How many frames of a video are read at most; usually one is enough."""

_STRIDE = 4


def find_mark(path: Path) -> FoundMark | None:
    """The mark of a picture, or of a video's first seconds; None where there is none, or where
    the file is no picture and no video.
    """
    from masquerade.media.image import read_image
    from masquerade.media.open import open_source, open_target
    from masquerade.trust.watermark_reading import read_mark

    try:
        if open_target(path) == "image":
            return read_mark([read_image(path).pixels])
        with open_source(path) as source:
            frames = islice(source, 0, _FRAMES * _STRIDE, _STRIDE)
            return read_mark([frame.pixels for frame in frames])
    except InputError:
        return None


def compared(found: FoundMark | None, stated: Any) -> dict[str, Any]:
    """What was found as plain data, beside what the credentials state.

    Args:
        found: what was read.
        stated: the statement ``watermark`` of the latest edit; a stranger may have written it.

    Returns:
        ``found``; with a mark ``number`` (hexadecimal), ``certainty``, ``kept`` (share of the
        marked picture's short side that is left; more than 1 if it is a part of this one),
        ``turned`` (degrees clockwise), ``mirrored``, ``frames`` (how many were read together), and
        ``agrees``: whether the credentials state this number, None where they state none.
    """
    if found is None:
        return {"found": False}
    number = f"{found.number:05x}"
    said = stated.get("number") if isinstance(stated, Mapping) else None
    return {
        "found": True,
        "number": number,
        "certainty": round(found.certainty, 1),
        "kept": round(found.scale, 2),
        "turned": found.turned,
        "mirrored": found.mirrored,
        "frames": found.pictures,
        "agrees": None if said is None else said == number,
    }


def told(facts: Mapping[str, Any]) -> str:
    """The same in words.

    >>> facts = {"found": True, "number": "0003f", "kept": 0.8, "turned": 90, "mirrored": False}
    >>> told({**facts, "agrees": True})
    'invisible, number 0003f, as the credentials say; cut to 80 % of its short side, turned by 90°'
    """
    if not facts["found"]:
        return "no invisible mark was found"
    agrees = facts["agrees"]
    ending = "" if agrees is None else ", as the credentials say" if agrees else ", of another file"
    changes = ", ".join(_changes(facts))
    return f"invisible, number {facts['number']}{ending}{'; ' * bool(changes)}{changes}"


def _changes(facts: Mapping[str, Any]) -> Iterator[str]:
    if facts["kept"] < 1:
        yield f"cut to {facts['kept'] * 100:.0f} % of its short side"
    if facts["kept"] > 1:
        yield "it is a part of this picture"
    if facts["mirrored"]:
        yield "mirrored"
    if facts["turned"]:
        yield f"turned by {facts['turned']}°"
