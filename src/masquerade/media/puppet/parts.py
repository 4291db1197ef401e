"""A mesh under construction, and the winding of its triangles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Parts", "facing", "outward"]


@dataclass(slots=True)
class Parts:
    """Vertices and triangles while a head is put together.

    Attributes:
        rest: float64 (N, 3) centimetres each.
        uv: float64 (N, 2) texture pixels each.
        tri: int64 (T, 3) each.
        depth_bias: float64 (T,) centimetres each.
        count: vertices so far.
    """

    rest: list[NDArray[np.float64]] = field(default_factory=list)
    uv: list[NDArray[np.float64]] = field(default_factory=list)
    tri: list[NDArray[np.int64]] = field(default_factory=list)
    depth_bias: list[NDArray[np.float64]] = field(default_factory=list)
    count: int = 0

    def add(
        self,
        rest: NDArray[np.float64],
        uv: NDArray[np.float64],
        tri: NDArray[np.int64],
        depth_bias: float = 0.0,
        *,
        local: bool = True,
    ) -> slice:
        """Append vertices and triangles; with ``local`` the triangles count from the new ones."""
        where = slice(self.count, self.count + len(rest))
        self.rest.append(rest)
        self.uv.append(uv)
        self.tri.append(tri + (self.count if local else 0))
        self.depth_bias.append(np.full(len(tri), depth_bias))
        self.count = where.stop
        return where


def facing(tri: NDArray[np.int64], points: NDArray[np.float64]) -> NDArray[np.int64]:
    """The triangles wound counter-clockwise as seen by the viewer (y up)."""
    a, b, c = (points[tri[:, k], :2] for k in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    turned = tri.copy()
    turned[area < 0] = tri[area < 0][:, ::-1]
    return turned


def outward(tri: NDArray[np.int64], points: NDArray[np.float64]) -> NDArray[np.int64]:
    """The triangles wound counter-clockwise as seen from outside a body about the origin."""
    a, b, c = (points[tri[:, k]] for k in range(3))
    inward = (np.cross(b - a, c - a) * (a + b + c)).sum(axis=1) < 0
    turned = tri.copy()
    turned[inward] = tri[inward][:, ::-1]
    return turned
