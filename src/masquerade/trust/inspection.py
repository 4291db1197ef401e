"""What a file says of its origin, and whether it is true: who, what, when, valid or altered.

Everything here may come from a stranger: values are taken only where they have the form that they
should have, and are cut to a length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from masquerade.core.errors import CorruptMediaError, MissingInputError, UnsupportedMediaError
from masquerade.trust.credentials import STATEMENT_PREFIX
from masquerade.trust.file_kinds import credentials_type, head_of
from masquerade.trust.sidecar import LARGEST_SIDECAR_BYTES, read_sidecar, sidecar_path
from masquerade.trust.signing_identity import SigningStore

__all__ = ["Edit", "Inspection", "State", "inspect_file"]

State = Literal["trusted", "unknown", "expired", "altered", "none"]
"""``trusted``: intact, and signed here or by an authority that is trusted here. ``unknown``:
intact, but nobody here knows the signer. ``expired``: intact, but the certificate has ended and no
authority dated the signature. ``altered``: the file is not what was signed, or its credentials are
damaged. ``none``: it has no credentials."""

_EXPIRED, _UNTRUSTED = "signingCredential.expired", "signingCredential.untrusted"
_LONGEST_HISTORY = 64
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Edit:
    """One signed step in a file's life.

    Attributes:
        software: what did it.
        signer: whose certificate signed it.
        when: ISO 8601, or empty where nobody says.
        actions: C2PA's names, such as ``c2pa.edited``.
        descriptions: the same in the signer's words, empty where there are none.
        source_type: IPTC's address of the kind of source, or empty.
        statements: what our own program states, by name.
    """

    software: str = ""
    signer: str = ""
    when: str = ""
    actions: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    source_type: str = ""
    statements: Mapping[str, Any] = field(default_factory=dict)

    def brief(self) -> dict[str, Any]:
        """Plain data without the statements, to be kept in a later edit's history."""
        return {
            "software": self.software,
            "signer": self.signer,
            "when": self.when,
            "actions": list(self.actions),
            "descriptions": list(self.descriptions),
            "source_type": self.source_type,
        }


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found.

    Attributes:
        state: see :data:`State`.
        carrier: where the credentials are: within the file, beside it, or nowhere.
        latest: the last edit; None where there are no credentials.
        earlier: what was done before, the latest first, as far as credentials tell.
        problems: C2PA's words for what is wrong, or ours for a sidecar.
    """

    state: State
    carrier: Literal["file", "sidecar", ""] = ""
    latest: Edit | None = None
    earlier: tuple[Edit, ...] = ()
    problems: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        latest = self.latest
        return {
            "state": self.state,
            "carrier": self.carrier,
            "latest": None if latest is None else latest.brief(),
            "statements": {} if latest is None else dict(latest.statements),
            "earlier": [edit.brief() for edit in self.earlier],
            "problems": list(self.problems),
        }


def inspect_file(
    path: Path, *, store: SigningStore | None = None, now: datetime | None = None
) -> Inspection:
    """Look at a file's credentials; nothing is asked of the network.

    Args:
        path: any file.
        store: whose authorities are trusted; this installation's by default.
        now: the present by default; for sidecars.

    Raises:
        MissingInputError: there is no such file.
        UnsupportedMediaError: it is a folder.
        CorruptMediaError: it cannot be read.
        SigningError: this installation's identity is damaged.
    """
    if path.is_dir():
        raise UnsupportedMediaError(f"{path} is a folder; inspect its files one by one.")
    anchors = (store or SigningStore()).anchors()
    try:
        head = head_of(path)
        media_type = credentials_type(head)
        found = None if media_type is None else _within(path, media_type, anchors)
        return found or _beside(path, anchors, now)
    except FileNotFoundError as error:
        raise MissingInputError(_no_file(path)) from error
    except OSError as error:
        raise CorruptMediaError(
            f"{path} cannot be read ({error.strerror}); check what it is and its permissions."
        ) from error


def _no_file(path: Path) -> str:
    if path.parts[0] in ("http:", "https:"):
        return f"{path.parts[0]}//... is an address, and nothing is fetched; save the file first."
    return f"There is no file {path}; check the name."


def _within(path: Path, media_type: str, anchors: bytes) -> Inspection | None:
    from masquerade.trust.c2pa_files import read_manifests

    try:
        found = read_manifests(path, media_type, anchors)
    except ValueError as error:
        return Inspection("altered", "file", problems=(_text(str(error)),))
    if found is None:
        return None
    edits = list(_edits(found.document))
    problems = _problems(found.document)
    latest = edits[0] if edits else None
    state = _state(found.state, problems)
    return Inspection(state, "file", latest, tuple(edits[1:]), problems)


def _state(verdict: str, problems: tuple[str, ...]) -> State:
    """Our word for the library's. An authority whose leaf has ended is not looked for by it.

    >>> _state("Invalid", ("signingCredential.untrusted", "signingCredential.expired"))
    'expired'
    """
    states: dict[str, State] = {"Trusted": "trusted", "Valid": "unknown"}
    if _EXPIRED in problems and set(problems) <= {_EXPIRED, _UNTRUSTED}:
        return "expired"
    return states.get(verdict, "altered")


def _beside(path: Path, anchors: bytes, now: datetime | None) -> Inspection:
    beside = sidecar_path(path)
    try:
        with beside.open("rb") as file:
            text = file.read(LARGEST_SIDECAR_BYTES + 1)
    except (FileNotFoundError, IsADirectoryError):
        return Inspection("none")
    try:
        facts = read_sidecar(text, path, anchors, now)
    except ValueError as error:
        return Inspection("altered", "sidecar", problems=(_text(str(error)),))
    payload = facts.payload
    latest = Edit(
        software=_software(payload.get("software")),
        signer=_text(facts.signer),
        when=_text(payload.get("signed_at")),
        **_deeds(payload.get("actions")),
        statements=_mapping(payload.get("statements")),
    )
    problems = () if facts.matches else ("the file is not the one that was signed",)
    state: State = "trusted" if facts.trusted else "unknown"
    if facts.expired:
        state = "expired"
    if problems:
        state = "altered"
    return Inspection(state, "sidecar", latest, tuple(_told(payload.get("history"))), problems)


def _edits(document: Mapping[str, Any]) -> Iterator[Edit]:
    """The active manifest and those of its parents, as far as they are there."""
    manifests = _mapping(document.get("manifests"))
    label, seen = document.get("active_manifest"), set[str]()
    while isinstance(label, str) and label not in seen and len(seen) < _LONGEST_HISTORY:
        seen.add(label)
        manifest = _mapping(manifests.get(label))
        if not manifest:
            return
        edit = _edit(manifest)
        yield edit
        yield from _told(_mapping(edit.statements.get("history")).get("edits"))
        label = _parent(manifest)


def _parent(manifest: Mapping[str, Any]) -> str | None:
    for ingredient in _items(manifest.get("ingredients")):
        if ingredient.get("relationship") == "parentOf":
            label = ingredient.get("active_manifest")
            return label if isinstance(label, str) else None
    return None


def _edit(manifest: Mapping[str, Any]) -> Edit:
    signature = _mapping(manifest.get("signature_info"))
    statements: dict[str, Any] = {}
    deeds: dict[str, Any] = {}
    for assertion in _items(manifest.get("assertions")):
        label, data = str(assertion.get("label")), _mapping(assertion.get("data"))
        if label.startswith("c2pa.actions"):
            deeds = _deeds(data.get("actions"))
        elif label.startswith(STATEMENT_PREFIX):
            statements[label.removeprefix(STATEMENT_PREFIX)] = data
    when = signature.get("time") or _mapping(statements.get("report")).get("made_at")
    makers = _items(manifest.get("claim_generator_info"))
    return Edit(
        software=_software(makers[0] if makers else None),
        signer=_text(signature.get("common_name") or signature.get("issuer")),
        when=_text(when),
        statements=statements,
        **deeds,
    )


def _deeds(actions: Any) -> dict[str, Any]:
    found = _items(actions)[:_LONGEST_HISTORY]
    kinds = [_text(item["digitalSourceType"]) for item in found if "digitalSourceType" in item]
    return {
        "actions": tuple(_text(item.get("action")) for item in found),
        "descriptions": tuple(_text(item.get("description")) for item in found),
        "source_type": kinds[-1] if kinds else "",
    }


def _told(history: Any) -> Iterator[Edit]:
    """Edits as an earlier signer has written them down."""
    for item in _items(history)[:_LONGEST_HISTORY]:
        yield Edit(
            software=_text(item.get("software")),
            signer=_text(item.get("signer")),
            when=_text(item.get("when")),
            actions=_texts(item.get("actions")),
            descriptions=_texts(item.get("descriptions")),
            source_type=_text(item.get("source_type")),
        )


def _problems(document: Mapping[str, Any]) -> tuple[str, ...]:
    results = _mapping(_mapping(document.get("validation_results")).get("activeManifest"))
    return tuple(dict.fromkeys(_text(item.get("code")) for item in _items(results.get("failure"))))


def _software(value: Any) -> str:
    known = _mapping(value)
    return f"{_text(known.get('name'))} {_text(known.get('version'))}".strip()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(map(_text, values[:_LONGEST_HISTORY])) if isinstance(values, list) else ()


def _text(value: Any) -> str:
    """Printable characters alone: a terminal obeys the others."""
    if not isinstance(value, str):
        return ""
    return "".join(char for char in value[:_LONGEST_TEXT] if char.isprintable())
