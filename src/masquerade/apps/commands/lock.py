"""``masquerade lock``: faces that nobody on this installation swaps with or on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from masquerade.apps.console import Console
from masquerade.apps.origin_words import told_moment
from masquerade.apps.table import table
from masquerade.core.errors import ConsentError
from masquerade.core.shown_text import quoted
from masquerade.engine.locked_faces import BUILT_IN, LockedFaces, lock_face
from masquerade.trust.audit import AuditLog
from masquerade.trust.deny_list import DenyList, LockedFace

__all__ = ["run"]


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Do what ``args.action`` says."""
    deny_list = DenyList()
    if args.action == "add":
        return _add(deny_list, args, console)
    if args.action == "remove":
        return _remove(deny_list, args.id, console)
    faces = deny_list.all()
    if not faces:
        console.say("No face is locked.")
        return {"action": "list", "faces": []}
    rows = [(face.id, face.name, told_moment(face.locked_at)) for face in faces]
    console.say(table(("id", "name", "locked at"), rows))
    recogniser = LockedFaces(faces).recogniser
    console.say(f"They are recognised by {recogniser.name}.")
    _warn(recogniser == BUILT_IN, console)
    facts = [{"id": face.id, "name": face.name, "locked_at": face.locked_at} for face in faces]
    return {"action": "list", "recogniser": recogniser.name, "faces": facts}


def _add(deny_list: DenyList, args: argparse.Namespace, console: Console) -> dict[str, Any]:
    photos = [Path(photo) for photo in args.photo]
    name = args.name or photos[0].stem
    locked: list[LockedFace] = []
    for photo in photos:
        face = lock_face(photo, name, deny_list)
        AuditLog().append("locked", {"id": face.id})
        console.say(f"Locked: {photo} as {face.id} ({face.name}).")
        locked.append(face)
    _tell_strangers(locked, photos, console)
    _warn(LockedFaces(deny_list.all()).recogniser == BUILT_IN, console)
    return {"action": "add", "locked": [face.id for face in locked]}


def _remove(deny_list: DenyList, face_id: str, console: Console) -> dict[str, Any]:
    meant = [face for face in deny_list.all() if face_id in (face.id, face.name)]
    if not meant:
        raise ConsentError(
            f"No face {quoted(face_id)} is locked; give an id or a name that `masquerade lock "
            "list` shows."
        )
    if len(meant) > 1:
        ids = ", ".join(face.id for face in meant)
        raise ConsentError(f"Several faces are called {quoted(face_id)}; give one of {ids}.")
    (face,) = meant
    deny_list.remove(face.id)
    AuditLog().append("unlocked", {"id": face.id})
    console.say(f"Unlocked: {face.id} ({face.name}).")
    return {"action": "remove", "unlocked": face.id}


def _tell_strangers(locked: list[LockedFace], photos: list[Path], console: Console) -> None:
    """Photos of one person were asked for: whoever gave another's by mistake has locked it too."""
    first, *others = locked
    for face, photo in zip(others, photos[1:], strict=True):
        if float(first.embedding_unit @ face.embedding_unit) < BUILT_IN.threshold:
            console.note(
                f"{photo} does not look like {photos[0]}; if it shows another person, undo it: "
                f"masquerade lock remove {face.id}"
            )


def _warn(weak: bool, console: Console) -> None:
    if weak:
        console.note(
            "The built-in recogniser misses many pictures of a person; install w600k_r50 for a "
            "better one (`masquerade models`), and see docs/trust.md for what each misses."
        )
