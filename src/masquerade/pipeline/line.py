"""The production line: stages in groups, and what happens when one of them fails.

Failures ride on the job. A stage that raises costs its frame, never the film and never anybody's
privacy:

- a stage in ``per_face`` (it draws) leaves a failure for each selected face; the line goes on,
  and the stage that composites conceals those faces;
- any other stage leaves a failure of the whole frame; the stages after it are skipped and the
  whole picture is concealed before ``finish``;
- a stage in ``finish`` (the label) must not fail: a frame without it may not leave.

A late frame (``job.late``) is not worked on any more and is concealed as a whole too. What a
frame says is to change (``job.changes``) is changed before it is worked on.

Errors of the project's own tree other than ModelError would meet every later frame as well, so
they end the work, and so does a stage that fails on many frames in a row.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from masquerade.core.errors import MasqueradeError, ModelError
from masquerade.core.frame import Failure

if TYPE_CHECKING:
    from masquerade.core.frame import FrameJob
    from masquerade.core.protocols import Stage

__all__ = ["Line", "Section"]

Clock = Callable[[], float]


class Section(Protocol):
    """A part of the line that one thread runs, frame after frame."""

    @property
    def name(self) -> str:
        """The stages in it, joined by ``+``."""
        ...

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Those that work now, in order."""
        ...

    def advance(self, job: FrameJob) -> None:
        """Take the job through; raises only what must end the work."""
        ...

    def reset(self) -> None:
        """Start a new stream."""
        ...


class Line:
    """All sections, in order: one per group of stages and one that finishes.

    Args:
        groups: stages that share a thread, in order.
        finish: stages that run on every frame, concealed ones too (the label).
        concealment: draws what a lost frame shows; runs before ``finish``, on every frame.
        per_face: names of the stages whose failure concerns the selected faces only.
        give_up_after: failures in a row after which a stage's error ends the work; None never.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[Stage]],
        *,
        finish: Sequence[Stage] = (),
        concealment: Stage,
        per_face: frozenset[str] = frozenset({"swap", "draw"}),
        give_up_after: int | None = 30,
        clock: Clock = time.perf_counter,
    ) -> None:
        guarded = [_Guarded(group, per_face, give_up_after, clock) for group in groups]
        self.sections: tuple[Section, ...] = (*guarded, _Finish((concealment, *finish), clock))

    def with_sections(self, sections: Sequence[Section]) -> Line:
        """A line of these sections, such as some of this one's and others."""
        line = copy.copy(self)
        line.sections = tuple(sections)
        return line

    def process(self, job: FrameJob) -> FrameJob:
        """Take one job through all sections in this thread."""
        for section in self.sections:
            section.advance(job)
        return job

    def gauges(self) -> dict[str, float]:
        """Counters of the stages that have any; see the stage's own ``gauges``."""
        found: dict[str, float] = {}
        for section in self.sections:
            for stage in section.stages:
                read = getattr(stage, "gauges", None)
                found |= read() if read is not None else {}
        return found

    @property
    def holds(self) -> int:
        """How many frames are in stages' hands beside those that their threads work on."""
        stages = (stage for section in self.sections for stage in section.stages)
        return sum(getattr(stage, "holds", 0) for stage in stages)

    def reset(self) -> None:
        """Start a new stream: every stage forgets the last one."""
        for section in self.sections:
            section.reset()


class _Guarded:
    """A group of stages whose exceptions become failures on the job."""

    def __init__(
        self,
        stages: Sequence[Stage],
        per_face: frozenset[str],
        give_up_after: int | None,
        clock: Clock,
    ) -> None:
        self._stages = tuple(stages)
        self._per_face = per_face
        self._give_up_after = give_up_after
        self._clock = clock
        self._failed_in_a_row = 0

    @property
    def name(self) -> str:
        return "+".join(stage.name for stage in self._stages)

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self._stages

    def advance(self, job: FrameJob) -> None:
        self._stages = _changed(self._stages, job)
        failed = False
        for stage in self._stages:
            if job.lost:
                break
            started_s = self._clock()
            try:
                stage.process(job)
            except Exception as error:  # noqa: BLE001 - the one place where failures are resolved
                failed = True
                self._resolve(stage.name, error, job)
            job.timings_ms[stage.name] = (self._clock() - started_s) * 1000
        if not failed:
            self._failed_in_a_row = 0

    def reset(self) -> None:
        self._failed_in_a_row = 0
        for stage in self._stages:
            stage.reset()

    def _resolve(self, stage_name: str, error: Exception, job: FrameJob) -> None:
        if isinstance(error, MasqueradeError) and not isinstance(error, ModelError):
            raise error
        self._failed_in_a_row += 1
        reason = f"{type(error).__name__}: {error}"
        if self._give_up_after is not None and self._failed_in_a_row >= self._give_up_after:
            raise _hopeless(stage_name, reason, self._failed_in_a_row) from error
        if stage_name in self._per_face:
            job.failures += [
                Failure(stage_name, reason, face.track_id) for face in job.faces if face.selected
            ]
        else:
            job.failures.append(Failure(stage_name, reason))


class _Finish:
    """The last section: what no frame may go without, beginning with concealment."""

    def __init__(self, stages: Sequence[Stage], clock: Clock) -> None:
        self._stages = tuple(stages)
        self._clock = clock

    @property
    def name(self) -> str:
        return "+".join(stage.name for stage in self._stages)

    @property
    def stages(self) -> tuple[Stage, ...]:
        return self._stages

    def advance(self, job: FrameJob) -> None:
        self._stages = _changed(self._stages, job)
        for stage in self._stages:
            started_s = self._clock()
            stage.process(job)
            job.timings_ms[stage.name] = (self._clock() - started_s) * 1000

    def reset(self) -> None:
        for stage in self._stages:
            stage.reset()


def _changed(stages: tuple[Stage, ...], job: FrameJob) -> tuple[Stage, ...]:
    """The stages that work from this frame on."""
    for change in job.changes:
        stages = tuple(
            change.stages[stage.name](stage) if stage.name in change.stages else stage
            for stage in stages
        )
    return stages


def _hopeless(stage_name: str, reason: str, times: int) -> MasqueradeError:
    frames = "a frame" if times == 1 else f"{times} frames in a row"
    return MasqueradeError(
        f"The step {stage_name!r} failed on {frames} ({reason}); "
        "please report this with the version that `masquerade --version` prints."
    )
