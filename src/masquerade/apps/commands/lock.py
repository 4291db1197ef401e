"""``masquerade lock``: faces that nobody on this installation swaps with or on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from masquerade.apps.console import Console
from masquerade.apps.table import table
from masquerade.core.errors import ConsentError
from masquerade.engine.locked_faces import BUILT_IN, LockedFaces, lock_face
from masquerade.trust.audit import AuditLog
from masquerade.trust.deny_list import DenyList

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
    rows = [(face.id, face.name, face.locked_at) for face in faces]
    console.say(table(("id", "name", "locked at"), rows))
    recogniser = LockedFaces(faces).recogniser
    console.say(f"They are recognised by {recogniser.name}.")
    _warn(recogniser == BUILT_IN, console)
    facts = [{"id": i, "name": name, "locked_at": moment} for i, name, moment in rows]
    return {"action": "list", "recogniser": recogniser.name, "faces": facts}


def _add(deny_list: DenyList, args: argparse.Namespace, console: Console) -> dict[str, Any]:
    photos = [Path(photo) for photo in args.photo]
    name = args.name or photos[0].stem
    locked = []
    for photo in photos:
        face = lock_face(photo, name, deny_list)
        AuditLog().append("locked", {"id": face.id})
        console.say(f"Locked: {photo} as {face.id} ({face.name}).")
        locked.append(face.id)
    _warn(LockedFaces(deny_list.all()).recogniser == BUILT_IN, console)
    return {"action": "add", "locked": locked}


def _remove(deny_list: DenyList, face_id: str, console: Console) -> dict[str, Any]:
    if not deny_list.remove(face_id):
        raise ConsentError(f"No face {face_id} is locked; see `masquerade lock list`.")
    AuditLog().append("unlocked", {"id": face_id})
    console.say(f"Unlocked: {face_id}.")
    return {"action": "remove", "unlocked": face_id}


def _warn(weak: bool, console: Console) -> None:
    if weak:
        console.note(
            "The built-in recogniser misses many pictures of a person; install w600k_r50 for a "
            "better one (`masquerade models`), and see docs/trust.md for what each misses."
        )
