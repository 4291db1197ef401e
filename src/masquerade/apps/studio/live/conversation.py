"""What is said on one WebSocket, from its opening to its end. Nothing here waits for a stream.

Four tasks share a conversation: one listens, one does what takes time (in the room's own thread,
one thing after the other), one sends, one tells of the state twice a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocketDisconnect, WebSocketState

from masquerade.apps.studio.live import messages as said
from masquerade.apps.studio.live.binary import Media, unpack
from masquerade.apps.studio.live.errands import Errands, run_errand
from masquerade.apps.studio.live.room import Room
from masquerade.apps.studio.live.state import state_of
from masquerade.apps.studio.problems import code_of, detail_of
from masquerade.core.errors import InputError, MasqueradeError

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from masquerade.apps.studio.live.room_tools import RoomTools
    from masquerade.apps.studio.live.rooms import Rooms

__all__ = ["Conversation"]

PROTOCOL_ERROR, TOO_MANY_SESSIONS, FINE = 4400, 4429, 1000
_STATE_S = 0.5
_SLOWEST_SEND_S = 20.0
_LAST_WORDS_S = 2.0
_IDLE_S = 60.0
_KEY_AGAIN_S = 0.5
_MOST_REASON = 120
_MOST_MISTAKES = 10
_GONE = (WebSocketDisconnect, RuntimeError, OSError)


class Conversation:
    """One client's live session.

    Args:
        socket: accepted.
        rooms: of the studio.
        tools: what this client's room is made with.
        idle_s: how long a client may send neither a start nor pictures.
    """

    def __init__(
        self, socket: WebSocket, rooms: Rooms, tools: RoomTools, idle_s: float = _IDLE_S
    ) -> None:
        self._socket, self._rooms, self._tools, self._idle_s = socket, rooms, tools, idle_s
        self._room: Room | None = None
        self._thread = ThreadPoolExecutor(1, "masquerade-room")
        self._errands = Errands()
        self._tasks: list[asyncio.Task[None]] = []
        self._ended = asyncio.get_running_loop().create_future()
        self._asked_key_s = 0.0
        self._problem: dict[str, Any] = {}
        self._mistakes = 0

    async def run(self) -> None:
        """Talk until either side ends it; every thread of the session has ended then."""
        listening = asyncio.create_task(self._listen(), name="studio-listen")
        try:
            await asyncio.wait((listening, self._ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            listening.cancel()
            await asyncio.shield(self._finish())

    def end(self, code: int, reason: str) -> None:
        """End the conversation, once; further ends change nothing."""
        if not self._ended.done():
            self._ended.set_result((code, reason))

    # What comes in

    async def _listen(self) -> None:
        while not self._ended.done():
            try:
                async with asyncio.timeout(self._idle_s if self._room is None else None):
                    message = await self._socket.receive()
            except TimeoutError:
                self.end(FINE, "idle")
                return
            if message["type"] == "websocket.disconnect":
                self.end(FINE, "left")
                return
            try:
                self._understand(message.get("text"), message.get("bytes"))
            except InputError as error:
                self._mistake(error)

    def _understand(self, text: str | None, data: bytes | None) -> None:
        if text is not None:
            self._hear(said.parse_message(text))
        elif data:
            self._take(unpack(data))
        else:
            raise InputError("A message is empty; see docs/studio-api.md.")

    def _mistake(self, error: InputError) -> None:
        """Tell of a message that makes no sense; a stream does not end by the first of them."""
        self._mistakes += 1
        last = self._room is None or self._mistakes >= _MOST_MISTAKES
        self._tell(error, fatal=last, code="protocol")
        if last:
            self.end(PROTOCOL_ERROR, "protocol error")

    def _hear(self, message: Any) -> None:
        room = self._room
        if isinstance(message, said.Start):
            self._begin(message)
        elif room is None:
            raise InputError("The first message must be `start`; see docs/studio-api.md.")
        elif isinstance(message, said.Got):
            room.outbox.saw(message.seq)
        elif isinstance(message, said.Stop):
            self.end(FINE, "stopped")
        else:
            self._errands.put(message)

    def _begin(self, wish: said.Start) -> None:
        if self._room is not None:
            raise InputError("The session has started already; open another connection.")
        room = Room(wish, self._tools, asyncio.get_running_loop())
        self._room = room
        self._tasks.append(asyncio.create_task(self._send(room), name="studio-send"))
        if not self._rooms.admit(room):
            detail = (
                f"All {self._rooms.limit} live sessions of this studio are taken; end one, or try "
                "again later."
            )
            room.outbox.say("problem", code="too_many_sessions", detail=detail, fatal=True)
            self.end(TOO_MANY_SESSIONS, detail)
            return
        self._tasks.append(asyncio.create_task(self._obey(room), name="studio-obey"))

    def _take(self, media: Media) -> None:
        pushed = None if self._room is None else self._room.pushed
        if pushed is None:
            return  # the session is about to start, or has a source of its own
        if media.kind == "sound":
            pushed.push_sound(media.data, media.stamp_ms)
            return
        assert self._room is not None
        if self._room.webrtc.is_given_up:
            self._errands.put(said.HangUp(type="hang_up"))
        if pushed.codec == "frames":
            return  # it was on its way when WebRTC took over
        if media.codec != pushed.codec:
            raise InputError(f"Pictures are to come as {pushed.codec}; see docs/studio-api.md.")
        pushed.push(media.data, media.number, media.stamp_ms, key=media.key)
        now_s = time.monotonic()
        if pushed.needs_key and not media.key and now_s - self._asked_key_s > _KEY_AGAIN_S:
            self._asked_key_s = now_s
            self._room.outbox.say("key_frame")

    # What is done

    async def _obey(self, room: Room) -> None:
        try:
            started = await self._in_thread(room.open)
        except MasqueradeError as error:
            self._tell(error, fatal=True)
            self.end(FINE, "failed")
            return
        room.outbox.say("started", **started)
        self._tasks.append(asyncio.create_task(self._tick(room), name="studio-tick"))
        while True:
            errand = await self._errands.next()
            try:
                await run_errand(room, errand, self._in_thread)
            except MasqueradeError as error:
                self._tell(error, fatal=False)

    async def _tick(self, room: Room) -> None:
        while not room.session.wait(0):
            pushed = room.pushed
            if pushed is not None and pushed.silent_s() > self._idle_s and not room.session.paused:
                self.end(FINE, "idle")
                return
            room.outbox.say("state", **await asyncio.to_thread(state_of, room))
            await asyncio.sleep(_STATE_S)
        self.end(FINE, "source_ended")

    async def _in_thread(self, work: Any, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    # What goes out

    async def _send(self, room: Room) -> None:
        while (found := await room.outbox.next()) is not None:
            words, media = found
            try:
                async with asyncio.timeout(_SLOWEST_SEND_S):
                    if words is not None:
                        await self._socket.send_text(words)
                    for message in media:
                        await self._socket.send_bytes(message)
            except TimeoutError:
                self.end(FINE, "too slow")
                return
            except _GONE:  # the client has gone meanwhile
                self.end(FINE, "left")
                return

    def _tell(self, error: MasqueradeError, *, fatal: bool, code: str | None = None) -> None:
        problem = {"code": code or code_of(error), "detail": detail_of(error), "fatal": fatal}
        if self._room is None:
            self._problem = problem
        else:
            self._room.outbox.say("problem", **problem)

    # The end

    async def _finish(self) -> None:
        code, reason = self._ended.result() if self._ended.done() else (FINE, "left")
        for task in self._tasks[1:]:
            task.cancel()
        if self._room is not None:
            await self._leave(self._room, reason)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._thread.shutdown(wait=False)
        if self._socket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(*_GONE):
                if self._problem:
                    await self._socket.send_json({"type": "problem", **self._problem})
                await self._socket.close(code, reason[:_MOST_REASON])

    async def _leave(self, room: Room, reason: str) -> None:
        await room.webrtc.hang_up()
        error, recording = await self._in_thread(room.close)
        self._rooms.leave(room)
        if error is not None:
            self._tell(error, fatal=True)
        if recording is not None:
            room.outbox.say("recording", on=False, id=recording.id, bytes=recording.bytes)
        room.outbox.say("ended", reason=reason)
        room.outbox.close()
        await asyncio.wait(self._tasks[:1], timeout=_LAST_WORDS_S)
