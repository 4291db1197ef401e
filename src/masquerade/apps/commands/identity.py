"""``masquerade identity``: keep a donor's face in one file, and say what such a file holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from masquerade.apps.console import Console
from masquerade.core.errors import OutputError, OutputExistsError
from masquerade.media.image import read_image
from masquerade.media.limits import MediaLimits
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
    if output.is_dir():
        raise OutputError(f"{output} is a folder; give the name of a file in it.")
    if output.exists() and not args.overwrite:
        raise OutputExistsError(f"{output} exists already; pass --overwrite to replace it.")
    limits = MediaLimits(max_pixels=args.max_pixels) if args.max_pixels else MediaLimits()
    photos = [read_image(photo, limits=limits).pixels for photo in args.photos]
    identity = Identity.from_photos(photos, args.name or output.stem)
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
