"""Makes finished faces by whatever networks fit into memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import MemoryBudgetError
from masquerade.stages.carry.turnstile import AT_WILL
from masquerade.stages.crop_points import CropPoints
from masquerade.stages.face_maker import Made, WantedFace
from masquerade.stages.mesh_face import MeshFace
from masquerade.stages.network_face import NetworkFace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.settings import Settings
    from masquerade.engine.brought import BroughtNetworks
    from masquerade.engine.held_networks import HeldNetworks
    from masquerade.models.landmarker import Landmarker
    from masquerade.stages.carry.turnstile import Steps
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
        self._lowering = threading.Lock()  # held for as long as less is being opened
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

    @property
    def parallel(self) -> int:
        """On how many devices the networks run; the built-in swapper draws in one thread."""
        return self._current().parallel

    @property
    def depth(self) -> int:
        """How many frames in work at a time keep all devices busy; 1 where they gain nothing."""
        return self._current().depth

    def batches(self, count: int) -> bool:
        """Whether ``count`` faces together are quicker than one by one, as far as is known."""
        return self._current().batches(count)

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
        return self._open()[1].encode(identity)

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
        (made,) = self.make_many(pixels_bgr, (WantedFace(landmarks, kps, code, track_id),))
        if isinstance(made, Exception):
            raise made
        return made

    def make_many(
        self, pixels_bgr: NDArray[np.uint8], faces: Sequence[WantedFace], steps: Steps = AT_WILL
    ) -> list[Made]:
        """Draw donors over several faces of a frame; see ``NetworkFace.make_many``.

        Those for which memory ran out are made again with less, as are those whose networks were
        let go meanwhile because memory ran out for another thread.
        """
        results: dict[int, Made] = {}
        left = list(range(len(faces)))
        while left:
            networks, maker = self._open()
            made = maker.make_many(pixels_bgr, [faces[place] for place in left], steps)
            results.update(zip(left, made, strict=True))
            left = [place for place in left if isinstance(results[place], Exception)]
            short = [place for place in left if isinstance(results[place], MemoryBudgetError)]
            try:
                if short:
                    self._lower(networks)
            except MemoryBudgetError as error:
                results.update(dict.fromkeys(short, error))
                break
            if not self._may_retry(networks):
                break
        return [results[place] for place in range(len(faces))]

    def _open(self) -> tuple[BroughtNetworks, NetworkFace | MeshFace]:
        """The networks that are open now and their face maker; waits while less is opened."""
        with self._lowering:
            return self._held.networks, self._current()

    def _lower(self, networks: BroughtNetworks) -> None:
        with self._lowering:
            self._held.lower(networks)

    def _may_retry(self, failed: BroughtNetworks) -> bool:
        """Whether others are open than those that failed, which know the same donors."""
        with self._lowering:
            current = self._held.networks
        same_kind = (current.swapper is None) == (failed.swapper is None)
        return current is not failed and same_kind

    def _current(self) -> NetworkFace | MeshFace:
        """The face maker of the networks that are open now."""
        with self._lock:
            networks = self._held.networks
            if self._made_for is not networks:
                self._made_for, enhancers = networks, networks.enhancers
                settings = self._held.effective(self._settings)
                points = CropPoints(networks.landmarker)
                if networks.swapper is None:
                    self._face = MeshFace(enhancers, settings, self._landmarker, points)
                else:
                    parts = (networks.swapper, enhancers, networks.joined_maskers, settings)
                    self._face = NetworkFace(*parts, points)
                self._face.enhances = self._enhances
            return self._face
