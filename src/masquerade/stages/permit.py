"""Faces of the target that must not be swapped: locked ones, and those of children."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from masquerade.core.frame import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.errors import ConsentError
    from masquerade.core.face import Attributes, Face
    from masquerade.core.frame import FrameJob

__all__ = ["JudgesFaces", "Permit"]


class JudgesFaces(Protocol):
    """Says whether a face may be swapped."""

    def refusal(self, pixels_bgr: NDArray[np.uint8], face: Face) -> ConsentError | None:
        """Why the face must not be swapped; None where it may.

        Args:
            pixels_bgr: uint8 (H, W, 3), the frame.
            face: with ``attributes`` and ``landmarks``.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Judged:
    attributes: Attributes
    refusal: ConsentError | None


class Permit:
    """Judges every selected face anew with every look that is taken at it: three, as a rule.

    A file is refused. A live stream goes on: there the face is hidden, as one that cannot be
    swapped is, and ``notice`` is told why.

    Args:
        rules: judge.
        notice: takes a sentence, in live streams.
        live: whether the stream is live.
    """

    name = "permit"

    def __init__(
        self, rules: JudgesFaces, notice: Callable[[str], None], *, live: bool = False
    ) -> None:
        self._rules, self._notice, self._live = rules, notice, live
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._scene = -1
        self._judged: dict[int, _Judged] = {}

    def process(self, job: FrameJob) -> FrameJob:
        """Mark faces that must not be swapped.

        Raises:
            ConsentError: there is one, and the stream is not live.
            ModelError: a network is missing, or failed.
        """
        if job.scene != self._scene:
            self.reset()
            self._scene = job.scene
        for face in job.faces:
            refusal = self._refusal(job.frame.pixels, face) if face.selected else None
            face.refused = refusal is not None
            if refusal is None:
                continue
            if not self._live:
                raise refusal
            job.failures.append(Failure(self.name, "must not be swapped", face.track_id))
            self._notice(str(refusal))
        return job

    def _refusal(self, pixels: NDArray[np.uint8], face: Face) -> ConsentError | None:
        known = self._judged.get(face.track_id)
        if face.attributes is None or face.landmarks is None:
            return None if known is None else known.refusal
        if known is None or known.attributes is not face.attributes:
            known = _Judged(face.attributes, self._rules.refusal(pixels, face))
            self._judged[face.track_id] = known
        return known.refusal
