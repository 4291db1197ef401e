"""The faces of a stream that are carried, and the key frames that are made for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from masquerade.stages.carry.carrier import Carrier
from masquerade.stages.carry.key_frame import KeyFrame
from masquerade.stages.carry.look import Look
from masquerade.stages.carry.refresh import Need, Refresh
from masquerade.stages.carry.request import Outcome, Request
from masquerade.stages.carry.worker import KeyFrameWorker

if TYPE_CHECKING:
    from masquerade.core.face import Face
    from masquerade.core.frame import FrameJob
    from masquerade.stages.identity import Identity

__all__ = ["CarriedFace", "Carriers"]

_FORGET_FRAMES = 300
"""Frames after which a face that is not there any more is forgotten."""


@dataclass(slots=True)
class CarriedFace:
    """What is known of one track.

    Attributes:
        identity: whom it wears.
        carrier: draws it.
        fresh: the key frame that has come and is not taken yet.
        look: how the face looked in its newest key frame; None asks for a new one.
        error: why the last key frame could not be made.
        seen: number of the last frame that showed it.
    """

    identity: Identity
    carrier: Carrier = field(default_factory=Carrier)
    fresh: KeyFrame | None = None
    look: Look | None = None
    error: Exception | None = None
    seen: int = 0

    def take_fresh(self) -> None:
        """Begin to fade over to the key frame that has come."""
        if self.fresh is not None:
            self.carrier.take(self.fresh)
            self.fresh = None


class Carriers:
    """Keeps a carrier for each track, and has key frames made for the neediest.

    Args:
        worker: makes key frames; closed by the caller.
        refresh: says who is due.
        batches: whether so many faces of a frame are quicker made together.

    Attributes:
        refreshes: key frames taken so far.
        failures: key frames that could not be made so far.
    """

    def __init__(
        self, worker: KeyFrameWorker, refresh: Refresh, batches: Callable[[int], bool]
    ) -> None:
        self._worker, self._refresh, self._batches = worker, refresh, batches
        self._faces: dict[int, CarriedFace] = {}
        self._epoch = 0
        self._frames = 0
        self.refreshes = self.failures = 0

    def face(self, track_id: int, identity: Identity) -> CarriedFace:
        """What is known of a track; nothing where it wore another face until now."""
        found = self._faces.get(track_id)
        if found is None or found.identity is not identity:
            found = self._faces[track_id] = CarriedFace(identity)
            self._refresh.succeeded(track_id)
        found.seen = self._frames
        return found

    def advance(self) -> None:
        """Begin the next frame: take in what the worker has finished, forget who has left."""
        self._frames += 1
        for outcome in self._worker.collect():
            self._settle(outcome)
        self._faces = {
            track_id: face
            for track_id, face in self._faces.items()
            if self._frames - face.seen < _FORGET_FRAMES
        }

    def ask(
        self, job: FrameJob, faces: Mapping[int, tuple[Face, str]], now_s: float, *, wait: bool
    ) -> None:
        """Have key frames made of the faces that are due.

        Args:
            job: the frame.
            faces: by track number, each face that is to be drawn and its donor; known already
                through :meth:`face`.
            now_s: the stream's time.
            wait: wait for all that are due; else the neediest one is asked for, or all where they
                are quicker together, and the key frames come in a later frame.
        """
        looks = _looks(job, faces)
        needs = {track_id: self._need(track_id, look, now_s) for track_id, look in looks.items()}
        due = self._refresh.due(needs, now_s)
        requests = [self._request(job, *faces[n], looks[n], now_s) for n in due]
        crowd = len(requests) > 1 and self._batches(len(requests))
        if wait:
            for outcome in self._worker.make_now(requests, together=crowd) if requests else ():
                self._settle(outcome, waited=True)
            return
        self._worker.drop_waiting()
        if requests:
            self._worker.ask(requests if crowd else requests[:1])

    def requests(
        self, job: FrameJob, faces: Mapping[int, tuple[Face, str]], now_s: float
    ) -> list[Request]:
        """Requests for all faces of a frame; what becomes of them is for :meth:`take_in`."""
        self._worker.drop_waiting()
        looks = _looks(job, faces)
        return [self._request(job, *faces[n], looks[n], now_s) for n in faces]

    def take_in(self, outcome: Outcome) -> None:
        """Take note of what somebody else than the worker has made of a request."""
        self._settle(outcome, waited=True)

    def age_s(self, now_s: float) -> float:
        """Age of the oldest key frame that is shown now."""
        keys = [face.carrier.key for face in self._faces.values() if face.seen == self._frames]
        return max((now_s - key.seconds for key in keys if key is not None), default=0.0)

    def renew(self) -> None:
        """Every face needs a new key frame; the old ones are carried until it is there."""
        self._epoch += 1
        for face in self._faces.values():
            face.look = None

    def forget(self) -> None:
        """Drop all carriers, and whatever is still being made: another scene or stream."""
        self._epoch += 1
        self._faces.clear()
        self._refresh.forget()
        self._worker.drop_waiting()

    def _need(self, track_id: int, look: Look, now_s: float) -> Need:
        face = self._faces[track_id]
        own = [r for r in self._worker.under_way if r.track_id == track_id and self._wanted(r)]
        if own:
            newest = max(own, key=lambda request: request.seq)
            age_frames = self._frames - newest.seq
            return Need(look, newest.look, now_s - newest.seconds, age_frames)
        key = face.fresh or face.carrier.key
        if key is None or face.look is None:
            return Need(look)
        return Need(look, face.look, now_s - key.seconds, self._frames - key.seq)

    def _request(self, job: FrameJob, face: Face, donor: str, look: Look, now_s: float) -> Request:
        assert face.landmarks is not None
        return Request(
            pixels=job.frame.pixels,
            landmarks=face.landmarks,
            kps=face.kps if face.seen_kps is None else face.seen_kps,
            track_id=face.track_id,
            donor=donor,
            identity=self._faces[face.track_id].identity,
            look=look,
            seq=self._frames,
            seconds=now_s,
            epoch=self._epoch,
        )

    def _wanted(self, request: Request) -> bool:
        """Whether what was asked for is still to be drawn."""
        face = self._faces.get(request.track_id)
        current = request.epoch == self._epoch
        return current and face is not None and face.identity is request.identity

    def _settle(self, outcome: Outcome, *, waited: bool = False) -> None:
        request = outcome.request
        if not self._wanted(request):
            return
        face = self._faces[request.track_id]
        known = face.fresh or face.carrier.key
        if known is not None and known.seq > request.seq:
            return  # another thread was quicker with a newer one
        face.error = outcome.error
        if outcome.finished is None:
            self.failures += 1
            if not waited:
                self._refresh.failed(request.track_id, request.seconds)
            return
        self.refreshes += 1
        self._refresh.succeeded(request.track_id)
        face.look = request.look
        face.fresh = KeyFrame(
            outcome.finished,
            request.landmarks,
            request.seq,
            request.seconds,
            request.donor,
            request.track_id,
        )


def _looks(job: FrameJob, faces: Mapping[int, tuple[Face, str]]) -> dict[int, Look]:
    """How the faces look now."""
    found = {}
    for track_id, (face, _) in faces.items():
        assert face.landmarks is not None
        found[track_id] = Look.of(job.frame.pixels, face.landmarks)
    return found
