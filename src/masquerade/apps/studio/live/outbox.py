"""What waits to be sent to a client: words in order, and of pictures the newest alone."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from masquerade.apps.studio.live.binary import pack

if TYPE_CHECKING:
    from masquerade.core.face_fact import FaceFact
    from masquerade.media.live_sinks.parcels import Parcel

__all__ = ["Outbox"]

_MOST_UNSEEN = 2
_FORGET_UNSEEN_S = 1.0  # a client that never says what it has drawn gets one picture a second
_MOST_WORDS = 256


class Outbox:
    """Takes pictures from the threads of a stream and words from anywhere; one task sends them.

    At most two pictures are on their way that the client has not drawn, and one waits. Words
    come before the picture that waits: what is said after a change is said before anything that
    was made after it.

    Args:
        loop: of the task that sends.
        stamp_ms: by a frame's number, what its sender calls the moment of its capture.
        donors: names of the donors in the order by which the client knows them.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        stamp_ms: Callable[[Parcel], float],
        donors: Callable[[], tuple[str, ...]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loop, self._stamp_ms, self._donors, self._clock = loop, stamp_ms, donors, clock
        self._lock = threading.Lock()
        self._news = asyncio.Event()
        self._words: deque[str] = deque(maxlen=_MOST_WORDS)
        self._parcel: Parcel | None = None
        self._unseen: deque[int] = deque(maxlen=_MOST_UNSEEN)
        self._sent_s = 0.0
        self._closed = False

    # From the stream's threads

    def has_room(self) -> bool:
        """Whether a picture could be sent now."""
        with self._lock:
            if self._closed or self._parcel is not None:
                return False
            if len(self._unseen) < _MOST_UNSEEN:
                return True
            return self._clock() - self._sent_s > _FORGET_UNSEEN_S

    def send(self, parcel: Parcel) -> None:
        """Take a picture; it takes the place of one that still waits."""
        with self._lock:
            self._parcel = parcel
        self._tell()

    def take_back(self, seq: int) -> bool:
        """Forget a picture up to that frame which is not on its way; whether there was one."""
        with self._lock:
            old = self._parcel is not None and self._parcel.frame.seq <= seq
            if old:
                self._parcel = None
            return old

    # From anywhere

    def say(self, kind: str, **fields: Any) -> None:
        """Send words; where the client takes none for long, the oldest are forgotten."""
        with self._lock:
            self._words.append(json.dumps({"type": kind, **fields}, allow_nan=False))
        self._tell()

    def saw(self, seq: int) -> None:
        """The client has drawn this picture, and with it all before."""
        with self._lock:
            while self._unseen and _is_up_to(self._unseen[0], seq):
                self._unseen.popleft()

    def close(self) -> None:
        """Send what was said so far, and nothing more."""
        with self._lock:
            self._closed, self._parcel = True, None
        self._tell()

    # The task that sends

    async def next(self) -> tuple[str | None, list[bytes]] | None:
        """What is to be sent next, words or the messages of one picture; None at the end."""
        while True:
            await self._news.wait()
            with self._lock:
                if self._words:
                    return self._words.popleft(), []
                parcel, self._parcel = self._parcel, None
                if parcel is not None:
                    self._unseen.append(parcel.frame.seq & 0xFFFFFFFF)
                    self._sent_s = self._clock()
                    return None, self._packed(parcel)
                if self._closed:
                    return None
                self._news.clear()

    def _packed(self, parcel: Parcel) -> list[bytes]:
        frame, stamp_ms = parcel.frame, self._stamp_ms(parcel)
        shared: dict[str, Any] = {
            "number": frame.seq, "stamp_ms": stamp_ms, "size_wh": parcel.size_wh,
        }  # fmt: skip
        picture = pack(
            "picture",
            parcel.codec,
            parcel.data,
            key=parcel.key,
            faces=_scaled(frame.faces, frame.size_wh, parcel.size_wh),
            donors=self._donors(),
            **shared,
        )
        if parcel.original is None:
            return [picture]
        return [pack("original", "jpeg", parcel.original, **shared), picture]

    def _tell(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:
            return  # the loop has ended, and with it everybody who could be told


def _is_up_to(number: int, seq: int) -> bool:
    """Whether ``number`` is ``seq`` or came before it; both are counted round at 2 ** 32."""
    return (seq - number) & 0xFFFFFFFF < 0x80000000


def _scaled(
    faces: tuple[FaceFact, ...], from_wh: tuple[int, int], to_wh: tuple[int, int]
) -> tuple[FaceFact, ...]:
    if from_wh == to_wh:
        return faces
    x, y = to_wh[0] / from_wh[0], to_wh[1] / from_wh[1]

    def moved(face: FaceFact) -> FaceFact:
        x0, y0, x1, y1 = face.box
        return replace(face, box=(round(x * x0), round(y * y0), round(x * x1), round(y * y1)))

    return tuple(map(moved, faces))
