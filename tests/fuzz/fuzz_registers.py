"""Targets that are registers of people: locked faces, and the audit log with its end."""

from __future__ import annotations

import io

import numpy as np
from fuzz_target import FuzzTarget, scratch
from PIL import Image

from masquerade.trust.audit import AuditLog
from masquerade.trust.deny_list import DenyList


def _audit(data: bytes) -> None:
    """The record of the log's end, a line feed, and the log."""
    folder = scratch() / "audit"
    folder.mkdir(exist_ok=True)
    head, _, lines = data.partition(b"\n")
    (folder / "audit.head").write_bytes(head)
    (folder / "audit.jsonl").write_bytes(lines)
    log = AuditLog(folder)
    log.verify()
    list(log.entries())
    log.append("job", {"name": "a"})


def _audit_seeds() -> list[bytes]:
    folder = scratch() / "audit-seed"
    folder.mkdir(exist_ok=True)
    log = AuditLog(folder)
    log.append("job", {"name": "a"})
    log.append("setting", {"name": "b", "on": True})
    whole = b"\n".join((folder / name).read_bytes() for name in ("audit.head", "audit.jsonl"))
    return [whole, b"-1 a\n"]


def _locks(data: bytes) -> None:
    folder = scratch() / "locks"
    folder.mkdir(exist_ok=True)
    (folder / "locks.json").write_bytes(data)
    DenyList(folder).all()


def _locks_seeds() -> list[bytes]:
    folder = scratch() / "locks-seed"
    stream = io.BytesIO()
    Image.new("RGB", (512, 512)).save(stream, "PNG")
    unit = np.ones(1024, np.float32) / 32
    faces = DenyList(folder)
    faces.add("anna", unit, stream.getvalue(), np.ones((5, 2), np.float32))
    return [faces.path.read_bytes()]


REGISTERS = (
    FuzzTarget("audit", _audit, _audit_seeds, 4096),
    FuzzTarget("locks", _locks, _locks_seeds, 16384),
)
