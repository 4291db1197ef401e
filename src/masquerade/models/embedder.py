"""Who a face looks like: an embedding, an age and a gender."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.face import Attributes
from masquerade.geometry.roi import Roi
from masquerade.models.landmarker import Mesh
from masquerade.models.store import open_network
from masquerade.models.window import cut_window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from masquerade.runtime.session import Session

__all__ = ["Embedder"]

_CROP_PX = 224
_MARGIN = 1.2


class Embedder:
    """FaceRes: tells the people of one video apart; it is no recogniser for security.

    Measured cosines: the same person 0.58 and more, different people mostly below 0.56. The
    network is loaded at the first call.

    Args:
        threads: threads of the network; 0 chooses by the machine.
        device: where it runs, such as "cuda:0"; "" is the processor.
    """

    def __init__(self, threads: int = 0, device: str = "") -> None:
        self._threads, self._device = threads, device

    @cached_property
    def _network(self) -> Session:
        return open_network("attributes", self._threads, self._device)

    def describe(
        self, pixels_bgr: NDArray[np.uint8], meshes: Sequence[Mesh | NDArray[np.float32]]
    ) -> list[Attributes]:
        """Attributes of several faces of one frame, in their order.

        Args:
            pixels_bgr: uint8 (H, W, 3).
            meshes: what the landmarker returned, or points (478, 2 or 3) in frame pixels.

        Raises:
            ModelError: the weights are missing, or the network failed.
        """
        if not meshes:
            return []
        crops = np.empty((len(meshes), _CROP_PX, _CROP_PX, 3), np.uint8)
        for mesh, crop in zip(meshes, crops, strict=True):
            points = mesh.points if isinstance(mesh, Mesh) else mesh
            cut_window(pixels_bgr, Roi.from_landmarks(points, _MARGIN), crop)
        results = self._run(crops)
        years = results["age"] @ np.arange(100, dtype=np.float32)
        lengths = np.linalg.norm(results["embedding"], axis=1, keepdims=True)
        units = results["embedding"] / np.maximum(lengths, 1e-9)
        return [
            Attributes(unit, float(age), float(male))
            for unit, age, male in zip(units, years, results["male"].reshape(-1), strict=True)
        ]

    def _run(self, crops: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """What the network says of uint8 (N, P, P, 3), by the names of its outputs."""
        network, step = self._network, 1 if self._device else len(crops)
        runs = [
            network.run({"crop": crops[first : first + step]})
            for first in range(0, len(crops), step)
        ]
        joined = (np.concatenate(parts) for parts in zip(*runs, strict=True))
        return dict(zip(network.outputs, joined, strict=True))
