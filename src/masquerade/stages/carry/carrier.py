"""Carries one face from its key frames to every frame between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.frame import Patch
from masquerade.stages.carry.openings import Openings
from masquerade.stages.carry.painting import paint
from masquerade.stages.carry.texture import KeyTexture, mesh_vertices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.stages.carry.key_frame import KeyFrame

__all__ = ["Carrier"]

_FADE_S = 0.2
"""How long one key frame takes to turn into the next: 5 frames at 25 a second."""


@dataclass(slots=True)
class _Fade:
    """An older face, brought to the place of the newer one, and since when it fades out."""

    older: KeyTexture
    began_s: float | None


class Carrier:
    """What is drawn on one track.

    Attributes:
        resolution: share of the frame's resolution that the face is drawn at; read with each key
            frame.
        key: the newest key frame; None before the first one.
    """

    def __init__(self) -> None:
        self.resolution = 1.0
        self.key: KeyFrame | None = None
        self._texture: KeyTexture | None = None
        self._fade: _Fade | None = None
        self._drawn_s: float | None = None

    def take(self, key: KeyFrame) -> None:
        """Fade over to a new key frame from whatever is shown now."""
        texture = KeyTexture.of_key(key, self.resolution)
        shown = self._shown(self._drawn_s)
        self.key, self._texture, self._fade = key, texture, None
        if shown is not None:
            self._fade = _Fade(_moved(shown, texture), self._drawn_s)

    def take_patch(
        self, pixels: NDArray[np.uint8], patch: Patch, landmarks: NDArray[np.float32], at_s: float
    ) -> None:
        """Start from what another swapper has just drawn, so that the next key frame fades in.

        Args:
            pixels: uint8 (H, W, 3) BGR, the frame.
            patch: what was drawn for it.
            landmarks: float32 (478, 3) frame pixels.
            at_s: the frame's time.
        """
        self._texture = KeyTexture.of_patch(pixels, patch, landmarks)
        self._fade, self._drawn_s = None, at_s

    def draw(
        self, pixels: NDArray[np.uint8], landmarks: NDArray[np.float32], track_id: int, at_s: float
    ) -> Patch | None:
        """Draw the face on a frame; None before the first key frame, or outside the frame.

        Args:
            pixels: uint8 (H, W, 3) BGR, the frame.
            landmarks: float32 (478, 3) frame pixels.
            track_id: written to the patch.
            at_s: the frame's time, seconds by the stream's own clock.
        """
        texture = self._shown(at_s)
        self._drawn_s = at_s
        if texture is None:
            return None
        drawn = paint(texture, pixels, mesh_vertices(landmarks), Openings.of(landmarks))
        return None if drawn is None else Patch(track_id, drawn.box, drawn.pixels, drawn.mask)

    def _shown(self, at_s: float | None) -> KeyTexture | None:
        """The texture as it stands at a time, faded as far as it is."""
        fade, texture = self._fade, self._texture
        if texture is None or fade is None:
            return texture
        if fade.began_s is None or at_s is None:
            fade.began_s = at_s
            return fade.older
        share = (at_s - fade.began_s) / _FADE_S
        if share >= 1:
            self._fade = None
            return texture
        return fade.older.mixed(texture, max(share, 0.0))


def _moved(older: KeyTexture, newer: KeyTexture) -> KeyTexture:
    """The older face as it would look on the newer one's picture."""
    drawn = paint(older, newer.film, newer.points, newer.openings)
    pixels, mask = newer.film.copy(), np.zeros(newer.film.shape[:2], np.uint8)
    if drawn is not None:
        x0, y0, x1, y1 = drawn.box
        pixels[y0:y1, x0:x1], mask[y0:y1, x0:x1] = drawn.pixels, drawn.mask
    return newer.showing(pixels, mask)
