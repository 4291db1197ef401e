"""What surrounds the heads: backdrops, and things that come in front of a face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.media.puppet.acting import Occluder
    from masquerade.media.puppet.portrait import Portrait

__all__ = ["backdrop", "draw_occluder", "own_background"]

_SHIFT = 4
_UNIT = 1 << _SHIFT


def backdrop(seed: int, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """A room out of focus: two walls of colour and soft lights, uint8 (H, W, 3) BGR."""
    width, height = size_wh
    rng = np.random.default_rng([seed, 99])
    top, bottom = rng.uniform(60, 170, 3), rng.uniform(30, 110, 3)
    ramp = np.linspace(0, 1, height)[:, None, None]
    picture = np.broadcast_to(top * (1 - ramp) + bottom * ramp, (height, width, 3)).copy()
    for _ in range(14):
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        half = rng.uniform(0.04, 0.22, 2) * width
        corner = (int(centre[0] + half[0]), int(centre[1] + half[1]))
        colour = rng.uniform(20, 220, 3)
        if rng.random() < 0.5:
            cv2.rectangle(picture, centre, corner, colour.tolist(), -1)
        else:
            cv2.circle(picture, centre, int(half[0] * 0.5), colour.tolist(), -1)
    soft = cv2.GaussianBlur(picture, (0, 0), 0.02 * width)
    grain = rng.normal(0, 1.5, (height, width, 1))
    return np.clip(soft + grain, 0, 255).astype(np.uint8)


def own_background(portrait: Portrait, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """The portrait's background without the person, softened, uint8 (H, W, 3) BGR."""
    width, height = size_wh
    scale = 160 / portrait.pixels.shape[1]
    small = cv2.resize(portrait.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    person = cv2.resize(portrait.matte, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    free = (cv2.dilate(person, np.ones((5, 5), np.uint8)) < 8).astype(np.float32)
    filled = small.astype(np.float32) * free[..., None]
    known = free
    for sigma in (2.0, 5.0, 12.0, 30.0, 60.0):
        near = cv2.GaussianBlur(known, (0, 0), sigma)
        colour = cv2.GaussianBlur(filled, (0, 0), sigma) / np.maximum(near, 1e-4)[..., None]
        new = (known == 0) & (near > 0.08)
        filled[new] = colour[new]
        known = np.maximum(known, new.astype(np.float32))
    zoom = max(width / small.shape[1], height / small.shape[0])
    grown = cv2.resize(filled, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    x = (grown.shape[1] - width) // 2
    y = min((grown.shape[0] - height) // 4, grown.shape[0] - height)
    window = cv2.GaussianBlur(grown[y : y + height, x : x + width], (0, 0), 0.006 * width)
    return np.clip(window, 0, 255).astype(np.uint8)


def draw_occluder(
    canvas: NDArray[np.uint8],
    occluder: Occluder,
    t: float,
    face_xy: NDArray[np.float64],
    px_per_cm: float,
) -> NDArray[np.uint8]:
    """Draw a thing in front of a face.

    Args:
        canvas: uint8 (H, W, 3) BGR, changed in place.
        occluder: what and when.
        t: seconds in the scene.
        face_xy: (2,) where the middle of the face is.
        px_per_cm: size of the face.

    Returns:
        Its opacity, uint8 (H, W).
    """
    alpha = np.zeros(canvas.shape[:2], np.uint8)
    u = (t - occluder.start_s) / max(occluder.end_s - occluder.start_s, 1e-9)
    if not 0 < u < 1:
        return alpha
    away = 1 - np.sin(np.pi * u) ** 0.6
    draw, colour = _SHAPES[occluder.kind]
    draw(alpha, face_xy, px_per_cm, float(away))
    paint = _rounded(alpha, colour, 2.2 * px_per_cm)
    soft = np.asarray(cv2.GaussianBlur(alpha, (3, 3), 0), np.uint8)
    weight = soft[..., None].astype(np.float32) / 255
    canvas[:] = np.clip(np.rint(canvas + weight * (paint - canvas)), 0, 255)
    return soft


def _capsule(
    alpha: NDArray[np.uint8],
    ends: tuple[NDArray[np.float64], NDArray[np.float64]],
    radius: float,
) -> None:
    """A thick line with round ends."""
    a, b = (tuple(int(v) for v in np.rint(end * _UNIT)) for end in ends)
    cv2.line(alpha, a, b, 255, max(int(2 * radius), 1), cv2.LINE_AA, _SHIFT)


def _rounded(
    alpha: NDArray[np.uint8], colour: tuple[float, float, float], roundness_px: float
) -> NDArray[np.float32]:
    """Colours of a shape that is darker towards its outline, float32 (H, W, 3)."""
    depth = cv2.distanceTransform((alpha > 127).astype(np.uint8), cv2.DIST_L2, 3)
    level = 0.62 + 0.42 * np.sqrt(np.clip(depth / max(roundness_px, 1.0), 0, 1))
    return np.asarray(level[..., None] * np.array(colour, np.float32))


def _hand(alpha: NDArray[np.uint8], at: NDArray[np.float64], scale: float, away: float) -> None:
    """A hand that rises from below over mouth and cheek."""
    palm = at + scale * np.array([2.0 + 8 * away, 5.0 + 22 * away])
    _capsule(
        alpha, (palm + scale * np.array([0.8, 2.5]), palm + scale * np.array([5, 17])), 2.9 * scale
    )
    _capsule(alpha, (palm, palm + scale * np.array([1.2, 3.0])), 4.0 * scale)
    for x, length, lean in ((-3.0, 5.6, -1.4), (-1.1, 6.8, -0.6), (0.9, 6.6, 0.2), (2.8, 5.4, 1.0)):
        root = palm + scale * np.array([x, -2.0])
        _capsule(alpha, (root, root + scale * np.array([lean, -length])), 0.95 * scale)
    thumb = palm + scale * np.array([-3.2, 1.4])
    _capsule(alpha, (thumb, thumb + scale * np.array([-3.4, -3.0])), 1.1 * scale)


def _microphone(
    alpha: NDArray[np.uint8], at: NDArray[np.float64], scale: float, away: float
) -> None:
    """A dark microphone in front of mouth and chin."""
    head = at + scale * np.array([-0.8 - 4 * away, 6.2 + 20 * away])
    _capsule(alpha, (head, head + scale * np.array([-6.0, 18.0])), 1.5 * scale)
    _capsule(alpha, (head, head + scale * np.array([0.5, -1.2])), 2.7 * scale)


def _bar(alpha: NDArray[np.uint8], at: NDArray[np.float64], scale: float, away: float) -> None:
    """An upright bar that passes over one eye and half the mouth."""
    x = at[0] + scale * (3.0 + 14 * away)
    _capsule(alpha, (np.array([x, -9.0]), np.array([x + scale, alpha.shape[0] + 9.0])), 2.2 * scale)


_SHAPES = {
    "hand": (_hand, (118.0, 152.0, 205.0)),
    "microphone": (_microphone, (62.0, 60.0, 58.0)),
    "bar": (_bar, (92.0, 108.0, 84.0)),
}
