"""What was done, in numbers."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from masquerade.core.frame import FrameJob
    from masquerade.pipeline.meter import Meter

__all__ = ["Report", "Tally"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of one picture or one video.

    Attributes:
        frames: frames written.
        faces_swapped: faces drawn, counted anew in every frame.
        frames_without_face: frames on which nobody was found.
        faces_concealed: faces that were to be swapped but were held or blurred instead.
        faces_passed: faces that were to be swapped but were shown as they are, as ``pass`` asks.
        frames_concealed: whole frames that were held or blurred since a step failed on them.
        seconds: time the work took.
        fps: frames per second.
        timings_ms: median time of each step, milliseconds, by the engine's stage clock.
        encoder: name of the video encoder, None for pictures.
        advice: how a better donor photo would look, the weightiest first.
        warnings: what went wrong without stopping the work, and what had to be lowered for it.
        models: brought networks that took part, each with precision and provider; none where the
            built-in ones did all.
        strategy: what was chosen by the free memory, in words; empty for pictures.
    """

    frames: int
    faces_swapped: int
    frames_without_face: int
    faces_concealed: int
    frames_concealed: int
    seconds: float
    fps: float
    timings_ms: dict[str, float]
    faces_passed: int = 0
    encoder: str | None = None
    advice: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    strategy: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dicts, ready for JSON; times with 3 decimals."""
        values = dataclasses.asdict(self)
        return values | {
            "seconds": round(self.seconds, 3),
            "fps": round(self.fps, 3),
            "timings_ms": {name: round(value, 3) for name, value in self.timings_ms.items()},
            "advice": list(self.advice),
            "warnings": list(self.warnings),
            "models": list(self.models),
        }


class Tally:
    """Counts what happened to the faces of the jobs that it is shown.

    Args:
        passes: whether faces that cannot be swapped are shown as they are.
    """

    def __init__(self, passes: Callable[[], bool] = bool) -> None:
        self._passes = passes
        self.frames = 0
        self.faces_found = 0
        self.faces_selected = 0
        self._swapped = self._concealed = self._passed = 0
        self._frames_without_face = self._frames_concealed = 0
        self._failures: Counter[str] = Counter()

    def add(self, job: FrameJob) -> None:
        """Take one finished job into account."""
        lost = any(failure.track_id is None for failure in job.failures)
        selected = {face.track_id for face in job.faces if face.selected}
        drawn = set() if lost else selected & {patch.track_id for patch in job.patches}
        self.frames += 1
        self.faces_found += len(job.faces)
        self.faces_selected += len(selected)
        self._swapped += len(drawn)
        if self._passes():
            self._passed += len(selected - drawn)
        else:
            self._concealed += len(selected - drawn)
            self._frames_concealed += lost
        self._frames_without_face += not job.faces and not lost
        self._failures.update(f"{item.stage}: {item.reason}" for item in job.failures)

    def absorb(self, counts: Mapping[str, int]) -> None:
        """Add what was counted elsewhere, as :meth:`counts` says it."""
        self.frames += counts["frames"]
        self.faces_selected += counts["faces_swapped"] + counts["faces_concealed"]
        self.faces_selected += counts["faces_passed"]
        self._swapped += counts["faces_swapped"]
        self._concealed += counts["faces_concealed"]
        self._passed += counts["faces_passed"]
        self._frames_without_face += counts["frames_without_face"]
        self._frames_concealed += counts["frames_concealed"]

    def counts(self) -> dict[str, int]:
        """Frames and faces so far."""
        return {
            "frames": self.frames,
            "faces_swapped": self._swapped,
            "faces_concealed": self._concealed,
            "faces_passed": self._passed,
            "frames_without_face": self._frames_without_face,
            "frames_concealed": self._frames_concealed,
        }

    def report(
        self,
        meter: Meter,
        *,
        encoder: str | None = None,
        advice: tuple[str, ...] = (),
        warnings: tuple[str, ...] = (),
        models: tuple[str, ...] = (),
        strategy: str = "",
    ) -> Report:
        """The outcome, with the meter's times."""
        failed = [
            f"{reason} ({times} times)." if times > 1 else f"{reason}."
            for reason, times in self._failures.most_common(8)
        ]
        return Report(
            frames=meter.frames,
            faces_swapped=self._swapped,
            frames_without_face=self._frames_without_face,
            faces_concealed=self._concealed,
            faces_passed=self._passed,
            frames_concealed=self._frames_concealed,
            seconds=meter.seconds,
            fps=meter.fps,
            timings_ms={name: item.median_ms for name, item in meter.stage_times().items()},
            encoder=encoder,
            advice=advice,
            warnings=(*warnings, *failed),
            models=models,
            strategy=strategy,
        )
