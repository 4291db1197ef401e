"""Makes finished faces by whatever networks fit into memory."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import MemoryBudgetError
from masquerade.stages.mesh_face import MeshFace
from masquerade.stages.network_face import NetworkFace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.settings import Settings
    from masquerade.engine.brought import BroughtNetworks
    from masquerade.engine.held_networks import HeldNetworks
    from masquerade.models.landmarker import Landmarker
    from masquerade.stages.finished_face import FinishedFace
    from masquerade.stages.identity import Identity

__all__ = ["ThriftyMaker"]


class ThriftyMaker:
    """What ``NetworkSwap`` asks for faces. Where a device runs out of memory, less is opened and
    the face is made again: the stream goes on with what fits.

    Args:
        held: the networks.
        settings: how faces are made.
        landmarker: for the embedded swapper, where it draws and networks enhance.

    Attributes:
        enhances: whether the enhancers run; may be set at any time.
    """

    def __init__(
        self, held: HeldNetworks, settings: Settings, landmarker: Landmarker | None
    ) -> None:
        self._held, self._settings, self._landmarker = held, settings, landmarker
        self._lock = threading.RLock()
        self._enhances = True
        self._made_for: BroughtNetworks | None = None
        self._face: NetworkFace | MeshFace = self._current()

    @property
    def enhances(self) -> bool:
        """Whether the enhancers run."""
        return self._enhances

    @enhances.setter
    def enhances(self, value: bool) -> None:
        self._enhances = value
        self._current().enhances = value

    def configure(self, settings: Settings) -> None:
        """Make faces by other settings from the next one on."""
        with self._lock:
            self._settings = settings
            self._current().configure(self._held.effective(settings))

    def forget(self) -> None:
        """Another scene or stream begins."""
        self._current().forget()

    def encode(self, identity: Identity) -> Any:
        """What the networks know of a donor; quick from the second call on."""
        return self._current().encode(identity)

    def make(
        self,
        pixels_bgr: NDArray[np.uint8],
        landmarks: NDArray[np.float32] | None,
        kps: NDArray[np.float32],
        code: Any,
        track_id: int = -1,
    ) -> FinishedFace:
        """Draw a donor over one face of a frame; see ``NetworkFace.make``.

        Raises:
            ModelError: a network failed.
            MemoryBudgetError: not even the least of them fits.
        """
        while True:
            networks = self._held.networks
            try:
                return self._current().make(pixels_bgr, landmarks, kps, code, track_id)
            except MemoryBudgetError:
                self._held.lower(networks)

    def _current(self) -> NetworkFace | MeshFace:
        """The face maker of the networks that are open now."""
        with self._lock:
            networks = self._held.networks
            if self._made_for is not networks:
                self._made_for, enhancers = networks, networks.enhancers
                settings = self._held.effective(self._settings)
                if networks.swapper is None:
                    self._face = MeshFace(enhancers, settings, self._landmarker)
                else:
                    parts = (networks.swapper, enhancers, networks.maskers, settings)
                    self._face = NetworkFace(*parts)
                self._face.enhances = self._enhances
            return self._face
