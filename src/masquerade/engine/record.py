"""What an engine writes into the audit log: outputs, live streams, and what was refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import ConsentError, ContentError
from masquerade.trust.audit import AuditLog

if TYPE_CHECKING:
    from masquerade.core.settings import Settings
    from masquerade.engine.engine import Engine

__all__ = ["noting_refusals", "record_change", "record_live", "record_output"]

_ANSWERED_FOR = ("label", "watermark", "content_check", "content_threshold")
"""Settings that somebody may have to answer for."""
_STATED = ("label", "watermark", "content", "consent", "faces")
"""Statements of the credentials that the log has too."""
_COUNTS = ("frames", "faces_swapped", "seconds")


@contextmanager
def noting_refusals() -> Iterator[None]:
    """Write a line when the block is left by a refusal.

    Raises:
        OutputError: the log cannot be written.
    """
    try:
        yield
    except (ConsentError, ContentError) as error:
        AuditLog().append("refused", {"kind": type(error).__name__, "reason": str(error)})
        raise


def record_output(statements: Mapping[str, Mapping[str, Any]]) -> str:
    """Write a line for an output that is about to be signed.

    Args:
        statements: of its credentials.

    Returns:
        The line's hash.

    Raises:
        OutputError: the log cannot be written, so there must be no output.
    """
    report = statements.get("report", {})
    facts: dict[str, Any] = {name: statements[name] for name in _STATED if name in statements}
    figures = report.get("figures", {})
    facts["figures"] = {name: figures[name] for name in _COUNTS if name in figures}
    job = report.get("job", {})
    facts["job"] = {name: job[name] for name in ("target", "donors") if name in job}
    facts["models"] = [model["name"] for model in report.get("models", ()) if model["provider"]]
    return AuditLog().append("output", facts).hash


def record_live(engine: Engine, event: str, **facts: Any) -> None:
    """Write a line for a live stream that begins, ends, or is set otherwise.

    Args:
        engine: of the stream.
        event: ``live-began``, ``live-ended`` or ``live-changed``.
        facts: plain data.

    Raises:
        OutputError: the log cannot be written.
    """
    donors = {name: item.fingerprint for name, item in engine.identities.items()}
    own = {"donors": list(donors.values()), **_answered_for(engine.settings)}
    AuditLog().append(event, {**own, **facts})


def record_change(engine: Engine, before: Settings) -> None:
    """Write a line for a live stream whose settings have changed, if somebody answers for one.

    Args:
        engine: of the stream, with the settings of now.
        before: those of before.

    Raises:
        OutputError: the log cannot be written.
    """
    if _answered_for(before) != _answered_for(engine.settings):
        record_live(engine, "live-changed")


def _answered_for(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in _ANSWERED_FOR}
