"""What detectors propose before overlapping proposals are thinned out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.face import Face

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Candidates"]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Faces that may be the same one.

    Attributes:
        boxes: float32 (N, 4) x0, y0, x1, y1.
        kps: float32 (N, 5, 2), in the order of ``Face.kps``.
        scores: float32 (N,), 0..1.
    """

    boxes: NDArray[np.float32]
    kps: NDArray[np.float32]
    scores: NDArray[np.float32]

    @classmethod
    def join(cls, parts: Sequence[Candidates]) -> Candidates:
        """All of them; at least one part."""
        return cls(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.kps for part in parts]),
            np.concatenate([part.scores for part in parts]),
        )

    def pick(self, which: NDArray[np.intp]) -> Candidates:
        """Some of them."""
        return Candidates(self.boxes[which], self.kps[which], self.scores[which])

    def scaled(self, factor: float) -> Candidates:
        """In pixels of another size."""
        return Candidates(
            self.boxes * np.float32(factor), self.kps * np.float32(factor), self.scores
        )

    def thinned(self, max_overlap: float) -> Candidates:
        """The best of those that overlap, best first.

        A box covers its last pixel too, as these networks' own tools count: a width is
        ``x1 - x0 + 1``. Source: InsightFace, ``SCRFD.nms``.

        Args:
            max_overlap: intersection over union, above which the lower score is dropped.
        """
        low, high = self.boxes[:, :2], self.boxes[:, 2:]
        areas = (high - low + 1).prod(axis=1)
        rest = np.argsort(-self.scores, kind="stable")
        kept: list[int] = []
        while rest.size:
            best, others = rest[0], rest[1:]
            kept.append(int(best))
            start = np.maximum(low[best], low[others])
            end = np.minimum(high[best], high[others])
            shared = np.clip(end - start + 1, 0, None).prod(axis=1)
            overlap = shared / (areas[best] + areas[others] - shared)
            rest = others[overlap <= max_overlap]
        return self.pick(np.array(kept, np.intp))

    def faces(self) -> list[Face]:
        """Each as a face."""
        rows = zip(self.boxes, self.kps, self.scores, strict=True)
        return [Face(bbox=box.copy(), score=float(s), kps=kps.copy()) for box, kps, s in rows]
