"""What the content check has said of a film, by what it has said of its segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from masquerade.core.errors import ContentError
from masquerade.stages.content import STRICT_THRESHOLD

__all__ = ["film_content"]


def film_content(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is stated of the film; see ``Engine.content``.

    From where somebody looks under 18 the check is strict to the film's end, as in a film that is
    done in one go; whoever did a later segment may not have known.

    Args:
        reports: of the segments, in order.

    Raises:
        ContentError: a later segment is not allowed in such a film.
    """
    found: dict[str, Any] = {**reports[0]["content"], "checked": False}
    strict, highest = False, None
    for report in reports:
        strict = strict or bool(report["insists"])
        found["checked"] |= bool(report["content"]["checked"])
        score = report["content"].get("highest")
        if score is None:
            continue
        if strict and score >= STRICT_THRESHOLD:
            raise ContentError(
                "Somebody in this film looks under 18, and the content check finds a later part "
                "of it likely to be sexual, so nothing is written; see docs/trust.md if it is "
                "mistaken."
            )
        highest = max(score, highest or 0.0)
    return found if highest is None else {**found, "highest": highest}
