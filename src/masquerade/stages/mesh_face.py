"""One face by the embedded swapper, then through the brought enhancers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.errors import ModelError
from masquerade.geometry.templates import align, warp_crop
from masquerade.stages.crop_points import CropPoints
from masquerade.stages.face_maker import FaceMaker, WantedFace
from masquerade.stages.face_masks import warp_mask
from masquerade.stages.finished_face import FinishedFace
from masquerade.stages.meshswap.renderer import Donor, FaceRenderer
from masquerade.stages.overlay import blend

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.frame import Patch
    from masquerade.core.settings import Settings
    from masquerade.models.enhancer import Enhancer
    from masquerade.models.landmarker import Landmarker
    from masquerade.stages.identity import Identity

__all__ = ["MeshFace"]

_TEMPLATE, _SIZE = "ffhq_512", 512
"""How the face is cut where no enhancer says so."""


class MeshFace(FaceMaker):
    """Makes finished faces as :class:`NetworkFace` does, with the mesh in the swapper's place.

    Only what the mesh has drawn is taken from the enhanced crop: its mask stays. Not to be called
    from two threads at a time.

    Args:
        enhancers: run on the drawn face one after the other.
        settings: how faces are drawn and how much of the enhanced one is taken.
        landmarker: lets each track's swap look at its first result and mend it.
        points: tells the five points by which faces are cut for the enhancers.

    Attributes:
        enhances: whether the enhancers run; may be set at any time.
    """

    def __init__(
        self,
        enhancers: Sequence[Enhancer],
        settings: Settings,
        landmarker: Landmarker | None = None,
        points: CropPoints | None = None,
    ) -> None:
        self._enhancers = tuple(enhancers)
        self.enhances = True
        self._settings = settings
        self._landmarker = landmarker
        self._points = points or CropPoints()
        self._donors: dict[str, Donor] = {}
        self._renderers: dict[int, FaceRenderer] = {}

    def configure(self, settings: Settings) -> None:
        """Make faces by other settings from the next one on."""
        self._settings = settings
        for renderer in self._renderers.values():
            renderer.configure(settings)

    def forget(self) -> None:
        """Forget the tracks: a new scene, or a new stream. Donors stay known."""
        self._renderers.clear()
        self._points.forget()

    def encode(self, identity: Identity) -> Donor:
        """What the renderer knows of a donor; worked out at the first call for an identity."""
        donor = self._donors.get(identity.fingerprint)
        if donor is None or donor.identity is not identity:
            donor = self._donors[identity.fingerprint] = Donor(identity)
        return donor

    def make(
        self,
        pixels_bgr: NDArray[np.uint8],
        landmarks: NDArray[np.float32] | None,
        kps: NDArray[np.float32],
        code: Donor,
        track_id: int = -1,
    ) -> FinishedFace:
        """Draw a donor's face over one of a frame and enhance it.

        Args:
            pixels_bgr: uint8 (H, W, 3), the frame.
            landmarks: float32 (478, 3), the face's mesh in frame pixels.
            kps: float32 (5, 2), the detector's points in frame pixels.
            code: of the donor; see :meth:`encode`.
            track_id: whose memory is used.

        Returns:
            The face at the size of the last enhancer, at 512 pixels without one.

        Raises:
            ModelError: there are no landmarks, nothing was drawn, or a network failed.
        """
        patch = None
        if landmarks is not None:
            renderer = self._renderer(track_id, code)
            patch = renderer.draw(pixels_bgr, landmarks, track_id, None, crowded=False)
        if landmarks is None or patch is None:
            raise ModelError("The face lies outside the frame or has no mesh; it is hidden.")
        face = WantedFace(landmarks, kps, code, track_id)
        points = self._points.find(pixels_bgr, face, self._settings)
        drawn = pixels_bgr.copy()
        blend(drawn, patch)
        enhancers = self._enhancers if self.enhances else ()
        for enhancer in enhancers[:-1]:
            drawn = self._enhanced_frame(drawn, points, enhancer)
        last = enhancers[-1] if enhancers else None
        return self._finish(pixels_bgr, drawn, patch, points, last)

    def _finish(
        self,
        pixels_bgr: NDArray[np.uint8],
        drawn: NDArray[np.uint8],
        patch: Patch,
        points: NDArray[np.float32],
        enhancer: Enhancer | None,
    ) -> FinishedFace:
        template = enhancer.template if enhancer is not None else _TEMPLATE
        size = enhancer.size if enhancer is not None else _SIZE
        matrix = align(points, template, size)
        face = warp_crop(drawn, matrix, size, border="edge")
        if enhancer is not None:
            face = self._enhance(enhancer, face)
        target = warp_crop(pixels_bgr, matrix, size, border="edge")
        return FinishedFace(face, target, _mask_in_crop(patch, matrix, size), matrix)

    def _enhanced_frame(
        self, drawn: NDArray[np.uint8], points: NDArray[np.float32], enhancer: Enhancer
    ) -> NDArray[np.uint8]:
        """The frame with the square that one of several enhancers has worked on."""
        matrix = align(points, enhancer.template, enhancer.size)
        crop = self._enhance(enhancer, warp_crop(drawn, matrix, enhancer.size, border="edge"))
        size_wh = (drawn.shape[1], drawn.shape[0])
        back = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
        cv2.warpAffine(crop, matrix, size_wh, drawn, flags=back, borderMode=cv2.BORDER_TRANSPARENT)
        return drawn

    def _enhance(self, enhancer: Enhancer, crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        share = self._settings.enhancer_blend
        after = enhancer.enhance(crop, self._settings.enhancer_weight)
        return np.asarray(cv2.addWeighted(after, share, crop, 1 - share, 0), np.uint8)

    def _renderer(self, track_id: int, donor: Donor) -> FaceRenderer:
        found = self._renderers.get(track_id)
        if found is None or found.donor is not donor:
            found = FaceRenderer(donor, self._settings, self._landmarker)
            self._renderers[track_id] = found
        return found


def _mask_in_crop(patch: Patch, matrix: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """A patch's mask in the pixels of a crop of the frame."""
    at_box = matrix.copy()
    at_box[:, 2] += matrix[:, :2] @ patch.box[:2]
    return warp_mask(patch.mask, at_box, size)
