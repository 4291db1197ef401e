"""The content check of a film whose segments were checked apart."""

from __future__ import annotations

from typing import Any

import pytest

from masquerade.apps.farm.content import film_content
from masquerade.core.errors import ContentError


def report(highest: float | None, *, insists: bool = False) -> dict[str, Any]:
    content = {"checked": highest is not None, "threshold": 0.8}
    return {
        "content": content if highest is None else {**content, "highest": highest},
        "insists": insists,
    }


def test_the_highest_score_is_stated() -> None:
    said = film_content([report(0.1), report(0.62), report(0.3)])
    assert said == {"checked": True, "threshold": 0.8, "highest": 0.62}
    assert film_content([report(None)]) == {"checked": False, "threshold": 0.8}


def test_behind_somebody_young_the_check_is_strict_whoever_did_the_segment() -> None:
    film_content([report(0.62), report(0.2, insists=True), report(0.3)])
    with pytest.raises(ContentError, match="under 18"):
        film_content([report(0.1), report(0.2, insists=True), report(0.62)])
