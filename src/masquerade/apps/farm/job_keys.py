"""The keys of a job file, and what somebody meant who wrote another one."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from masquerade.apps.jobs.job import execution_of
from masquerade.apps.settings_file import checked_changes
from masquerade.core.errors import SettingsError
from masquerade.core.execution import Execution
from masquerade.core.settings import Settings
from masquerade.media.encoders import ENCODERS, VideoOptions
from masquerade.trust.consent import BASES
from masquerade.trust.minors import GUARDIANS

__all__ = ["KINDS", "TABLES", "check_value", "kind_words", "unknown_key"]

TABLES: Mapping[str, tuple[str, ...]] = {
    "settings": tuple(Settings.__dataclass_fields__),
    "video": tuple(VideoOptions.__dataclass_fields__),
    "execution": tuple(Execution.__dataclass_fields__),
}
"""What stands in each table."""

KINDS: Mapping[str, tuple[type, ...]] = {
    "targets": (str, list),
    "output": (str,),
    "donor": (str, list),
    "map": (str,),
    "reference": (str,),
    "consent": (str,),
    "guardian": (str,),
    "priority": (int,),
    "segment_s": (int, float),
    "overwrite": (bool,),
    "allow_no_face": (bool,),
    **dict.fromkeys(TABLES, (dict,)),
}
"""Of what kind the value of each key is."""

_MEANT = {
    "target": "targets", "input": "targets", "inputs": "targets", "video": "targets",
    "source": "donor", "sources": "donor", "face": "donor", "donors": "donor", "photo": "donor",
    "out": "output", "outputs": "output", "overwrite_output": "overwrite",
    "start": "start_s", "end": "end_s", "audio": "no_audio", "codec": "encoder", "crf": "quality",
    "gpu": "device_ids", "device": "device_ids", "provider": "providers",
}  # fmt: skip
_NOUNS = {
    str: "a text in quotes", list: "a list of texts", int: "a whole number", float: "a number",
    bool: "true or false", dict: "a table",
}  # fmt: skip
_OWN_WORDS = {
    "consent": f"one of {', '.join(BASES)}",
    "guardian": f"one of {', '.join(GUARDIANS)}",
    "reference": "a photo in quotes; who is replaced by a number stands in a map",
}


def kind_words(key: str, value: Any) -> str:
    """What is wrong with a value that is of no kind that ``key`` takes."""
    wanted = _OWN_WORDS.get(key) or " or ".join(_NOUNS[kind] for kind in KINDS[key])
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    return f"{key} is {shown}; give {wanted}"


def unknown_key(key: str) -> str:
    """What is wrong with a key that stands outside of the tables, and is none.

    >>> unknown_key("target")
    "'target' is unknown; write targets"
    >>> unknown_key("strength")
    "'strength' is unknown here; write it below [settings]"
    """
    if key == "jobs":
        return "'jobs' is unknown; write [[job]], with two brackets, above each job"
    for table, keys in TABLES.items():
        if key in keys:
            return f"{key!r} is unknown here; write it below [{table}]"
    meant = _nearest(key, KINDS)
    known = f"use one of {', '.join(KINDS)}"
    return f"{key!r} is unknown; {meant or known}"


def check_value(table: str, key: str, value: Any) -> None:
    """See that a table may say so.

    Raises:
        MasqueradeError: it may not; the message says why, and not where.
    """
    if key not in TABLES[table]:
        raise SettingsError(f"{_unknown_within(table, key)}.")
    if table == "settings":
        checked_changes({key: value})
    elif table == "execution":
        if isinstance(value, str) and isinstance(getattr(Execution(), key), tuple):
            raise SettingsError(f'it is a list; write {key} = ["{value}"].')
        execution_of({key: value})
    else:
        try:
            VideoOptions(**{key: value})
        except TypeError as error:
            raise SettingsError(f"{value!r} is of a wrong kind ({error}).") from error
        if key == "encoder" and value not in (None, *ENCODERS):
            raise SettingsError(f"there is no encoder {value!r}; use one of {', '.join(ENCODERS)}.")


def _unknown_within(table: str, key: str) -> str:
    """What is wrong with a key of a table, and has no place there."""
    if key in KINDS:
        return f"there is no such key; {key} stands above the tables, so move it up"
    for other, keys in TABLES.items():
        if key in keys:
            return f"there is no such key; write it below [{other}]"
    meant = _nearest(key, TABLES[table])
    words = f"use one of {', '.join(TABLES[table])}" if table != "settings" else ""
    return f"there is no such key; {meant or words or 'see docs/settings.md'}"


def _nearest(key: str, known: Any) -> str:
    found = _MEANT.get(key)
    if found not in known:
        found = next(iter(difflib.get_close_matches(key, known, 1, 0.75)), None)
    return f"write {found}" if found else ""
