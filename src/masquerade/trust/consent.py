"""Whose face it is: asked once per donor and remembered on this machine."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TextIO, get_args

from masquerade.core.errors import ConsentError
from masquerade.trust.audit import AuditLog

if TYPE_CHECKING:
    from masquerade.trust.minors import Guardian
    from masquerade.trust.register import ConsentRegister

__all__ = [
    "BASES",
    "Basis",
    "Consent",
    "ask",
    "basis_of",
    "consent_statement",
    "ensure_consent",
    "fingerprint",
    "guardians_of",
    "still_given",
]

Basis = Literal["self", "given", "public-domain", "synthetic"]
BASES: tuple[Basis, ...] = get_args(Basis)

_MEANINGS: dict[Basis, str] = {
    "self": "it is my own face",
    "given": "the person has agreed to this use",
    "public-domain": "a work in the public domain, such as an old painting",
    "synthetic": "nobody's face: it was generated or drawn",
}


@dataclass(frozen=True, slots=True)
class Consent:
    """One answer.

    Attributes:
        fingerprint: which donor, see :func:`fingerprint`.
        name: what the donor was called, for people who read the register.
        basis: on what ground the face may be used.
        stated_at: when it was said, ISO 8601, UTC.
        identity: SHA-256 of the donor's shape and texture; empty where it was said before these
            were known.
        guardian: what was said of a donor who looks under 18; empty where nobody had to.
    """

    fingerprint: str
    name: str
    basis: Basis
    stated_at: str
    identity: str = ""
    guardian: Guardian | Literal[""] = ""

    def statement(self) -> dict[str, Any]:
        """What credentials say of it, as plain data: no name."""
        told: dict[str, Any] = {"basis": self.basis, "stated_at": self.stated_at}
        return told | {
            name: value for name in ("identity", "guardian") if (value := getattr(self, name))
        }


def basis_of(said: Consent | str) -> str:
    """The basis, of a whole answer or alone."""
    return said if isinstance(said, str) else said.basis


def consent_statement(
    consents: Iterable[Consent | str], guardian: Guardian | Mapping[str, Guardian] | None = None
) -> dict[str, Any]:
    """On whose word faces were used, for credentials: plain data without names.

    Args:
        consents: what was said of each donor, or its basis alone.
        guardian: what was said of people who look under 18; see :mod:`masquerade.trust.minors`.
    """
    given = list(consents)
    kept = [said.statement() for said in given if not isinstance(said, str)]
    told: dict[str, Any] = {"bases": sorted({basis_of(said) for said in given})}
    if kept:
        told["statements"] = kept
    of_target = guardian.get("") if isinstance(guardian, Mapping) else guardian
    return told | ({"guardian_of_target": of_target} if of_target else {})


def guardians_of(
    consents: Mapping[str, Consent | str], target: Guardian | Literal[""] | None = ""
) -> dict[str, Guardian]:
    """What was said of people who look under 18, as the engine takes it.

    Args:
        consents: by donor, what was said.
        target: what was said of the people of the target.
    """
    said = {
        name: item.guardian
        for name, item in consents.items()
        if not isinstance(item, str) and item.guardian
    }
    return {**said, "": target} if target else said


def still_given(register: ConsentRegister, donor: str, name: str) -> Consent:
    """What was said of a donor, which has not been revoked since.

    Args:
        register: where answers are kept.
        donor: the donor's fingerprint.
        name: what to call the donor in the message.

    Raises:
        ConsentError: it was revoked.
    """
    known = register.find(donor)
    if known is None:
        raise ConsentError(
            f"What was said of {name} was revoked; say anew on what ground the face may be used."
        )
    return known


def fingerprint(contents: Iterable[bytes]) -> str:
    """SHA-256 of a donor's files, in any order; the same files are the same donor.

    The files' bytes and not the face decide: two people who look alike must not inherit each
    other's consent.

    >>> fingerprint([b"front", b"side"]) == fingerprint([b"side", b"front"])
    True
    """
    digests = sorted(hashlib.sha256(content).digest() for content in contents)
    return hashlib.sha256(b"".join(digests)).hexdigest()


def ensure_consent(
    register: ConsentRegister,
    donor: str,
    name: str,
    basis: Basis | None = None,
    question: Callable[[str], Basis] | None = None,
    *,
    identity: str = "",
    guardian: Guardian | None = None,
) -> Consent:
    """The consent for a donor: said now, remembered, or asked for.

    Args:
        register: where answers are kept.
        donor: the donor's fingerprint.
        name: what to call the donor in the question and in the register.
        basis: the answer, where it was given (``--consent``); replaces a remembered one.
        question: asks the person, by default :func:`ask` on the terminal.
        identity: the donor's :attr:`Identity.fingerprint`, kept with the answer.
        guardian: what is said of a donor who looks under 18; remembered too.

    Raises:
        ConsentError: nobody has said, and nobody is there to be asked.
        OutputError: the register cannot be written.
    """
    known = register.find(donor)
    if basis is None:
        basis = (question or ask)(name) if known is None else known.basis
    guards = guardian or (known.guardian if known is not None else "")
    if known is not None and (known.basis, known.guardian) == (basis, guards):
        if identity in ("", known.identity):
            return known
        completed = replace(known, identity=identity)
        register.record(completed)
        return completed
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    consent = Consent(donor, name, basis, moment, identity, guards)
    AuditLog(register.path.parent).append("consent", {"donor": donor, **consent.statement()})
    register.record(consent)
    return consent


def ask(name: str, reader: TextIO | None = None, writer: TextIO | None = None) -> Basis:
    """Ask on the terminal whose face it is, until one of the answers comes.

    The answer may be the word, a beginning that no other has, or its number.

    Args:
        name: what the donor is called.
        reader: where answers are read, standard input by default.
        writer: where the question goes, standard error by default.

    Raises:
        ConsentError: there is no terminal, or the person declined.
    """
    reader, writer = reader or sys.stdin, writer or sys.stderr
    if reader is None or writer is None or not (reader.isatty() and writer.isatty()):
        raise ConsentError(
            f"Nobody has said whose face {name} is; add --consent with one of {', '.join(BASES)}."
        )
    lines = [f"Whose face is {name}? This is asked once and stays on this machine."]
    lines += [f"  {number}  {basis}: {_MEANINGS[basis]}" for number, basis in _numbered()]
    writer.write("\n".join(lines) + "\n")
    while True:
        writer.write(f"Answer 1 to {len(BASES)}, or nothing to stop: ")
        writer.flush()
        answer = reader.readline().strip().lower()
        if not answer:
            raise ConsentError(f"Nobody has said whose face {name} is; without it no swap is made.")
        meant = [basis for n, basis in _numbered() if answer == n or basis.startswith(answer)]
        if len(meant) == 1:
            return meant[0]


def _numbered() -> list[tuple[str, Basis]]:
    return [(str(index + 1), basis) for index, basis in enumerate(BASES)]
