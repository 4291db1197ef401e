"""A session whose pictures go by WebRTC; words, and where faces are, still go by the WebSocket."""

from __future__ import annotations

import importlib.util
import time
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import RuntimeSetupError

if TYPE_CHECKING:
    from masquerade.apps.studio.live.errands import InThread
    from masquerade.apps.studio.live.messages import Candidate
    from masquerade.apps.studio.live.room import Room
    from masquerade.media.webrtc import WebRtcPeer

__all__ = ["WEBRTC", "WebRtcLink"]

WEBRTC = "webrtc"
"""The output by which a session sends pictures to its client's peer."""

_SILENT_S = 1.0


class WebRtcLink:
    """The peer of one room. For the loop's thread.

    Args:
        room: whose.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._peer: WebRtcPeer | None = None
        self._heard_s = 0.0

    @property
    def is_given_up(self) -> bool:
        """Whether there is a peer that says nothing: its client has gone back to the WebSocket."""
        return self._peer is not None and time.monotonic() - self._heard_s > _SILENT_S

    async def take_offer(self, sdp: str, in_thread: InThread) -> str:
        """Exchange pictures by WebRTC from now on; what is to be answered.

        Raises:
            RuntimeSetupError: aiortc is missing.
            InputError: the offer makes no sense.
        """
        if importlib.util.find_spec("aiortc") is None:
            raise RuntimeSetupError(
                "WebRTC needs a package that is missing; install it with "
                "`pip install masquerade[webrtc]`, or go on by WebSocket."
            )
        from masquerade.media.webrtc import WebRtcPeer

        await self.close(in_thread)
        peer = WebRtcPeer(self._room.size_wh, self._take, self._lost)
        answer = await peer.answer(sdp)
        self._peer, self._heard_s = peer, time.monotonic()
        await in_thread(self._room.session.add_sink, WEBRTC, peer.sink)
        self._room.send_pictures(by_socket=False)
        return answer

    async def take_candidate(self, message: Candidate) -> None:
        """Learn of an address of the client. Raises InputError."""
        if self._peer is not None and message.candidate:
            await self._peer.add_candidate(message.candidate, message.mid, message.line)

    async def close(self, in_thread: InThread) -> None:
        """Let the peer go, and send pictures by WebSocket again; may be called twice."""
        peer, self._peer = self._peer, None
        if peer is not None:
            self._room.take_pictures_by_socket()
            self._room.send_pictures(by_socket=True)
            await peer.close()
            await in_thread(self._room.session.remove_sink, WEBRTC)

    async def hang_up(self) -> None:
        """Let the peer go at the end of the session."""
        peer, self._peer = self._peer, None
        if peer is not None:
            await peer.close()

    def _take(self, frame: Any, stamp_ms: float) -> None:
        pushed = self._room.pushed
        if pushed is None:
            return
        if pushed.codec != "frames":
            pushed.switch("frames")
        self._heard_s = time.monotonic()
        pushed.push(frame, 0, stamp_ms)

    def _lost(self) -> None:
        self._heard_s = -_SILENT_S
        self._room.send_pictures(by_socket=True)
        self._room.outbox.say(
            "problem",
            code=WEBRTC,
            detail="The WebRTC connection is lost; offer another, or go on by WebSocket.",
            fatal=False,
        )
