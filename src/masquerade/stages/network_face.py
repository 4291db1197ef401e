"""Faces of a frame through the brought networks: crop, swap, enhance, mask, colour."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.templates import align, warp_crop
from masquerade.models.pixel_boost import swap_boosted
from masquerade.stages.carry.turnstile import AT_WILL
from masquerade.stages.crop_masks import CropMasks
from masquerade.stages.crop_points import CropPoints
from masquerade.stages.crowd import each, together
from masquerade.stages.face_color import match_color
from masquerade.stages.face_maker import Made, WantedFace
from masquerade.stages.face_masks import box_mask, combine, models_mask
from masquerade.stages.finished_face import FinishedFace
from masquerade.stages.swapped_crop import SwappedCrop

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.settings import Settings
    from masquerade.models.donor_code import DonorCode
    from masquerade.models.enhancer import Enhancer
    from masquerade.models.swapper import Swapper
    from masquerade.runtime.network import Network
    from masquerade.stages.carry.turnstile import Steps
    from masquerade.stages.crop_masks import Masker
    from masquerade.stages.identity import Identity

__all__ = ["NetworkFace"]

_MOST_FRAMES = 8
_SEAM = 0.04
"""Softness of the crop's edge where no box mask was asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class _InWork:
    """A face on its way.

    Attributes:
        face: what was asked for.
        points: float32 (5, 2), those that align it.
        crop: as it is by now.
    """

    face: WantedFace
    points: NDArray[np.float32]
    crop: SwappedCrop


