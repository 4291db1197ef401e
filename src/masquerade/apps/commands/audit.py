"""``masquerade audit``: what was done on this installation, and whether the log of it is whole."""

from __future__ import annotations

import argparse
from collections import deque
from typing import TYPE_CHECKING, Any

from masquerade.apps.console import Console
from masquerade.apps.origin_words import told_moment, told_statement
from masquerade.trust.audit import AuditLog

if TYPE_CHECKING:
    from masquerade.trust.audit import AuditEntry

__all__ = ["CHANGED", "run"]

CHANGED = 22
"""Exit code for a log that is not as it was written, as of an output that was altered."""
_NOTHING = "Nothing was done here yet, so there is no log."
_OF_A_DONOR = ("consent", "consent-revoked")
_LONGEST = 400
_SHORT = 12


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Do what ``args.action`` says."""
    log = AuditLog()
    if args.action == "verify":
        return _verify(log, console)
    newest = deque(log.entries(), maxlen=args.last)
    fault = log.verify()
    if fault is not None:
        console.note(
            f"The log is not as it was written, from line {fault.line} on: {fault.reason}."
        )
    elif not newest:
        console.say(_NOTHING)
    for entry in newest:
        console.say(_in_words(entry))
    return {"action": "show", "entries": [_plain(entry) for entry in newest]}


def _verify(log: AuditLog, console: Console) -> dict[str, Any]:
    fault = log.verify()
    if fault is not None:
        console.say(f"{log.path} was changed at line {fault.line}: {fault.reason}.")
        return {
            "action": "verify",
            "line": fault.line,
            "reason": fault.reason,
            "exit_code": CHANGED,
        }
    newest = deque(log.entries(), maxlen=1)
    count, digest = (newest[0].number, newest[0].hash) if newest else (0, "")
    lines = "1 line" if count == 1 else f"{count} lines"
    console.say(f"The log is whole: {lines}, the last one {digest}." if count else _NOTHING)
    return {"action": "verify", "lines": count, "hash": digest}


def _in_words(entry: AuditEntry) -> str:
    text = "".join(char for char in _told(entry) if char.isprintable())
    cut = f"{text[:_LONGEST]}..." if len(text) > _LONGEST else text
    return f"{entry.number:>6}  {told_moment(entry.at)}  {entry.event:<15} {cut}"


def _told(entry: AuditEntry) -> str:
    facts = dict(entry.facts)
    if entry.event == "refused":
        return str(facts.get("reason", facts))
    if entry.event in _OF_A_DONOR:
        donor = str(facts.pop("donor", ""))[:_SHORT]
        return f"donor {donor}...: {told_statement('donor', facts)}"
    told = {name: told_statement(name, fact) for name, fact in facts.items() if fact or fact == 0}
    return "; ".join(f"{name.replace('_', ' ')}: {text}" for name, text in told.items())


def _plain(entry: AuditEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__slots__}
