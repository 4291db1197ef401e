"""The stages that find and follow faces, wired to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from masquerade.engine.networks import shared_networks
from masquerade.models.finder import FaceFinder
from masquerade.models.network_detector import NetworkDetector
from masquerade.stages.detect import Detect
from masquerade.stages.track import Track

if TYPE_CHECKING:
    from masquerade.core.settings import Settings
    from masquerade.models.network_detector import FindsFacesAt

__all__ = ["face_finder", "finding_stages"]


def finding_stages(
    settings: Settings, detector: FindsFacesAt | None = None, device: str = ""
) -> tuple[Detect, Track]:
    """Detect, which asks Track whether to search, and Track, which may ask for a search at once.

    With the same settings they number the people of a file alike wherever they are used.

    Args:
        settings: how faces are searched for.
        detector: a brought one; the built-in one by default.
        device: of the networks that look at faces; see ``shared_networks``.
    """
    networks = shared_networks(settings.threads, device)
    track = Track(networks.landmarker, settings, search=lambda job: find.search(job))
    find = Detect(
        face_finder(settings, detector, device), settings, wanted=lambda: track.wants_detection
    )
    return find, track


def face_finder(
    settings: Settings, detector: FindsFacesAt | None = None, device: str = ""
) -> FaceFinder:
    """What Detect searches with: a detector whose finds the landmark network confirms.

    Args:
        settings: ``detect_size`` is read for a brought detector.
        detector: a brought one; the built-in one by default.
        device: see :func:`finding_stages`.
    """
    networks = shared_networks(settings.threads, device)
    if detector is None:
        return networks.detector
    width, height = (int(side) for side in settings.detect_size.split("x"))
    return FaceFinder(NetworkDetector(detector, (width, height)), networks.landmarker)
