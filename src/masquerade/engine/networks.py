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
    """The networks of one setting; each is loaded at its first use.

    ``heads`` is the detector alone, ``detector`` the same one confirmed by the landmarks;
    ``content`` runs in one thread whatever the setting, since it has time.
    """

    heads: Detector
    detector: FaceFinder
    landmarker: Landmarker
    embedder: Embedder
    content: ContentNetwork


def shared_networks(threads: int, device: str = "") -> Networks:
    """The networks of that setting, the same for every engine of the process.

    Args:
        threads: of each on the processor; 0 chooses by the machine.
        device: where those run that look at faces, such as "cuda:0"; "" is the processor. The
            detector, whose frames are of any size and which works on every tenth, stays there.
    """
    # Without its own line a cache takes a default that is left out for another setting.
    return _opened(threads, device)


@functools.cache
def _opened(threads: int, device: str) -> Networks:
    landmarker = Landmarker(threads, device)
    heads = Detector(threads)
    finder, embedder = FaceFinder(heads, landmarker), Embedder(threads, device)
    return Networks(heads, finder, landmarker, embedder, ContentNetwork())
