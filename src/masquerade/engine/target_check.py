"""The stages that refuse targets, and what they have found."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from masquerade.engine.networks import shared_networks
from masquerade.models.content import content_crop
from masquerade.stages.content import ContentCheck
from masquerade.stages.permit import Permit

if TYPE_CHECKING:
    from masquerade.core.settings import Settings
    from masquerade.engine.face_rules import FaceRules
    from masquerade.stages.identity import Identity

__all__ = ["CHECK_IS_OFF", "TargetCheck"]

CHECK_IS_OFF = "The content check is off: targets are not looked at."
"""Said for as long as it is so."""


class TargetCheck:
    """Makes the content check and the face rules' stage for every line of an engine.

    Args:
        rules: whose faces may be used.
        notice: takes a sentence for the user.
    """

    def __init__(self, rules: FaceRules, notice: Callable[[str], None]) -> None:
        self._rules, self._notice = rules, notice
        self._checks: weakref.WeakSet[ContentCheck] = weakref.WeakSet()
        self._insists = self._off = False
        rules.on_minor = self._insist

    def stages(
        self, settings: Settings, identities: Mapping[str, Identity], *, live: bool
    ) -> tuple[ContentCheck, Permit]:
        """Both stages for a new line, the first to come before faces are selected."""
        network = shared_networks(settings.threads).content
        check = ContentCheck(network, content_crop, settings, live=live)
        self._checks.add(check)
        self.expect(settings, identities)
        if self._insists:
            check.insist()
        return check, Permit(self._rules, self._notice, live=live)

    def expect(self, settings: Settings, identities: Mapping[str, Identity]) -> None:
        """These will be in force from now on."""
        if self._rules.have_minor(identities):
            self._insist()
        self._off = not settings.content_check

    @property
    def insists(self) -> bool:
        """Whether the check is on and strict whatever the settings say: somebody looks under 18."""
        return self._insists

    @property
    def notices(self) -> tuple[str, ...]:
        """That the check is off, if it is."""
        return (CHECK_IS_OFF,) if self._off and not self._insists else ()

    def facts(self, settings: Settings) -> Mapping[str, Any]:
        """What was checked and found, for the credentials.

        Args:
            settings: in force.
        """
        scores = [check.highest for check in self._checks if check.highest is not None]
        facts: dict[str, Any] = {
            "checked": settings.content_check or self._insists,
            "threshold": settings.content_threshold,
        }
        return {**facts, "highest": round(max(scores), 4)} if scores else facts

    def _insist(self) -> None:
        self._insists = True
        for check in list(self._checks):
            check.insist()
