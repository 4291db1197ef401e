"""A play and its audit around an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from masquerade.core.lifetimes import Closing
from masquerade.testing.exposure import Exposure, ExposureAudit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.frame import Frame
    from masquerade.core.protocols import Sink, Source, SourceInfo
    from masquerade.media.puppet import FrameTruth, PuppetSource

    Witness = Callable[[NDArray[np.uint8], NDArray[np.uint8], FrameTruth], None]

__all__ = ["Rehearsal"]


class Rehearsal:
    """A puppet's play that is audited while an engine swaps it.

    ``engine.run(rehearsal.source, rehearsal.sink, allow_no_face=True)``, then read ``exposure``.

    Args:
        puppets: the play.
        protected: names of the actors who are to be swapped; None for all.
        witness: called with (target, output, truth) of every frame, in order.

    Attributes:
        source: gives the play's frames.
        sink: takes what became of them.
    """

    def __init__(
        self,
        puppets: PuppetSource,
        protected: frozenset[str] | None = None,
        witness: Witness | None = None,
    ) -> None:
        self._audit = ExposureAudit(protected)
        self._witness = witness
        self._underway: dict[int, tuple[NDArray[np.uint8], FrameTruth]] = {}
        self.source: Source = _Stage(puppets, self._underway)
        self.sink: Sink = _Critic(self._take)

    @property
    def exposure(self) -> Exposure:
        """The counts so far."""
        return self._audit.exposure

    def _take(self, frame: Frame) -> None:
        target, truth = self._underway.pop(frame.seq)
        self._audit.look(target, frame.pixels, truth)
        if self._witness is not None:
            self._witness(target, frame.pixels, truth)


class _Stage(Closing):
    """The play as a Source that notes what it gave."""

    def __init__(
        self,
        puppets: PuppetSource,
        underway: dict[int, tuple[NDArray[np.uint8], FrameTruth]],
    ) -> None:
        self._puppets = puppets
        self._underway = underway

    @property
    def info(self) -> SourceInfo:
        return self._puppets.info

    def __iter__(self) -> Iterator[Frame]:
        for frame, truth in self._puppets.pairs():
            self._underway[frame.seq] = frame.pixels, truth
            yield frame

    def close(self) -> None:
        self._puppets.close()


class _Critic:
    """A Sink that hands every frame on and keeps none."""

    def __init__(self, take: Callable[[Frame], None]) -> None:
        self._take = take

    def write(self, frame: Frame) -> None:
        self._take(frame)

    def commit(self) -> None: ...

    def abort(self) -> None: ...
