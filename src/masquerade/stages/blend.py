"""Several photos of one person put together into one texture.

Each place is taken from the photo that shows it best, with soft seams; the light of all photos is
brought to that of the best one first, so that no seam shows in it. Each eye and the mouth come
whole from one photo, since two photos never agree there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from masquerade.stages.regions import ATLAS_PX, region_mask
from masquerade.stages.texels import SEEN_PX, blur, blur_within, enlarge, shrink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Blend", "View", "blend"]

_WHOLE = {"left_eye": 0.035, "right_eye": 0.035, "lips": 0.03}
"""What is taken from one photo, and how far around it, in atlas widths."""
_SHARPNESS_OF_CHOICE = 6
_SEAM, _LIGHT_SIGMA = 0.012, 0.07
"""Softness of the seams and of the light field, in atlas widths."""
_OVERLAP = 0.02


@dataclass(frozen=True, slots=True)
class View:
    """One photo in atlas layout.

    Attributes:
        texture: uint8 (1024, 1024, 3) BGR.
        trust: float32 (256, 256), 0..1: the donor's face, well seen.
        density: float32 (256, 256), photo pixels per texel.
        rank: 0..1, how well eyes and mouth can be taken from it: frontal, calm, well measured.
    """

    texture: NDArray[np.uint8]
    trust: NDArray[np.float32]
    density: NDArray[np.float32]
    rank: float = 1.0


@dataclass(frozen=True, slots=True)
class Blend:
    """Photos put together.

    Attributes:
        texture: uint8 (1024, 1024, 3) BGR; of no meaning where ``trust`` is 0.
        trust: float32 (256, 256), 0..1.
        eyes: from which photo the image's left and right eye are taken.
        mouth: from which photo the mouth is taken.
    """

    texture: NDArray[np.uint8]
    trust: NDArray[np.float32]
    eyes: tuple[int, int]
    mouth: int


def blend(views: Sequence[View]) -> Blend:
    """Put at least one view together; one alone is returned as it is."""
    if len(views) == 1:
        return Blend(views[0].texture, views[0].trust, (0, 0), 0)
    worth = [
        np.asarray(view.trust * np.clip(view.density, 0.02, 1.5) * (0.1 + view.rank), np.float32)
        for view in views
    ]
    best = int(np.argmax([part.sum() for part in worth]))
    whole = {name: _best_for(name, views, worth) for name in _WHOLE}
    shares = _shares(worth, whole)
    total = np.zeros((ATLAS_PX, ATLAS_PX, 3), np.float32)
    for view, share in zip(views, shares, strict=True):
        lit = view.texture.astype(np.float32)
        if view is not views[best]:
            lit *= enlarge(_light_ratio(view, views[best]))
        total += enlarge(share)[..., None] * lit
    return Blend(
        np.clip(total + 0.5, 0, 255).astype(np.uint8),
        np.max([view.trust for view in views], axis=0),
        (whole["left_eye"], whole["right_eye"]),
        whole["lips"],
    )


def _best_for(name: str, views: Sequence[View], worth: Sequence[NDArray[np.float32]]) -> int:
    region = region_mask(name, SEEN_PX)
    scores = [(part * region).sum() * view.rank for part, view in zip(worth, views, strict=True)]
    return int(np.argmax(scores))


def _shares(
    worth: Sequence[NDArray[np.float32]], whole: dict[str, int]
) -> list[NDArray[np.float32]]:
    """How much of each place comes from each photo; they add up to one."""
    top = np.max(worth, axis=0) + 1e-6
    raw = [(part / top) ** _SHARPNESS_OF_CHOICE + 1e-6 for part in worth]
    for name, owner in whole.items():
        region = region_mask(name, SEEN_PX, _WHOLE[name])
        for number, part in enumerate(raw):
            # Where the owner sees nothing (its hidden corner) the others may still help.
            sees = region * np.clip(worth[owner] / top * 4, 0, 1)
            part *= 1 - sees
            if number == owner:
                part += sees
    soft = [blur(part, _SEAM * SEEN_PX) for part in raw]
    # A seam may only be as wide as both sides know the place.
    soft = [part * (known**2) + 1e-9 for part, known in zip(soft, worth, strict=True)]
    total = np.sum(soft, axis=0)
    return [np.asarray(part / total, np.float32) for part in soft]


def _light_ratio(view: View, best: View) -> NDArray[np.float32]:
    """What turns the view's low-pass light and colour into those of the best one, (256, 256, 3)."""
    own, other = shrink(view.texture), shrink(best.texture)
    both = np.asarray(view.trust * best.trust, np.float32)
    if both.sum() < _OVERLAP * SEEN_PX**2:
        ratio = (_typical(other, best.trust) + 4) / (_typical(own, view.trust) + 4)
        return np.broadcast_to(np.clip(ratio, 0.4, 2.5), own.shape).astype(np.float32)
    ratio = _low_pass(other, both) / _low_pass(own, both)
    return np.asarray(np.clip(ratio, 0.4, 2.5), np.float32)


def _typical(small: NDArray[np.float32], trust: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weighted mean colour, (3,)."""
    return np.asarray((small * trust[..., None]).sum((0, 1)) / (trust.sum() + 1e-6))


def _low_pass(small: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blurred over the weighted texels, ever more widely where there are few, plus a little."""
    result = np.full_like(small, 4.0)
    unknown = np.ones((SEEN_PX, SEEN_PX, 1), np.float32)
    for widening in (1, 3, 9):
        sigma = _LIGHT_SIGMA * SEEN_PX * widening
        enough = np.clip(blur(weight, sigma)[..., None] * 4, 0, 1) if widening < 9 else 1.0
        result += unknown * enough * blur_within(small, weight, sigma)
        unknown = np.asarray(unknown * (1 - enough), np.float32)
    return result
