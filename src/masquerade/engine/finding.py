"""The stages that find and follow faces, wired to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from masquerade.engine.networks import shared_networks
from masquerade.stages.detect import Detect
from masquerade.stages.track import Track

if TYPE_CHECKING:
    from masquerade.core.settings import Settings

__all__ = ["finding_stages"]


def finding_stages(settings: Settings) -> tuple[Detect, Track]:
    """Detect, which asks Track whether to search, and Track, which may ask for a search at once.

    With the same settings they number the people of a file alike wherever they are used.
    """
    networks = shared_networks(settings.threads)
    track = Track(networks.landmarker, settings, search=lambda job: find.search(job))
    find = Detect(networks.detector, settings, wanted=lambda: track.wants_detection)
    return find, track
