"""What the key frames' thread needs of the networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.settings import Settings
    from masquerade.stages.finished_face import FinishedFace
    from masquerade.stages.identity import Identity

__all__ = ["FaceMaker"]


class FaceMaker(Protocol):
    """What makes finished faces; ``NetworkFace`` fits. Used in one thread but for ``encode``.

    Attributes:
        enhances: whether the enhancers run; may be set at any time.
    """

    enhances: bool

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
