"""The content check: targets that look sexual are refused."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

import numpy as np

from masquerade.core.errors import ContentError
from masquerade.core.frame import Failure
from masquerade.core.frame_clock import FrameClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from masquerade.core.frame import FrameJob
    from masquerade.core.settings import Settings

__all__ = ["STRICT_THRESHOLD", "ContentCheck", "ScoresContent", "Veil"]

STRICT_THRESHOLD = 0.5
"""The highest threshold where somebody who looks under 18 takes part."""
_EVERY_S, _EVERY_CUT_S = 1.0, 0.2
_LIVE_HITS = 3
"""Checks in a row that end a live stream; pictures are hidden from the first one on."""
_GREY = 48


class ScoresContent(Protocol):
    """What the check needs of a network; ``ContentNetwork`` fits."""

    def score(self, crop_bgr: NDArray[np.uint8]) -> float:
        """0..1 for uint8 (224, 224, 3) BGR."""
        ...


class ContentCheck:
    """Looks at a stream's first frame, then once a second and at every cut.

    A score from the threshold on is confirmed by the mirrored picture: their mean decides, so that
    chance alone refuses nothing. A file is refused at once. A live stream is hidden at once, since
    a check may err, and ended when three checks in a row agree; after its first frame it is looked
    at in a thread of its own, so that no frame waits.

    Attributes:
        highest: the highest score of the stream so far; None before the first.

    Args:
        network: scores a picture.
        crop: cuts out of a frame what the network sees.
        settings: ``content_check`` and ``content_threshold`` are read.
        live: whether the stream is live.
    """

    name = "content"

    def __init__(
        self,
        network: ScoresContent,
        crop: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
        settings: Settings,
        *,
        live: bool = False,
    ) -> None:
        self._network, self._crop, self._live = network, crop, live
        self._settings, self._insists = settings, False
        self._clock = FrameClock()
        self._thread: threading.Thread | None = None
        self._forget()

    def configure(self, settings: Settings) -> None:
        """Check by other settings from the next frame on."""
        self._settings = settings

    def insist(self) -> None:
        """Check whatever the settings say, and strictly: somebody looks under 18."""
        self._insists = True

    def reset(self) -> None:
        """Forget the stream, the refusal of it too."""
        if self._thread is not None:
            self._thread.join()
        self._forget()

    def _forget(self) -> None:
        self._clock.reset()
        self._checked_s: float | None = None
        self._scene = -1
        self._thread = None
        self._hits = 0
        self._error: Exception | None = None
        self.highest: float | None = None

    @property
    def checks(self) -> bool:
        """Whether it checks, by the settings or since somebody looks under 18."""
        return self._settings.content_check or self._insists

    @property
    def threshold(self) -> float:
        """The score from which a picture is refused."""
        given = self._settings.content_threshold
        return min(given, STRICT_THRESHOLD) if self._insists else given

    def process(self, job: FrameJob) -> FrameJob:
        """Check the frame if it is due.

        Raises:
            ContentError: the stream is refused.
            ModelError: the network is missing, or failed.
        """
        now_s = self._clock.tick(job.frame)
        if not self.checks:
            self._hits = 0
            return job
        if self._is_due(now_s, job.scene):
            self._check(job.frame.pixels, aside=self._live and self._checked_s is not None)
            self._checked_s, self._scene = now_s, job.scene
        self._settle(job)
        return job

    def _is_due(self, now_s: float, scene: int) -> bool:
        if self._thread is not None and self._thread.is_alive():
            return False
        if self._checked_s is None:
            return True
        wait_s = _EVERY_S if scene == self._scene else _EVERY_CUT_S
        return now_s - self._checked_s >= wait_s - 1e-6

    def _check(self, pixels: NDArray[np.uint8], *, aside: bool) -> None:
        crop = self._crop(pixels)
        if not aside:
            self._judge(crop)
            return
        self._thread = threading.Thread(
            target=self._judge, args=(crop,), name="masquerade-content", daemon=True
        )
        self._thread.start()

    def _judge(self, crop: NDArray[np.uint8]) -> None:
        try:
            self._hits = self._hits + 1 if self._is_hit(crop) else 0
        except Exception as error:  # noqa: BLE001 - raised in the stage's own thread
            self._error = error

    def _is_hit(self, crop: NDArray[np.uint8]) -> bool:
        score = self._network.score(crop)
        if score >= self.threshold:
            mirrored = self._network.score(np.ascontiguousarray(crop[:, ::-1]))
            score = (score + mirrored) / 2
        self.highest = max(score, self.highest or 0.0)
        return score >= self.threshold

    def _settle(self, job: FrameJob) -> None:
        """Raise, hide or let pass, by what the checks have said so far."""
        if self._error is not None:
            error, self._error = self._error, None
            self._checked_s = None
            raise error
        if self._hits >= (_LIVE_HITS if self._live else 1):
            raise ContentError(
                "The content check finds this picture likely to be sexual, so no face is swapped "
                "into it; choose another one, or see docs/trust.md if it is mistaken."
            )
        if self._hits:
            job.failures.append(Failure(self.name, "hidden by the content check"))


class Veil:
    """Shows flat grey in place of frames that the content check hides, whatever else is set."""

    name = "veil"

    def process(self, job: FrameJob) -> FrameJob:
        """Draw over the job's output where the check asks for it."""
        if any(failure.stage == ContentCheck.name for failure in job.failures):
            job.writable_output()[:] = _GREY
        return job

    def reset(self) -> None:
        """There is nothing to forget."""
