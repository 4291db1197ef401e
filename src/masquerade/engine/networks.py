"""The networks that the stages share."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from masquerade.models.content import ContentNetwork
from masquerade.models.detector import Detector
from masquerade.models.embedder import Embedder
from masquerade.models.finder import FaceFinder
from masquerade.models.landmarker import Landmarker

__all__ = ["Networks", "shared_networks"]


@dataclass(frozen=True, slots=True)
class Networks:
    """The networks of one thread setting; each is loaded at its first use.

    ``heads`` is the detector alone, ``detector`` the same one confirmed by the landmarks;
    ``content`` runs in one thread whatever the setting, since it has time.
    """

    heads: Detector
    detector: FaceFinder
    landmarker: Landmarker
    embedder: Embedder
    content: ContentNetwork


@functools.cache
def shared_networks(threads: int) -> Networks:
    """The networks of that thread setting, the same for every engine of the process."""
    landmarker = Landmarker(threads)
    heads = Detector(threads)
    finder, embedder = FaceFinder(heads, landmarker), Embedder(threads)
    return Networks(heads, finder, landmarker, embedder, ContentNetwork())
