"""Which vertices of the 468-point face mesh are lids, lips, brows and jaw.

Indices are MediaPipe's Face Mesh numbering. "right" and "left" are the person's own sides, so
the right eye lies on the image's left.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from masquerade.models.canonical import CANONICAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "BROWS",
    "EYES",
    "INNER_LIPS",
    "IRISES",
    "JAW_WEIGHTS",
    "LOWER_LIP",
    "MOUTH_CORNERS",
    "OVAL",
    "STILL",
    "UPPER_LIP",
    "EyeRing",
    "skin_triangles",
]

OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""The outline, from the middle of the forehead over the person's left ear and the chin."""

INNER_LIPS = (
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324),
    *(308, 415, 310, 311, 312, 13, 82, 81, 80, 191),
)
"""The edge of the mouth's opening: lower lip from the right corner, then the upper lip back."""

UPPER_LIP = (
    *(185, 40, 39, 37, 0, 267, 269, 270, 409),
    *(184, 74, 73, 72, 11, 302, 303, 304, 408),
    *(183, 42, 41, 38, 12, 268, 271, 272, 407),
    *(191, 80, 81, 82, 13, 312, 311, 310, 415),
)
LOWER_LIP = (
    *(146, 91, 181, 84, 17, 314, 405, 321, 375),
    *(77, 90, 180, 85, 16, 315, 404, 320, 307),
    *(96, 89, 179, 86, 15, 316, 403, 319, 325),
    *(95, 88, 178, 87, 14, 317, 402, 318, 324),
)
MOUTH_CORNERS = ((61, 76, 62, 78), (291, 306, 292, 308))
"""Right and left corner, outside in."""

BROWS = (
    (70, 63, 105, 66, 107, 46, 53, 52, 65, 55),
    (300, 293, 334, 296, 336, 276, 283, 282, 295, 285),
)
"""Right and left brow: upper edge from the temple to the nose, then the lower edge."""

IRISES = ((468, 469, 470, 471, 472), (473, 474, 475, 476, 477))

JAW_WEIGHTS = {
    **dict.fromkeys((152, 148, 377, 175, 199, 200, 18, 83, 313, 182, 406, 201, 421, 208, 428), 1.0),
    **dict.fromkeys((176, 400, 171, 396, 194, 418), 0.95),
    **dict.fromkeys((149, 378, 140, 369), 0.85),
    **dict.fromkeys((150, 379, 170, 395), 0.7),
    **dict.fromkeys((136, 365), 0.5),
    **dict.fromkeys((172, 397), 0.3),
    **dict.fromkeys((58, 288), 0.12),
}
"""How far a vertex goes along with the jaw bone."""

STILL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 109, 67, 103, 54, 21, 162, 127, 234),
    *(1, 2, 4, 5, 6, 19, 94, 97, 98, 168, 195, 197, 326, 327, 48, 278, 115, 344, 122, 351),
)
"""Skull and nose: what no expression moves."""


class EyeRing:
    """The lids of one eye: corners, upper and lower edge, and the crease above."""

    def __init__(
        self, outer: int, inner: int, upper: list[int], lower: list[int], crease: list[int]
    ) -> None:
        self.outer, self.inner = outer, inner
        self.upper, self.lower, self.crease = upper, lower, crease
        self.ring = [outer, *lower, inner, *reversed(upper)]


EYES = (
    EyeRing(
        33,
        133,
        [246, 161, 160, 159, 158, 157, 173],
        [7, 163, 144, 145, 153, 154, 155],
        [247, 30, 29, 27, 28, 56, 190],
    ),
    EyeRing(
        263,
        362,
        [466, 388, 387, 386, 385, 384, 398],
        [249, 390, 373, 374, 380, 381, 382],
        [467, 260, 259, 257, 258, 286, 414],
    ),
)
"""Right and left eye; upper, lower and crease run from the temple to the nose."""


@cache
def skin_triangles() -> NDArray[np.int64]:
    """Triangles of the mesh without those that close the eyes and the mouth, int64 (N, 3)."""
    holes = [set(INNER_LIPS), *(set(eye.ring) for eye in EYES)]
    keep = [not any(set(tri) <= hole for hole in holes) for tri in CANONICAL.tri.tolist()]
    return np.ascontiguousarray(CANONICAL.tri[keep], dtype=np.int64)
