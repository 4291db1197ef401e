"""``masquerade identity``: keep a donor's face in one file, and say what such a file holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from masquerade.apps.console import Console
from masquerade.apps.donors import IDENTITY_SUFFIX, make_identity
from masquerade.apps.limit_arguments import limits_from
from masquerade.core.errors import OutputError
from masquerade.media.output_file import OutputFile
from masquerade.stages.identity import Identity

__all__ = ["run"]


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Make an identity or show one."""
    if args.action == "make":
        return _make(args, console)
    identity = Identity.load(args.file)
    console.say(_describe(identity))
    return {"file": args.file, **_facts(identity)}


def _make(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    output = Path(args.output)
    if output.suffix.lower() != IDENTITY_SUFFIX:
        raise OutputError(f"{output} does not end in {IDENTITY_SUFFIX}; a saved identity does.")
    OutputFile(output, overwrite=args.overwrite, inputs=args.photos).abort()
    limits = limits_from(args)
    photos = [Path(photo) for photo in args.photos]
    name = args.name or output.stem
    identity = make_identity(photos, limits, name=name, face_index=args.source_face)
    identity.save(output)
    console.say(f"{_describe(identity)}\nSaved as {output}; use it with: -s {output}")
    return {"output": str(output), **_facts(identity)}


def _describe(identity: Identity) -> str:
    attributes = identity.attributes
    photos = f"{identity.photos} photo" + ("s" if identity.photos > 1 else "")
    first = f"{identity.name}: {photos}, looks {attributes.gender}, about {attributes.age:.0f}"
    return "\n".join([first, *(f"  advice: {sentence}" for sentence in identity.advice)])


def _facts(identity: Identity) -> dict[str, Any]:
    return {
        "name": identity.name,
        "photos": identity.photos,
        "age": round(identity.attributes.age, 1),
        "gender": identity.attributes.gender,
        "fingerprint": identity.fingerprint,
        "advice": list(identity.advice),
    }
