"""Draws each selected face's donor; what is drawn waits as a patch for the compositor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from masquerade.core.frame import Failure
from masquerade.stages.meshswap.renderer import Donor, FaceRenderer
from masquerade.stages.overlay import blend
from masquerade.stages.reduced import Reduced

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.face import Face
    from masquerade.core.frame import FrameJob, Patch
    from masquerade.core.settings import Settings
    from masquerade.models.landmarker import Landmarker
    from masquerade.stages.identity import Identity

__all__ = ["Swap"]

_CROWD = 3
"""Selected faces from which each is drawn at less cost: then none of them is looked at closely."""


class Swap:
    """The embedded swapper as a stage.

    Args:
        identities: the donors by name; ``Face.donor`` is looked up here.
        settings: how to swap.
        landmarker: lets each track's swap look at its first result and mend it.

    Attributes:
        resolution: share of the frame's resolution at which faces are drawn, above 0 to 1; may be
            set between two frames. Below 1 the drawn face is enlarged: cheaper and softer.
    """

    name = "swap"

    def __init__(
        self,
        identities: Mapping[str, Identity],
        settings: Settings,
        landmarker: Landmarker | None = None,
    ) -> None:
        self.resolution = 1.0
        self._identities = identities
        self._settings = settings
        self._landmarker = landmarker
        self._donors: dict[str, Donor] = {}
        self._renderers: dict[int, FaceRenderer] = {}
        self._scene = -1

    @staticmethod
    def prepare(identities: Mapping[str, Identity]) -> dict[str, Donor]:
        """What :meth:`configure` needs of new donors, worked out beforehand in another thread."""
        return {name: Donor(identity) for name, identity in identities.items()}

    def configure(
        self,
        identities: Mapping[str, Identity],
        settings: Settings,
        prepared: Mapping[str, Donor] | None = None,
    ) -> None:
        """Draw these donors by these settings from the next frame on.

        What belongs to a track is kept where its donor is still the same and dropped else.

        Args:
            identities: the donors by name.
            settings: how to swap.
            prepared: what :meth:`prepare` made of them; else they are worked out when needed.
        """
        known = {**self._donors, **(prepared or {})}
        self._identities, self._settings = identities, settings
        self._donors = {
            name: known[name]
            for name, identity in identities.items()
            if name in known and known[name].identity is identity
        }
        current = list(self._donors.values())
        self._renderers = {
            track: renderer
            for track, renderer in self._renderers.items()
            if any(renderer.donor is donor for donor in current)
        }
        for renderer in self._renderers.values():
            renderer.configure(settings)

    def process(self, job: FrameJob) -> FrameJob:
        """Append a patch for every selected face that has landmarks."""
        if job.scene != self._scene:
            self._renderers.clear()
            self._scene = job.scene
        crowded = sum(face.selected for face in job.faces) >= _CROWD
        for face in job.faces:
            if not face.selected or face.refused:
                continue
            if face.landmarks is None or face.state == "lost":
                job.failures.append(Failure(self.name, "the face is lost", face.track_id))
                continue
            patch = self._draw(job, face, face.landmarks, crowded)
            if patch is not None:
                job.patches.append(patch)
        return job

    def reset(self) -> None:
        """Forget the tracks; what belongs to the identities is kept."""
        self._renderers.clear()
        self._scene = -1

    def _draw(
        self, job: FrameJob, face: Face, landmarks: NDArray[np.float32], crowded: bool
    ) -> Patch | None:
        renderer, pixels, backdrop = self._renderer(face), job.frame.pixels, _backdrop(job, face)
        renderer.scale = self.resolution
        if self.resolution >= 1:
            return renderer.draw(pixels, landmarks, face.track_id, backdrop, crowded=crowded)
        small = Reduced(pixels, landmarks, self.resolution)
        patch = renderer.draw(
            small.pixels,
            small.landmarks,
            face.track_id,
            None if backdrop is None else small.reduce(backdrop),
            crowded=crowded,
        )
        return None if patch is None else small.enlarge(patch)

    def _renderer(self, face: Face) -> FaceRenderer:
        name = face.donor if face.donor is not None else next(iter(self._identities))
        donor = self._donors.get(name)
        if donor is None:
            donor = self._donors[name] = Donor(self._identities[name])
        found = self._renderers.get(face.track_id)
        if found is None or found.donor is not donor:
            found = FaceRenderer(donor, self._settings, self._landmarker)
            self._renderers[face.track_id] = found
        return found


def _backdrop(job: FrameJob, face: Face) -> NDArray[np.uint8] | None:
    """The frame with the patches that reach into a face's surroundings; None where none does.

    A face warps what is around it. Were that taken from the frame, a neighbour's real face would
    come back into the picture.
    """
    half = (face.bbox[2:] - face.bbox[:2]) / 2
    x0, y0, x1, y1 = (*(face.bbox[:2] - half), *(face.bbox[2:] + half))
    near = [
        p
        for p in job.patches
        if p.box[0] < x1 and p.box[2] > x0 and p.box[1] < y1 and p.box[3] > y0
    ]
    if not near:
        return None
    picture = job.frame.pixels.copy()
    for patch in near:
        blend(picture, patch)
    return picture
