"""The steady mesh of one face: carried by what its pixels did, corrected by the network.

The network's points jitter by about half a percent of the eyes' distance, and any filter that
averages them over time lags. The flow of the pixels knows each step well, and knows it without
delay, but drifts. So the flow makes the step and the network pulls at what has added up:

    points = carried + gain * (measured - carried)

A gain of 0.1 keeps a tenth of the network's jitter. It grows with the distance of the two, from
where jitter no longer explains it. On skin that takes a large distance, since skin slides under
a silhouette that the network follows. Lips and lids come out of nothing (a mouth that opens, a
lid that closes), where flow fails at once and visibly: there 1 % is doubted and 4 % decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from masquerade.geometry.mesh import EYE_LEFT, EYE_RIGHT, INNER_LIPS, OUTER_LIPS, inter_ocular_px

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SteadyMesh"]

_SKIN_GAIN, _LIPS_GAIN, _LIDS_GAIN, _IRIS_GAIN, _DEPTH_GAIN = 0.1, 0.2, 0.2, 0.5, 0.3
_SKIN_DOUBT, _LIPS_DOUBT, _LIDS_DOUBT = (0.05, 0.16), (0.01, 0.04), (0.01, 0.035)
"""Distances of measured from carried, in eye distances: from the first on the gain grows, from
the second on the network alone is believed. Chosen on puppets, whose truth is known, by the lag
of openings (0.3 frames with one doubt for all, 0.08 with these) and the error of steps."""
_FIRST_LOOKS = 2
"""How many single looks of the network the start of a mesh is worth."""
_LIPS = np.concatenate([INNER_LIPS, OUTER_LIPS])
_LIDS = np.concatenate([EYE_LEFT, EYE_RIGHT])
_IRISES = np.arange(468, 478)


def _by_part(skin: float, lips: float, lids: float, irises: float) -> NDArray[np.float64]:
    values = np.full(478, skin)
    for part, value in ((_LIPS, lips), (_LIDS, lids), (_IRISES, irises)):
        values[part] = value
    return values


_GAINS = _by_part(_SKIN_GAIN, _LIPS_GAIN, _LIDS_GAIN, _IRIS_GAIN)
_DOUBT_FROM, _DOUBT_TO = (
    _by_part(skin, lips, lids, lids)
    for skin, lips, lids in zip(_SKIN_DOUBT, _LIPS_DOUBT, _LIDS_DOUBT, strict=True)
)


class SteadyMesh:
    """Filter of the 478 points of one face.

    Args:
        measured: float32 (478, 3), the first mesh in frame pixels.

    Attributes:
        points: float64 (478, 3), frame pixels.
    """

    def __init__(self, measured: NDArray[np.float32]) -> None:
        self.points: NDArray[np.float64] = measured.astype(np.float64)
        self._looks = _FIRST_LOOKS

    def carry(self, moved_xy: NDArray[np.float64]) -> None:
        """Go where the flow says, float64 (478, 2); depths keep their scale."""
        before = inter_ocular_px(self.points)
        self.points[:, :2] = moved_xy
        self.points[:, 2] *= inter_ocular_px(self.points) / max(before, 1e-6)

    def correct(self, measured: NDArray[np.float32]) -> float:
        """Pull towards what the network saw in the frame that the points were carried to.

        Returns:
            The mean distance of the measured from the carried points, in eye distances.
        """
        off = measured - self.points
        distance = np.linalg.norm(off[:, :2], axis=1) / max(inter_ocular_px(measured), 1e-6)
        doubt = np.clip((distance - _DOUBT_FROM) / (_DOUBT_TO - _DOUBT_FROM), 0.0, 1.0)
        gains = np.maximum(_GAINS + (1.0 - _GAINS) * doubt, 1.0 / (1.0 + self._looks))
        self.points[:, :2] += gains[:, None] * off[:, :2]
        self.points[:, 2] += np.maximum(gains, _DEPTH_GAIN) * off[:, 2]
        self._looks += 1
        return float(distance[:468].mean())

    def distrust(self) -> None:
        """The points were carried without a look: believe the next look as if it were among the
        first."""
        self._looks = 1
