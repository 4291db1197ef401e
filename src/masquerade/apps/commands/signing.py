"""``masquerade signing``: who signs outputs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.apps.console import Console
from masquerade.core.errors import InputError, MissingInputError
from masquerade.trust.signing_identity import SigningStore

if TYPE_CHECKING:
    from masquerade.trust.signing_identity import SigningIdentity

__all__ = ["run"]

_LARGEST_BYTES = 100_000


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Do what ``args.action`` says, and say who signs from now on."""
    store = SigningStore()
    if args.action == "bring":
        chain, key = _read(Path(args.chain)), _read(Path(args.key))
        store.bring(chain, key, args.timestamp)
    elif args.action == "own" and not store.forget_brought():
        console.note("No certificate was brought; this installation's own identity signs.")
    elif args.action == "renew":
        store.renew()
    identity = store.identity()
    console.say(_describe(identity))
    return {"action": args.action, **_facts(identity)}


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_BYTES)
    except FileNotFoundError as error:
        raise MissingInputError(f"There is no file {path}; check the name.") from error
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); give a file in PEM."
        ) from error


def _describe(identity: SigningIdentity) -> str:
    origin = "made by this installation" if identity.own else "brought"
    lines = [
        f"{identity.name} ({origin}) signs until {identity.ends:%Y-%m-%d}.",
        f"  authority  SHA-256 {identity.fingerprint}",
    ]
    if identity.timestamp_url:
        lines.append(f"  timestamp  {identity.timestamp_url}")
    return "\n".join(lines)


def _facts(identity: SigningIdentity) -> dict[str, Any]:
    return {
        "name": identity.name,
        "own": identity.own,
        "ends": identity.ends.isoformat(),
        "fingerprint": identity.fingerprint,
        "timestamp": identity.timestamp_url,
    }
