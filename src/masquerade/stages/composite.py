"""Puts the patches into the picture, and hides every selected face that has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.frame import Patch
from masquerade.core.frame_clock import FrameClock
from masquerade.stages.overlay import blend

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.face import Face
    from masquerade.core.frame import FrameJob
    from masquerade.core.settings import Settings

__all__ = ["Composite", "conceal"]

_HEAD = 0.35
"""How far beyond a face's box a concealed head may reach, as a share of the box."""
_SLACK_S = 1e-3


@dataclass(slots=True)
class _Held:
    patch: Patch
    bbox: NDArray[np.float32]
    donor: str | None
    at_s: float


def conceal(picture: NDArray[np.uint8], bbox: NDArray[np.float32], *, blank: bool) -> None:
    """Hide a head in place beyond recognition: blocks and blur in an ellipse, or flat grey.

    Args:
        picture: uint8 (H, W, 3) BGR.
        bbox: float32 (4,) xyxy of the face; the ellipse is larger by a third on every side.
        blank: flat grey instead of blur.
    """
    height, width = picture.shape[:2]
    w, h = bbox[2] - bbox[0], bbox[3] - bbox[1]
    x0, y0 = int(max(bbox[0] - _HEAD * w, 0)), int(max(bbox[1] - _HEAD * h, 0))
    x1, y1 = int(min(bbox[2] + _HEAD * w + 1, width)), int(min(bbox[3] + _HEAD * h + 1, height))
    if x1 - x0 < 1 or y1 - y0 < 1:
        return
    region = picture[y0:y1, x0:x1]
    if blank:
        hidden = np.full_like(region, 96)
    else:
        # Seven blocks across a face keep its colours and nothing of the person.
        blocks = (
            max(1, round(7 * (x1 - x0) / max(w, 1))),
            max(1, round(7 * (y1 - y0) / max(h, 1))),
        )
        tiny = cv2.resize(region, blocks, interpolation=cv2.INTER_AREA)
        soft = cv2.resize(tiny, (x1 - x0, y1 - y0), interpolation=cv2.INTER_CUBIC)
        hidden = np.asarray(soft, np.uint8)
    mask = np.zeros(region.shape[:2], np.uint8)
    _draw_head(mask, bbox - np.array([x0, y0, x0, y0]))
    blend(picture, Patch(-1, (x0, y0, x1, y1), hidden, mask))


def _draw_head(mask: NDArray[np.uint8], bbox: NDArray[np.floating]) -> None:
    """Fill the ellipse that hides a head with 255; ``bbox`` in the mask's pixels."""
    sides = bbox[2:] - bbox[:2]
    values = (*((bbox[:2] + bbox[2:]) / 2), *((0.5 + _HEAD) * sides))
    x, y, half_w, half_h = (round(float(value) * 16) for value in values)
    cv2.ellipse(mask, (x, y), (half_w, half_h), 0, 0, 360, 255, -1, cv2.LINE_AA, 4)


class Composite:
    """The last stage before the label. Fails closed: no selected face passes it unswapped.

    A selected face without a patch is concealed; where ``on_lost`` is "hold", its last patch is
    drawn over the concealed head, moved along with the box, for as long as that patch is not older
    than ``hold_s`` by the frames' own time. With "pass", the user's recorded choice, it is shown.
    """

    name = "composite"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock = FrameClock()
        self._held: dict[int, _Held] = {}
        self._scene = -1

    def configure(self, settings: Settings) -> None:
        """Take other settings from the next frame on: ``on_lost`` and ``hold_s`` are read."""
        self._settings = settings

    def forget(self) -> None:
        """Never show a held patch again: another donor is drawn from here on."""
        self._held.clear()

    def process(self, job: FrameJob) -> FrameJob:
        """Draw patches into the job's output."""
        now_s = self._clock.tick(job.frame)
        if job.scene != self._scene:
            self._held.clear()
            self._scene = job.scene
        faces = {face.track_id: face for face in job.faces if face.selected}
        patched = {patch.track_id for patch in job.patches}
        missing = self._to_conceal(faces, patched)
        if not job.patches and not missing:
            return job
        picture = job.writable_output()
        for face in missing:
            conceal(picture, face.bbox, blank=self._settings.on_lost == "blank")
            self._hold(picture, face, now_s)
        hidden = picture.copy() if missing and job.patches else None
        for patch in job.patches:
            blend(picture, patch)
            face_of = faces.get(patch.track_id)
            if face_of is not None:
                self._held[patch.track_id] = _Held(patch, face_of.bbox, face_of.donor, now_s)
        if hidden is not None:
            swapped = [face for number, face in faces.items() if number in patched]
            _keep_hidden(picture, hidden, missing, swapped)
        return job

    def reset(self) -> None:
        """Forget the stream and the held patches."""
        self._clock.reset()
        self._held.clear()
        self._scene = -1

    def _to_conceal(self, faces: dict[int, Face], patched: set[int]) -> list[Face]:
        if self._settings.on_lost == "pass":
            return []
        return [face for number, face in faces.items() if number not in patched]

    def _hold(self, picture: NDArray[np.uint8], face: Face, now_s: float) -> None:
        held = self._held.get(face.track_id)
        if held is None or self._settings.on_lost != "hold" or held.donor != face.donor:
            return
        if now_s - held.at_s > self._settings.hold_s + _SLACK_S:
            return
        moved = ((face.bbox[:2] + face.bbox[2:]) - (held.bbox[:2] + held.bbox[2:])) / 2
        dx, dy = round(float(moved[0])), round(float(moved[1]))
        x0, y0, x1, y1 = held.patch.box
        height, width = picture.shape[:2]
        left, top = max(0, -x0 - dx), max(0, -y0 - dy)
        right, bottom = min(x1 - x0, width - x0 - dx), min(y1 - y0, height - y0 - dy)
        if right <= left or bottom <= top:
            return
        part = (slice(top, bottom), slice(left, right))
        box = (x0 + dx + left, y0 + dy + top, x0 + dx + right, y0 + dy + bottom)
        blend(picture, Patch(face.track_id, box, held.patch.pixels[part], held.patch.mask[part]))


def _keep_hidden(
    picture: NDArray[np.uint8],
    hidden: NDArray[np.uint8],
    missing: list[Face],
    swapped: list[Face],
) -> None:
    """Take back what the patches' surroundings uncovered of the concealed heads, in place.

    A patch is larger than its face and shows the target around it; on a concealed head only the
    swapped faces themselves may lie.
    """
    mask = np.zeros(picture.shape[:2], np.uint8)
    for face in missing:
        _draw_head(mask, face.bbox)
    for face in swapped:
        if face.landmarks is not None:
            hull = cv2.convexHull(np.rint(face.landmarks[:468, :2]).astype(np.int32))
            cv2.fillConvexPoly(mask, hull, 0)
    cv2.copyTo(hidden, mask, picture)
