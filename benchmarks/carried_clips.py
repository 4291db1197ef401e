"""Clips whose faces are followed and swapped on every frame: the truth that carrying is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from masquerade import Identity, Settings
from masquerade.core.frame import Frame, FrameJob
from masquerade.engine.finding import finding_stages
from masquerade.engine.networks import shared_networks
from masquerade.geometry.mesh import OVAL
from masquerade.geometry.roi import Roi
from masquerade.stages.carry.key_frame import KeyFrame
from masquerade.stages.face_maker import FaceMaker
from masquerade.stages.finished_face import FinishedFace
from masquerade.stages.overlay import blend
from masquerade.stages.swap import Swap

__all__ = ["Finished", "Shot", "follow"]

Picture = NDArray[np.uint8]
CROP_PX = 512
_WARM_UP = 16


@dataclass(frozen=True)
class Shot:
    """A clip, followed: frames, what the stand-in makes of each, and the face's points."""

    frames: list[Picture]
    truth: list[Picture]
    points: list[NDArray[np.float32]]

    def inside(self, t: int) -> NDArray[np.bool_]:
        mask = np.zeros(self.frames[t].shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.rint(self.points[t][OVAL, :2]).astype(np.int32)], 255)
        return mask > 0

    def key(self, t: int) -> KeyFrame:
        """What a network would have finished of one frame."""
        matrix = Roi.from_landmarks(self.points[t], 1.4).matrix(CROP_PX)
        crops = [
            cv2.warpAffine(
                picture,
                matrix,
                (CROP_PX, CROP_PX),
                flags=cv2.INTER_CUBIC,
                borderMode=cv2.BORDER_REPLICATE,
            )
            for picture in (self.truth[t], self.frames[t])
        ]
        mask = np.zeros((CROP_PX, CROP_PX), np.uint8)
        mask[32:-32, 32:-32] = 255
        finished = FinishedFace(crops[0], crops[1], cv2.blur(mask, (33, 33)), matrix)
        return KeyFrame(finished, self.points[t], t, t / 25, "donor", 0)


def follow(frames: Sequence[Picture], donor: Identity) -> Shot:
    """Track the largest face and swap it on every frame.

    The clip is played backwards to its beginning first: the embedded swap measures a face's shape
    over its first frames, and what it draws meanwhile drifts.
    """
    settings = Settings(label="none")
    find, track = finding_stages(settings)
    swap = Swap({"donor": donor}, settings, shared_networks(0).landmarker)
    shot = Shot([], [], [])
    warm_up = list(frames[_WARM_UP:0:-1])
    for seq, pixels in enumerate([*warm_up, *frames]):
        job = FrameJob(Frame(np.ascontiguousarray(pixels), seq, 40 * seq))
        track.process(find.process(job))
        face = max(job.faces, key=lambda found: found.size_px)
        face.selected, face.donor = True, "donor"
        job.faces = [face]
        swap.process(job)
        if seq < len(warm_up):
            continue
        picture = pixels.copy()
        blend(picture, job.patches[0])
        assert face.landmarks is not None
        shot.frames.append(job.frame.pixels)
        shot.truth.append(picture)
        shot.points.append(face.landmarks)
    return shot


class Finished(FaceMaker):
    """The networks, whose work is done already; finds it by the frame."""

    def __init__(self, shot: Shot) -> None:
        self._shot, self.made = shot, 0

    def configure(self, settings: Settings) -> None:
        pass

    def forget(self) -> None:
        pass

    def encode(self, identity: Identity) -> None:
        pass

    def make(self, pixels_bgr: Picture, *_others: object) -> FinishedFace:
        self.made += 1
        t = next(t for t, frame in enumerate(self._shot.frames) if frame is pixels_bgr)
        return self._shot.key(t).finished
