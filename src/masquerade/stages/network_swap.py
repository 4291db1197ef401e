"""Draws each selected face's donor by brought networks, as often as they can keep up."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from masquerade.core.frame import Failure, FrameJob
from masquerade.core.frame_clock import FrameClock
from masquerade.core.lifetimes import Closing
from masquerade.stages.carry.ahead import Ahead
from masquerade.stages.carry.carriers import CarriedFace, Carriers
from masquerade.stages.carry.drawing import CarriedDrawing
from masquerade.stages.carry.pace import Pace
from masquerade.stages.carry.refresh import Refresh
from masquerade.stages.carry.request import Outcome, Request
from masquerade.stages.carry.turnstile import Turnstile
from masquerade.stages.carry.worker import KeyFrameWorker
from masquerade.stages.crowd import each, together
from masquerade.stages.face_maker import FaceMaker, Made, WantedFace
from masquerade.stages.network_patch import to_patch
from masquerade.stages.swap import Swap

if TYPE_CHECKING:
    from masquerade.core.face import Face
    from masquerade.core.settings import Settings
    from masquerade.stages.carry.turnstile import Steps
    from masquerade.stages.identity import Identity
    from masquerade.stages.meshswap.renderer import Donor

__all__ = ["NetworkSwap"]


@dataclass(frozen=True, slots=True)
class _Prepared:
    donors: dict[str, Donor]


class NetworkSwap(Closing):
    """Brought networks as the stage that swaps.

    With ``settings.refresh`` at "every" all faces of each frame are drawn: they are begun here and
    finished by :class:`~masquerade.stages.awaited.Awaited`, a later stage, so that a device has the
    next frame's while the processor finishes the last one's. Else networks make key frames in
    threads of their own, one for each device that they run on, and the mesh carries them over the
    frames between. The faces of a frame are handed to the networks together. A live frame that is
    carried never waits: until a track's first key frame is there, the embedded swapper draws it.
    The frames of a file wait for the key frames that are due, so that every run gives the same
    pixels. "auto" draws every face of a file where networks have a device to themselves, and those
    of a stream for as long as that keeps up with it.

    Where the networks fail for all faces of a frame that waits for them, their error meets it like
    that of any stage; where they fail for some, those are carried on or reported. In a live stream
    the face is carried on; one that has no key frame yet is drawn by the embedded swapper or
    concealed.

    Args:
        identities: the donors by name; ``Face.donor`` is looked up here.
        settings: how to swap.
        maker: the networks; set by the same settings.
        bridge: the embedded swapper, of the same donors and settings.
        on_failure: what shows a face that has no key frame after its networks have failed.
        clock: seconds, monotonic.

    Attributes:
        resolution: share of the frame's resolution at which carried faces are drawn, above 0 to 1;
            may be set between two frames.
    """

    name = "swap"

    def __init__(
        self,
        identities: Mapping[str, Identity],
        settings: Settings,
        maker: FaceMaker,
        bridge: Swap,
        *,
        on_failure: Literal["bridge", "conceal"] = "bridge",
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._identities, self._settings = identities, settings
        self._maker, self._bridge = maker, bridge
        self._drawing = CarriedDrawing(self.name, bridge, on_failure)
        self._turnstile = Turnstile(clock)
        self._worker = KeyFrameWorker(self._make, clock, threads=maker.parallel)
        self._ahead = Ahead(self._make_in_turn, self._turnstile, maker.depth)
        self._pace = Pace()
        self._refresh = Refresh(settings.refresh)
        self._carriers = Carriers(self._worker, self._refresh, maker.batches)
        self._frame_clock = FrameClock()
        self._scene = -1
        self._wall_clock = clock
        self._gauged = (clock(), 0.0)
        self._age_s = 0.0

    @property
    def resolution(self) -> float:
        """Share of the frame's resolution at which carried faces are drawn."""
        return self._bridge.resolution

    @resolution.setter
    def resolution(self, value: float) -> None:
        self._bridge.resolution = value

    @property
    def networks_share(self) -> float:
        """Share of the time for which networks make key frames of a live stream, above 0 to 1."""
        return self._worker.share

    @networks_share.setter
    def networks_share(self, value: float) -> None:
        self._worker.share = value

    @property
    def enhances(self) -> bool:
        """Whether the enhancers run; may be set between two frames."""
        return self._maker.enhances

    @enhances.setter
    def enhances(self, value: bool) -> None:
        self._maker.enhances = value

    def prepare(self, identities: Mapping[str, Identity]) -> _Prepared:
        """What :meth:`configure` needs of new donors, worked out beforehand in another thread.

        Raises:
            ModelError: a donor has no portraits, or a network failed.
        """
        for identity in identities.values():
            self._maker.encode(identity)
        return _Prepared(Swap.prepare(identities))

    def configure(
        self,
        identities: Mapping[str, Identity],
        settings: Settings,
        prepared: _Prepared | None = None,
    ) -> None:
        """Draw these donors by these settings from the next frame on.

        Args:
            identities: the donors by name.
            settings: how to swap.
            prepared: what :meth:`prepare` made of them; else they are worked out when needed.
        """
        self._bridge.configure(identities, settings, prepared.donors if prepared else None)
        self._identities = identities
        if settings != self._settings:
            self._settings = settings
            self._refresh.configure(settings.refresh)
            self._turnstile.do(lambda: self._maker.configure(settings))
            self._carriers.renew()

    @property
    def holds(self) -> int:
        """How many frames are in the networks' hands at a time, beside those in a stage's."""
        return self._ahead.depth - 1 if self._pace.keeps_up or self._refresh.every_frame else 0

    def process(self, job: FrameJob) -> FrameJob:
        """Draw every selected face that has landmarks, or begin to.

        Raises:
            ModelError: the networks failed for all faces where the frame has waited for them.
        """
        now_s = self._frame_clock.tick(job.frame)
        if job.scene != self._scene:
            self._begin_scene(job.scene)
        self._carriers.advance()
        for outcome in self._ahead.collect():
            self._carriers.take_in(outcome)
        faces = self._drawable(job)
        carried = {
            track_id: self._carriers.face(track_id, self._identities[donor])
            for track_id, (_, donor) in faces.items()
        }
        if self._draws_all(job, carried.values()):
            self._begin(job, faces, now_s)
            return job
        wait = job.frame.captured_s is None
        self._carriers.ask(job, faces, now_s, wait=wait)
        if wait:
            _raise_if_all_failed([face.error for face in carried.values()])
        shown = {track_id: face for track_id, (face, _) in faces.items()}
        self._drawing.draw(job, shown, carried, now_s, waited=wait)
        self._age_s = self._carriers.age_s(now_s)
        return job

    def reset(self) -> None:
        """Forget the stream; what belongs to the identities is kept."""
        self._frame_clock.reset()
        self._bridge.reset()
        self._begin_scene(-1)

    def gauges(self) -> Mapping[str, float]:
        """Counters for statistics.

        ``refreshes`` and ``network_failures`` so far, ``refresh_age_s`` of the oldest key frame on
        the last frame, ``network_busy``: share of the time since the last call, 0..1.
        """
        (then_s, busy_then_s), now_s = self._gauged, self._wall_clock()
        busy_s = self._turnstile.busy_s
        self._gauged = (now_s, busy_s)
        return {
            "refreshes": self._carriers.refreshes,
            "network_failures": self._carriers.failures,
            "refresh_age_s": self._age_s,
            "network_busy": min(1.0, (busy_s - busy_then_s) / max(now_s - then_s, 1e-6)),
        }

    def close(self) -> None:
        """End the networks' threads; may be called twice."""
        self._worker.close()
        self._ahead.close()

    def _make(self, requests: Sequence[Request]) -> Sequence[Made]:
        """Runs in the worker's threads; the requests are of one frame."""
        with self._turnstile.take() as turn:
            return self._make_in_turn(requests, turn)

    def _make_in_turn(self, requests: Sequence[Request], steps: Steps) -> Sequence[Made]:
        wanted = each(self._wanted, requests)
        make = partial(self._maker.make_many, requests[0].pixels, steps=steps)
        return together(make, wanted)

    def _wanted(self, request: Request) -> WantedFace:
        code = self._maker.encode(request.identity)
        return WantedFace(request.landmarks, request.kps, code, request.track_id)

    def _begin_scene(self, scene: int) -> None:
        self._scene = scene
        self._carriers.forget()
        self._turnstile.do(self._maker.forget)

    def _drawable(self, job: FrameJob) -> dict[int, tuple[Face, str]]:
        """The faces to draw with their donors; those that are lost leave a failure."""
        faces: dict[int, tuple[Face, str]] = {}
        for face in job.faces:
            if not face.selected or face.refused:
                continue
            if face.landmarks is None or face.state == "lost":
                job.failures.append(Failure(self.name, "the face is lost", face.track_id))
                continue
            donor = face.donor if face.donor is not None else next(iter(self._identities))
            faces[face.track_id] = (face, donor)
        return faces

    def _draws_all(self, job: FrameJob, carried: Collection[CarriedFace]) -> bool:
        """Whether all faces of this frame are drawn by the networks."""
        if self._refresh.every_frame:
            return True
        if self._refresh.rule != "auto" or self._ahead.depth == 1:
            return False
        if job.frame.captured_s is None:
            return True
        keeps_up = self._pace.observe(job.frame, self._turnstile.pace_s)
        failing = any(face.error is not None for face in carried)
        return keeps_up and not failing and self.networks_share == 1.0

    def _begin(self, job: FrameJob, faces: Mapping[int, tuple[Face, str]], now_s: float) -> None:
        """Have all faces of the frame drawn; a later stage waits for them."""
        self._age_s = 0.0
        requests = self._carriers.requests(job, faces, now_s)
        if requests:
            together = self._ahead.depth == 1 or self._maker.batches(len(requests))
            drawn = self._ahead.begin(requests, together=together)
            job.drawing = partial(_finish, drawn, self.name, self._settings.blend)


def _finish(
    drawn: Callable[[], list[Outcome]],
    stage: str,
    blend: Literal["alpha", "poisson"],
    job: FrameJob,
) -> None:
    """Wait for the faces of a frame and put every finished crop into it.

    Raises:
        ModelError: the networks failed for all of them.
    """
    outcomes = drawn()
    _raise_if_all_failed([outcome.error for outcome in outcomes])
    for outcome in outcomes:
        track_id = outcome.request.track_id
        if outcome.finished is None:
            job.failures.append(Failure(stage, str(outcome.error), track_id))
            continue
        patch = to_patch(outcome.finished, job.frame.pixels, track_id, blend)
        if patch is not None:
            job.patches.append(patch)


def _raise_if_all_failed(errors: Sequence[Exception | None]) -> None:
    """Raise the first of them, unless one is None or there are none."""
    found = [error for error in errors if error is not None]
    if found and len(found) == len(errors):
        raise found[0]
