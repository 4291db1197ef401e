"""What the key frames' threads need of the networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from masquerade.stages.carry.turnstile import AT_WILL
from masquerade.stages.crowd import each
from masquerade.stages.finished_face import FinishedFace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.settings import Settings
    from masquerade.stages.carry.turnstile import Steps
    from masquerade.stages.identity import Identity

__all__ = ["FaceMaker", "Made", "WantedFace"]

Made = FinishedFace | Exception
"""What became of a face: it is finished, or the error that prevented it."""


@dataclass(frozen=True, slots=True, eq=False)
class WantedFace:
    """One face of a frame, and who is to be drawn over it.

    Attributes:
        landmarks: float32 (478, 3), the face's mesh in frame pixels; None where there is none.
        kps: float32 (5, 2), the detector's points in frame pixels.
        code: of the donor; see :meth:`FaceMaker.encode`.
        track_id: whose memory is used; below 0 nobody's.
    """

    landmarks: NDArray[np.float32] | None
    kps: NDArray[np.float32]
    code: Any
    track_id: int = -1


class FaceMaker(Protocol):
    """What makes finished faces; ``NetworkFace`` fits.

    ``make_many`` is called from several threads at a time, each with another frame: what its
    ``steps`` let it do is done in the order of the frames. ``encode`` is called from any thread;
    the others while no face is being made, but for ``enhances``.

    Attributes:
        enhances: whether the enhancers run; may be set at any time.
    """

    enhances: bool

    @property
    def parallel(self) -> int:
        """On how many devices the networks run."""
        return 1

    @property
    def depth(self) -> int:
        """How many frames in work at a time keep all devices busy; 1 where they gain nothing."""
        return 1

    def batches(self, count: int) -> bool:  # noqa: ARG002 - those that derive use it
        """Whether ``count`` faces together are quicker than one by one, as far as is known."""
        return False

    def configure(self, settings: Settings) -> None:
        """Make faces by other settings from now on."""
        ...

    def forget(self) -> None:
        """Another scene or stream begins."""
        ...

    def encode(self, identity: Identity) -> Any:
        """What the networks know of a donor; quick from the second call on."""
        ...

    def make(
        self,
        pixels_bgr: NDArray[np.uint8],
        landmarks: NDArray[np.float32] | None,
        kps: NDArray[np.float32],
        code: Any,
        track_id: int = -1,
    ) -> FinishedFace:
        """Draw a donor over one face of a frame."""
        ...

    def make_many(
        self, pixels_bgr: NDArray[np.uint8], faces: Sequence[WantedFace], steps: Steps = AT_WILL
    ) -> Sequence[Made]:
        """Draw donors over several faces of a frame: each as :meth:`make` would.

        Args:
            pixels_bgr: uint8 (H, W, 3), the frame.
            faces: in any order; of each track one.
            steps: says when each step may be done, where other frames are in work too.

        Returns:
            One for each face, in their order; a face that fails does not cost the others.
        """
        with steps.step("make"):
            return each(
                lambda face: self.make(
                    pixels_bgr, face.landmarks, face.kps, face.code, face.track_id
                ),
                faces,
            )
