"""What credentials and the audit log state, in plain words.

The words of a stranger's file may have any form: whatever is not as this program writes it is shown
as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from masquerade.trust.inspection import Edit

__all__ = ["told_actions", "told_moment", "told_problem", "told_source", "told_statement"]

_ACTIONS = {
    "c2pa.addedText": "added text",
    "c2pa.adjustedColor": "changed colours",
    "c2pa.changedSpeed": "changed the speed",
    "c2pa.color_adjustments": "changed colours",
    "c2pa.converted": "converted it to another format",
    "c2pa.created": "made it",
    "c2pa.cropped": "cut off edges",
    "c2pa.deleted": "deleted a part",
    "c2pa.drawing": "drew on it",
    "c2pa.dubbed": "dubbed it",
    "c2pa.edited": "edited it",
    "c2pa.edited.metadata": "edited what is written in it",
    "c2pa.enhanced": "enhanced it",
    "c2pa.filtered": "filtered it",
    "c2pa.opened": "opened the target",
    "c2pa.orientation": "turned it",
    "c2pa.placed": "put another file in",
    "c2pa.published": "published it",
    "c2pa.redacted": "left statements out",
    "c2pa.removed": "took a part out",
    "c2pa.repackaged": "packed it anew",
    "c2pa.resized": "changed its size",
    "c2pa.transcoded": "encoded it anew",
    "c2pa.translated": "translated it",
    "c2pa.trimmed": "shortened it",
    "c2pa.unknown": "did something unknown",
    "c2pa.watermarked": "put an invisible mark in",
}
_SOURCES = {
    "algorithmicMedia": "made by a program, without training",
    "algorithmicallyEnhanced": "enhanced by a program",
    "composite": "a composite",
    "compositeCapture": "a composite of what cameras saw",
    "compositeSynthetic": "a composite with synthetic parts",
    "compositeWithTrainedAlgorithmicMedia": "a composite made with AI",
    "computationalCapture": "taken by a camera, with computation",
    "digitalCapture": "taken by a camera",
    "digitalCreation": "made by a person with a program",
    "humanEdits": "edited by a person",
    "screenCapture": "a picture of a screen",
    "trainedAlgorithmicMedia": "made by AI",
    "virtualRecording": "recorded from a virtual scene",
}
_PROBLEMS = {
    "assertion.bmffHash.mismatch": "the file is not the one that was signed",
    "assertion.boxesHash.mismatch": "the file is not the one that was signed",
    "assertion.dataHash.mismatch": "the file is not the one that was signed",
    "assertion.hashedURI.mismatch": "a statement is not the one that was signed",
    "assertion.missing": "a statement is missing",
    "claim.missing": "the signed list of statements is missing",
    "claimSignature.mismatch": "the signature is wrong",
    "claimSignature.missing": "the signature is missing",
    "ingredient.hashedURI.mismatch": "what is said of the file that was edited was changed",
    "signingCredential.expired": "the certificate has ended",
    "signingCredential.invalid": "the certificate is not one that may sign this",
    "signingCredential.untrusted": "nobody here knows the signer",
}
_BASES = {
    "self": "one's own face",
    "given": "the person has agreed",
    "public-domain": "public domain",
    "synthetic": "nobody's face",
}
_GUARDIANS = {"agreed": "a guardian has agreed", "adult": "of age, somebody says"}
_LABELS = {
    "small": "the word AI in a corner",
    "gb45438": "as GB 45438 asks",
    "none": "none, left out on request",
}
_HASH = re.compile(r"\b[0-9a-f]{64}\b")
_SHORT = 12
"""Digits of a hash that are shown: the whole of it is for JSON."""


def told_actions(edit: Edit) -> str:
    """What was done, in order; a signer's own words follow the action that they describe.

    >>> from masquerade.trust.inspection import Edit
    >>> told_actions(Edit(actions=("c2pa.opened", "c2pa.edited"), descriptions=("", "cut")))
    'opened the target; edited it: cut'
    """
    described = [*edit.descriptions, *[""] * len(edit.actions)]
    return "; ".join(
        f"{_action(name)}: {text}" if text else _action(name)
        for name, text in zip(edit.actions, described, strict=False)
    )


def _action(name: str) -> str:
    return _ACTIONS.get(name) or name.removeprefix("c2pa.").replace("_", " ").replace(".", " ")


def told_source(source_type: str) -> str:
    """What kind of source a file is; the address itself where it is not known."""
    return _SOURCES.get(source_type.rpartition("/")[2], source_type)


def told_problem(problem: str) -> str:
    """What is wrong, with C2PA's own word where it is one of those.

    >>> told_problem("claimSignature.mismatch")
    'the signature is wrong (claimSignature.mismatch)'
    """
    words = _PROBLEMS.get(problem)
    return f"{words} ({problem})" if words else problem


def told_moment(moment: str) -> str:
    """A moment without its milliseconds.

    >>> told_moment("2026-11-26T02:45:26.153+00:00")
    '2026-11-26 02:45:26 UTC'
    """
    day, letter, clock = moment.partition("T")
    if not letter or not clock.endswith(("+00:00", "Z")):
        return moment
    return f"{day} {clock[:8]} UTC"


def told_statement(name: str, statement: Any) -> str:
    """A statement of ours by its name, or plain data as it is.

    >>> told_statement("content", {"checked": True, "threshold": 0.8, "highest": 0.0165})
    'looked at, scores 0.02 of 1, refused from 0.8 on'
    """
    tell = _TELL.get(name)
    if tell is not None and isinstance(statement, Mapping):
        try:
            return tell(statement)
        except (KeyError, TypeError, ValueError, AttributeError):
            pass  # a stranger's, of another form
    return _flat(statement)


def _label(said: Mapping[str, Any]) -> str:
    return _LABELS[said["style"]]


def _watermark(said: Mapping[str, Any]) -> str:
    if said["scheme"] == "none":
        return "none, left out on request"
    return f"invisible, number {said['number']:.20}"


def _content(said: Mapping[str, Any]) -> str:
    if said["checked"] is not True:
        return "not looked at, on request"
    score = f", scores {said['highest']:.2f} of 1" if "highest" in said else ""
    return f"looked at{score}, refused from {said['threshold']:g} on"


def _consent(said: Mapping[str, Any]) -> str:
    statements = said.get("statements") or [{"basis": basis} for basis in said["bases"]]
    target = said.get("guardian_of_target")
    answer = f"; the people of the target: {_GUARDIANS[target]}" if target else ""
    return "; ".join(map(_donor_consent, statements)) + answer


def _donor_consent(said: Mapping[str, Any]) -> str:
    parts = [_BASES[said["basis"]]]
    if said.get("guardian"):
        parts.append(_GUARDIANS[said["guardian"]])
    if "stated_at" in said:
        parts.append(f"said on {told_moment(said['stated_at'])}")
    if said.get("identity"):
        parts.append(f"identity {_short(said['identity'])}")
    return ", ".join(parts)


def _figures(said: Mapping[str, Any]) -> str:
    counts = [
        _count(said["frames"], "frame"),
        f"{_count(said['faces_swapped'], 'face')} swapped",
        *(
            f"{said[name]:d} {words}"
            for name, words in (
                ("faces_concealed", "hidden"),
                ("faces_passed", "left real"),
                ("frames_without_face", "frames without a face"),
            )
            if said.get(name)
        ),
    ]
    return ", ".join([*counts, f"{said['seconds']:.1f} s" if "seconds" in said else ""]).rstrip(
        ", "
    )


def _count(count: int, what: str) -> str:
    return f"{count:d} {what}{'' if count == 1 else 's'}"


def _job(said: Mapping[str, Any]) -> str:
    donors = ", ".join(
        _short(file["sha256"]) for donor in said.get("donors", ()) for file in donor["files"]
    )
    target = _short(said["target"]["sha256"]) if "target" in said else "a stream"
    return f"{target}{f' with the face of {donors}' if donors else ''}"


def _faces(said: Mapping[str, Any]) -> str:
    return f"{said['described']:d} described, {said['replaced']:d} replaced"


_TELL: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "label": _label,
    "watermark": _watermark,
    "content": _content,
    "consent": _consent,
    "donor": _donor_consent,
    "figures": _figures,
    "faces": _faces,
    "job": _job,
}


def _flat(values: Any) -> str:
    if isinstance(values, Mapping):
        pairs = (f"{key} {_flat(value)}" for key, value in values.items())
        return ", ".join(pair.replace("_", " ") for pair in pairs)
    if isinstance(values, list):
        return ", ".join(map(_flat, values))
    return _HASH.sub(lambda found: _short(found[0]), str(values))


def _short(digits: str) -> str:
    return f"{digits[:_SHORT]}..."
