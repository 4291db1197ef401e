"""``masquerade consent``: what was said of donors, to be read and to be revoked."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from masquerade.apps.console import Console
from masquerade.apps.origin_words import told_moment
from masquerade.apps.table import table
from masquerade.core.errors import ConsentError
from masquerade.core.shown_text import quoted
from masquerade.trust.audit import AuditLog
from masquerade.trust.register import ConsentRegister

if TYPE_CHECKING:
    from masquerade.trust.consent import Consent

__all__ = ["run"]

_SHOWN_DIGITS = 12
_FEWEST_DIGITS = 4
"""Of a number that is to be revoked: fewer may be a slip."""
_HEADER = ("donor", "name", "basis", "guardian", "said at")


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Do what ``args.action`` says."""
    register = ConsentRegister()
    if args.action == "revoke":
        return _revoke(register, args.donor, console)
    known = register.all()
    if known:
        console.say(table(_HEADER, [_row(consent) for consent in known]))
    else:
        console.say("Nothing was said of any donor yet.")
    facts = [{"donor": item.fingerprint, "name": item.name, **item.statement()} for item in known]
    return {"action": "list", "consents": facts}


def _row(consent: Consent) -> tuple[str, ...]:
    short = consent.fingerprint[:_SHOWN_DIGITS]
    moment = told_moment(consent.stated_at)
    return short, consent.name, consent.basis, consent.guardian, moment


def _revoke(register: ConsentRegister, donor: str, console: Console) -> dict[str, Any]:
    meant = [item for item in register.all() if donor and _is_meant(item, donor)]
    if not meant:
        raise ConsentError(
            f"Nothing was said of a donor {quoted(donor)}; give a name, or four digits and more of "
            "a number, as `masquerade consent list` shows them."
        )
    if len({item.name for item in meant}) > 1:
        names = " or ".join(item.name for item in meant)
        raise ConsentError(f"{quoted(donor)} could be {names}; give more of the number.")
    for item in meant:
        AuditLog().append("consent-revoked", {"donor": item.fingerprint, **item.statement()})
        register.forget(item.fingerprint)
        console.say(f"Revoked: {item.name} ({item.fingerprint[:_SHOWN_DIGITS]}) is asked for anew.")
    return {"action": "revoke", "revoked": [item.fingerprint for item in meant]}


def _is_meant(consent: Consent, donor: str) -> bool:
    begins = len(donor) >= _FEWEST_DIGITS and consent.fingerprint.startswith(donor.lower())
    return consent.name == donor or begins