class NetworkFace:
    """Makes finished faces, those of one frame together; a
    :class:`~masquerade.stages.face_maker.FaceMaker`.

    Args:
        swapper: draws the donor.
        enhancers: run on the swapped face one after the other.
        maskers: networks that say where it may be drawn; see ``crop_masks.py``.
        settings: how faces are cut, drawn, masked and coloured.
        points: tells the five points by which they are cut.

    Attributes:
        enhances: whether the enhancers run; may be set at any time.

    Raises:
        ModelError: a mask was asked for that needs a network which is not among the maskers.
    """

    def __init__(
        self,
        swapper: Swapper,
        enhancers: Sequence[Enhancer],
        maskers: Sequence[Masker],
        settings: Settings,
        points: CropPoints | None = None,
    ) -> None:
        self._swapper = swapper
        self._enhancers = tuple(enhancers)
        self.enhances = True
        self._masks = CropMasks(maskers, settings)
        self._points = points or CropPoints()
        self._settings = settings
        self._encoding = threading.Lock()
        self._codes: weakref.WeakKeyDictionary[Identity, DonorCode] = weakref.WeakKeyDictionary()

    @property
    def parallel(self) -> int:
        """On how many devices the networks run: as one of them enhances a face, another may swap
        the next.
        """
        return len(frozenset().union(*(network.devices for network in self._drawing)))

    @property
    def depth(self) -> int:
        """How many frames in work keep all devices busy: one at each network on each of its
        devices, one that is being cut and one that is being finished. Networks that share the
        processor gain nothing by it.
        """
        if any("cpu" in network.devices for network in self._drawing):
            return 1
        return min(2 + sum(len(network.devices) for network in self._drawing), _MOST_FRAMES)

    @property
    def _drawing(self) -> tuple[Network, ...]:
        return (self._swapper.network, *(item.network for item in self._enhancers))

    def batches(self, count: int) -> bool:
        """Whether all networks that draw are quicker with ``count`` faces together, as far as is
        known.
        """
        phases = (self._side(self._settings) // self._swapper.size) ** 2
        enhancers = self._enhancers if self.enhances else ()
        return self._swapper.batches(count * phases) and all(
            enhancer.batches(count) for enhancer in enhancers
        )

    def configure(self, settings: Settings) -> None:
        """Make faces by other settings from the next one on.

        Raises:
            ModelError: as the constructor does.
        """
        self._masks.configure(settings)
        self._settings = settings

    def forget(self) -> None:
        """Forget the tracks: a new scene, or a new stream. Donors stay known."""
        self._masks.forget()
        self._points.forget()

    def encode(self, identity: Identity) -> DonorCode:
        """What the swapper knows of a donor; worked out at the first call for an identity.

        May be called from any thread: another one waits rather than work it out twice.

        Raises:
            ModelError: the identity has no portraits, or a network failed.
        """
        with self._encoding:
            code = self._codes.get(identity)
            if code is None:
                code = self._codes[identity] = self._swapper.encode(identity.portraits)
            return code

    def make(
        self,
        pixels_bgr: NDArray[np.uint8],
        landmarks: NDArray[np.float32] | None,
        kps: NDArray[np.float32],
        code: DonorCode,
        track_id: int = -1,
    ) -> FinishedFace:
        """Draw a donor's face over one of a frame.

        Args:
            pixels_bgr: uint8 (H, W, 3), the frame.
            landmarks: float32 (478, 3), the face's mesh in frame pixels; without it the box alone
                limits the face and ``kps`` align it.
            kps: float32 (5, 2), the detector's points in frame pixels.
            code: of the donor; see :meth:`encode`.
            track_id: whose memory is used to tell what is in front of the face.

        Returns:
            The face at the size of the last network that drew it.

        Raises:
            ModelError: a network failed.
        """
        (made,) = self.make_many(pixels_bgr, (WantedFace(landmarks, kps, code, track_id),))
        if isinstance(made, Exception):
            raise made
        return made

    def make_many(
        self, pixels_bgr: NDArray[np.uint8], faces: Sequence[WantedFace], steps: Steps = AT_WILL
    ) -> list[Made]:
        """Draw donors' faces over several of a frame: through each network together, where that
        is quicker on its device.

        Args:
            pixels_bgr: uint8 (H, W, 3), the frame.
            faces: see :meth:`make`. Their order has no part in the result.
            steps: says when each step may be done, where other frames are in work too.

        Returns:
            For each face what :meth:`make` would give or raise.
        """
        settings = self._settings  # others may be set while these faces are made
        with steps.step("cut"):
            works = each(partial(self._cut, pixels_bgr, settings), faces)
        with steps.step("swap", len(self._swapper.network.devices)):
            works = together(partial(self._swapped, settings), works)
        for place, enhancer in enumerate(self._enhancers if self.enhances else ()):
            with steps.step(f"recut {place}"):
                works = each(partial(_recut, enhancer, pixels_bgr), works)
            with steps.step(f"enhance {place}", len(enhancer.network.devices)):
                works = together(partial(_enhanced, enhancer, settings), works)
        with steps.step("finish"):
            return each(partial(self._finished, pixels_bgr, settings), works)

    def _cut(self, pixels_bgr: NDArray[np.uint8], settings: Settings, face: WantedFace) -> _InWork:
        """The face as the frame shows it, in the swapper's square."""
        points, size = self._points.find(pixels_bgr, face, settings), self._side(settings)
        matrix = align(
            points,
            self._swapper.template,
            size,
            scale=settings.crop_scale,
            shift_xy=(settings.crop_shift_x, settings.crop_shift_y),
        )
        target = warp_crop(pixels_bgr, matrix, size, border="edge")
        boxed = "box" in settings.mask
        cover = box_mask(
            size,
            settings.mask_blur if boxed else _SEAM,
            settings.mask_padding if boxed else 0.0,
        )
        return _InWork(face, points, SwappedCrop(target, target, cover, matrix))

    def _swapped(self, settings: Settings, works: Sequence[_InWork]) -> list[_InWork]:
        targets = np.stack([work.crop.target for work in works])
        codes = [work.face.code for work in works]
        weight = settings.identity_weight
        faces, masks = swap_boosted(self._swapper, targets, codes, weight=weight)
        covers = [work.crop.cover for work in works]
        if masks is not None and "model" in settings.mask:
            pairs = zip(covers, masks, strict=True)
            covers = [combine(cover, models_mask(mask)) for cover, mask in pairs]
        return [
            replace(work, crop=replace(work.crop, pixels=face, cover=cover))
            for work, face, cover in zip(works, faces, covers, strict=True)
        ]

    def _finished(
        self, pixels_bgr: NDArray[np.uint8], settings: Settings, work: _InWork
    ) -> FinishedFace:
        crop = work.crop
        mask = self._masks.make(crop, pixels_bgr, work.face.landmarks, work.face.track_id)
        pixels = match_color(settings.color, crop.pixels, crop.target, mask)
        return FinishedFace(pixels, crop.target, mask, crop.matrix)

    def _side(self, settings: Settings) -> int:
        """Of the swapped face: the nearest multiple of the swapper's own."""
        own = self._swapper.size
        return own * max(1, round(settings.swap_size / own))


def _recut(enhancer: Enhancer, pixels_bgr: NDArray[np.uint8], work: _InWork) -> _InWork:
    """The face in the square that an enhancer looks at."""
    matrix = align(work.points, enhancer.template, enhancer.size)
    return replace(work, crop=work.crop.recut(pixels_bgr, matrix, enhancer.size))


def _enhanced(enhancer: Enhancer, settings: Settings, works: Sequence[_InWork]) -> list[_InWork]:
    crops, weight = [work.crop.pixels for work in works], settings.enhancer_weight
    if len(crops) == 1:
        drawn = [enhancer.enhance(crops[0], weight)]
    else:
        drawn = enhancer.enhance_many(np.stack(crops), weight)
    share, results = settings.enhancer_blend, []
    for work, before, after in zip(works, crops, drawn, strict=True):
        mixed = cv2.addWeighted(after, share, before, 1 - share, 0)
        crop = replace(work.crop, pixels=np.asarray(mixed, np.uint8))
        results.append(replace(work, crop=crop))
    return results
