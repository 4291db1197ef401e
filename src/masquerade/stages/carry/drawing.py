"""Patches of carried faces; those that have no key frame yet are drawn by the embedded swapper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from masquerade.core.frame import Failure, FrameJob, Patch
from masquerade.stages.reduced import Reduced

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.face import Face
    from masquerade.stages.carry.carriers import CarriedFace
    from masquerade.stages.swap import Swap

__all__ = ["CarriedDrawing"]


class CarriedDrawing:
    """Draws every face of a frame from its key frames.

    Args:
        stage: name of the stage, for failures.
        bridge: the embedded swapper, of the same donors and settings.
        on_failure: what shows a face that has no key frame after its networks have failed.
    """

    def __init__(self, stage: str, bridge: Swap, on_failure: Literal["bridge", "conceal"]) -> None:
        self._stage, self._bridge, self._on_failure = stage, bridge, on_failure

    def draw(
        self,
        job: FrameJob,
        faces: Mapping[int, Face],
        carried: Mapping[int, CarriedFace],
        now_s: float,
        *,
        waited: bool,
    ) -> None:
        """Append a patch for each face; one that cannot be shown leaves a failure.

        Args:
            job: the frame.
            faces: by track number; they have landmarks.
            carried: what is known of the same tracks.
            now_s: the stream's time.
            waited: whether the frame has waited for its key frames, and so needs no bridge.
        """
        bridged = [faces[n] for n, face in carried.items() if self._needs_bridge(face, waited)]
        patches = self._bridged(job, bridged)
        for track_id, state in carried.items():
            face, patch = faces[track_id], patches.get(track_id)
            if patch is not None and state.fresh is not None:
                assert face.landmarks is not None
                state.carrier.take_patch(job.frame.pixels, patch, face.landmarks, now_s)
            state.carrier.resolution = self._bridge.resolution
            state.take_fresh()
            if state.carrier.key is not None:
                patch = self._carried(job, face, state, now_s)
            if patch is not None:
                job.patches.append(patch)
            elif state.error is not None:
                job.failures.append(Failure(self._stage, str(state.error), track_id))

    def _needs_bridge(self, state: CarriedFace, waited: bool) -> bool:
        """Whether the embedded swapper draws a face: it has no key frame, or fades into its
        first.
        """
        failed = state.error is not None and self._on_failure == "conceal"
        return state.carrier.key is None and not waited and not failed

    def _bridged(self, job: FrameJob, faces: list[Face]) -> dict[int, Patch]:
        """What the embedded swapper makes of some faces, by track number."""
        if not faces:
            return {}
        own = FrameJob(job.frame, faces, list(job.patches), scene=job.scene)
        self._bridge.process(own)
        return {patch.track_id: patch for patch in own.patches[len(job.patches) :]}

    def _carried(self, job: FrameJob, face: Face, state: CarriedFace, now_s: float) -> Patch | None:
        pixels, landmarks, resolution = job.frame.pixels, face.landmarks, self._bridge.resolution
        assert landmarks is not None
        if resolution >= 1:
            return state.carrier.draw(pixels, landmarks, face.track_id, now_s)
        small = Reduced(pixels, landmarks, resolution)
        patch = state.carrier.draw(small.pixels, small.landmarks, face.track_id, now_s)
        return None if patch is None else small.enlarge(_solid(patch, small.pixels))


def _solid(patch: Patch, pixels: NDArray[np.uint8]) -> Patch:
    """A patch blended with the picture below it already: where it is, it covers all."""
    x0, y0, x1, y1 = patch.box
    share = patch.mask.astype(np.float32) / np.float32(255)
    below = np.ascontiguousarray(pixels[y0:y1, x0:x1])
    mixed = np.asarray(cv2.blendLinear(patch.pixels, below, share, 1 - share), np.uint8)
    covers = np.asarray(cv2.threshold(patch.mask, 0, 255, cv2.THRESH_BINARY)[1], np.uint8)
    return Patch(patch.track_id, patch.box, mixed, covers)
