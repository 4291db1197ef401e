"""What a client asks of a running session, done one thing after the other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from masquerade.apps.studio.live import messages as said
from masquerade.core.errors import InputError

if TYPE_CHECKING:
    from masquerade.apps.studio.live.room import Room

__all__ = ["Errands", "run_errand"]

_MOST = 64

InThread = Callable[..., Awaitable[Any]]
"""Runs a function in the room's own thread."""


class Errands:
    """What waits to be done. Changes of settings that wait one after the other become one."""

    def __init__(self) -> None:
        self._waiting: deque[Any] = deque()
        self._news = asyncio.Event()

    def put(self, message: Any) -> None:
        """Take a message.

        Raises:
            InputError: too many wait.
        """
        last = self._waiting[-1] if self._waiting else None
        if isinstance(message, said.ChangeSettings) and isinstance(last, said.ChangeSettings):
            merged = {**last.changes, **message.changes}
            self._waiting[-1] = said.ChangeSettings(type="settings", changes=merged)
            return
        if isinstance(message, said.HangUp) and isinstance(last, said.HangUp):
            return
        if len(self._waiting) >= _MOST:
            raise InputError("Too many messages wait to be worked on; wait for the answers.")
        self._waiting.append(message)
        self._news.set()

    async def next(self) -> Any:
        """The message that has waited longest, once there is one."""
        while not self._waiting:
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()


async def run_errand(room: Room, errand: Any, in_thread: InThread) -> None:
    """Do what one message asks for, and tell the client of it.

    Args:
        room: whose.
        errand: a message of the client.
        in_thread: for what takes time.

    Raises:
        MasqueradeError: it cannot be done; the stream goes on as it was.
    """
    match errand:
        case said.ChangeSettings():
            await in_thread(room.change_settings, errand.changes)
        case said.ChangeDonor():
            await in_thread(room.change_donor, errand.donor)
        case said.MapFaces():
            await in_thread(room.map_faces, errand.faces)
        case said.ChangeOutput():
            room.change_output(errand)
        case said.ChangePreset():
            await in_thread(room.change_preset, errand.name)
        case said.ChangeMirror():
            room.mirror(on=errand.on)
        case said.KeyFrame():
            room.sink.want_key()
            return
        case said.Pause():
            await in_thread(lambda: room.pause(on=errand.on))
        case said.Offer():
            room.outbox.say("answer", sdp=await room.webrtc.take_offer(errand.sdp, in_thread))
            return
        case said.HangUp():
            await room.webrtc.close(in_thread)
        case said.Candidate():
            await room.webrtc.take_candidate(errand)
            return
        case said.Snapshot():
            made = await in_thread(room.snapshot)
            room.outbox.say("snapshot", id=made.id, bytes=made.bytes)
            return
        case said.SwitchSink():
            await _switch(room, errand, in_thread)
            return
    room.outbox.say("changed", **room.in_force())


async def _switch(room: Room, wish: said.SwitchSink, in_thread: InThread) -> None:
    try:
        made = await in_thread(room.switch, wish)
        if wish.id == "recording":
            room.outbox.say(
                "recording",
                on=wish.on,
                id=None if made is None else made.id,
                bytes=0 if made is None else made.bytes,
            )
    finally:
        room.outbox.say("sinks", sinks=room.sinks())
