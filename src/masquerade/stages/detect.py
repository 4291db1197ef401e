"""When to search for faces, and where a scene begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from masquerade.stages.scene_cut import SceneCut

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.face import Face
    from masquerade.core.frame import FrameJob
    from masquerade.core.settings import Settings

__all__ = ["Detect", "FindsFaces"]


class FindsFaces(Protocol):
    """What Detect needs of a detector: ``Detector`` and ``FaceFinder`` both fit."""

    def find(
        self,
        pixels_bgr: NDArray[np.uint8],
        min_score: float,
        *,
        thorough: bool,
        turn: int,
        looks: int,
    ) -> list[Face]:
        """Faces of one frame."""
        ...


def _never() -> bool:
    return False


class Detect:
    """Searches the first frame of every scene thoroughly, and others when it is time.

    Sets ``job.scene`` (0, 1, ...: grows at every cut), ``job.detected`` and, where a search was
    made, ``job.faces``. The other searches are quick: every ``settings.detect_every`` frames for
    newcomers, and in every frame that ``wanted`` asks for. Each looks at another part of the
    frame in detail, so that small newcomers are found after a few.

    Args:
        detector: what finds faces.
        settings: ``detect_score`` and ``detect_every`` are read.
        wanted: asked once a frame; True means that somebody is lost and must be searched for.

    Attributes:
        every: frames from one quick search for newcomers to the next; may be set between two
            frames.
        evenly: take the two looks of a search for newcomers on two frames, half of ``every``
            apart: the same work without a peak, for live streams. May be set between two frames.
    """

    name = "detect"

    def __init__(
        self, detector: FindsFaces, settings: Settings, wanted: Callable[[], bool] = _never
    ) -> None:
        self._detector = detector
        self._wanted = wanted
        self._cut = SceneCut()
        self.evenly = False
        self.configure(settings)
        self.reset()

    def configure(self, settings: Settings) -> None:
        """Search by these settings from the next frame on; ``every`` is set by them too."""
        self._min_score = settings.detect_score
        self.every = settings.detect_every

    def search_with(self, detector: FindsFaces) -> None:
        """Search with another detector from the next frame on."""
        self._detector = detector

    def reset(self) -> None:
        """Forget the stream: the next frame begins scene 0."""
        self._cut.reset()
        self._scene = 0
        self._since: int | None = None
        self._turn = 0

    def look_anew(self) -> None:
        """The stream goes on at a later moment of the scene: search the next frame thoroughly, and
        do not take it for another scene."""
        self._cut.reset()
        self._since = None

    def process(self, job: FrameJob) -> FrameJob:
        """Search this frame if it is time.

        Raises:
            ModelError: the weights are missing, or a network failed.
        """
        pixels = job.frame.pixels
        is_cut = self._cut(pixels)
        self._scene += is_cut
        job.scene = self._scene
        begins = self._since is None or is_cut
        self._since = 0 if self._since is None else self._since + 1
        wanted = self._wanted()
        if begins or wanted:
            self.search(job, thorough=begins)
        elif self._since >= (max(1, self.every // 2) if self.evenly else self.every):
            self.search(job, looks=1 if self.evenly else 2)
        return job

    def search(self, job: FrameJob, *, thorough: bool = False, looks: int = 2) -> None:
        """Search this frame now.

        Args:
            job: gets ``faces`` and ``detected``.
            thorough: look everywhere for faces of all sizes.
            looks: 2 for the coarse look and one of the others, 1 for either, in turn.

        Raises:
            ModelError: the weights are missing, or a network failed.
        """
        job.faces = self._detector.find(
            job.frame.pixels, self._min_score, thorough=thorough, turn=self._turn, looks=looks
        )
        job.detected = True
        self._turn += 1
        self._since = 0
