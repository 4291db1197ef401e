"""Five points that somebody else saw of a face, steadied by its mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from masquerade.geometry.templates import TEMPLATES

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SteadyFive"]

_GAIN = 0.2
_DOUBT = (0.05, 0.16)
"""See :class:`masquerade.stages.steady.SteadyMesh`, whose rule this is: distances in eye distances
from which a look counts for more than the gain, and from which it alone is believed."""
_FURTHEST = 0.5
"""Mean distance from the mesh, in eye distances, above which something else was seen."""


def _complex(points: NDArray[np.floating]) -> NDArray[np.complex128]:
    flat = np.asarray(points, np.float64)
    return flat[:, 0] + 1j * flat[:, 1]


_FACE = _complex(TEMPLATES["ffhq_512"])
_FACE = (_FACE - _FACE.mean()) / abs(_FACE[1] - _FACE[0])
"""A face whose eyes are 1 apart; any template does, since it only takes size and turn out."""


class SteadyFive:
    """Where the five points of a detector or a landmark network lie about those of the mesh.

    Such networks see each picture by itself, so their points tremble; the mesh is carried by what
    the pixels did. So it is remembered where the points lie about the mesh's own, in eye distances
    along the face, and each look corrects that. A look that is far off is not believed.

    Points are float32 (5, 2) in the order of ``Face.kps``, those of the mesh as
    :func:`masquerade.geometry.templates.kps_from_landmarks` gives them.
    """

    def __init__(self) -> None:
        self._mean = np.zeros(5, np.complex128)
        self._looks = 0

    def look(self, mesh: NDArray[np.floating], seen: NDArray[np.floating]) -> None:
        """Take in what was seen of a face whose mesh has these five points in that picture."""
        offsets = (_complex(seen) - _complex(mesh)) / _eyes(mesh)
        if not float(np.abs(offsets).mean()) <= _FURTHEST:
            return
        self._looks += 1
        off = offsets - self._mean
        doubt = np.clip((np.abs(off) - _DOUBT[0]) / (_DOUBT[1] - _DOUBT[0]), 0, 1)
        gain = max(_GAIN, 1 / self._looks)
        self._mean += (gain + (1 - gain) * doubt) * off

    def beside(self, mesh: NDArray[np.floating]) -> NDArray[np.float32]:
        """The steadied points of a face; the mesh's own where nothing was seen yet."""
        off = self._mean * _eyes(mesh)
        return np.asarray(mesh + np.stack([off.real, off.imag], axis=1), np.float32)


def _eyes(mesh: NDArray[np.floating]) -> np.complex128:
    """From the left to the right eye, as all five points together say: least squared error."""
    points = _complex(mesh)
    span = np.vdot(_FACE, points - points.mean()) / np.vdot(_FACE, _FACE)
    return np.complex128(span if abs(span) > 1e-6 else 1e-6)
