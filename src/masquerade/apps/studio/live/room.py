"""One live session: the engine, its source and its outputs, from the start to the end."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from masquerade.apps.settings_file import checked_changes
from masquerade.apps.studio.ids import new_id
from masquerade.apps.studio.live.by_webrtc import WEBRTC, WebRtcLink
from masquerade.apps.studio.live.casting import Casting
from masquerade.apps.studio.live.messages import BrowserSource
from masquerade.apps.studio.live.switchboard import Switchboard
from masquerade.core.errors import MasqueradeError, SettingsError
from masquerade.core.settings import Settings
from masquerade.engine.engine import Engine
from masquerade.engine.live import LiveSession
from masquerade.engine.live_options import LiveOptions
from masquerade.engine.origin import state_origin
from masquerade.media.live_sinks.parcels import Parcel, ParcelCoding, ParcelSink
from masquerade.trust.consent import guardians_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from masquerade.apps.studio.live.files import LiveFile
    from masquerade.apps.studio.live.messages import OutputWish, Start, SwitchSink
    from masquerade.apps.studio.live.room_tools import RoomTools
    from masquerade.apps.studio.live.sources import OpenSource
    from masquerade.core.disclosure import Disclosure
    from masquerade.core.protocols import SourceInfo
    from masquerade.media.live.pushed import PushedSource

from masquerade.apps.studio.live.outbox import Outbox

__all__ = ["PAGE", "Room"]

PAGE = "page"
"""The output that the client itself sees."""

LIKE_OTHERS = "others"
"""Instead of a donor: the face is like all others again."""

_DRAIN_S = 2.0
_USUAL_RATE = Fraction(30)


class Room:
    """A session. What takes time is done in the thread that calls: one and the same for all.

    Args:
        wish: what the client asks for.
        tools: see :class:`RoomTools`.
        loop: of the task that sends to the client.

    Attributes:
        id: of the session.
        outbox: what waits to be sent.
        session: the running stream, from :meth:`open` on.
        source: from the moment on when it is open, which is before the stream runs.
    """

    def __init__(self, wish: Start, tools: RoomTools, loop: asyncio.AbstractEventLoop) -> None:
        self.id = new_id()
        self._wish, self._tools = wish, tools
        self._casting: Casting | None = None
        self._output = coding_of(wish.output)
        self._preset: str = wish.preset
        self._by_socket = True
        self._held = ExitStack()
        self._closing = threading.Lock()
        self.outbox = Outbox(loop, self._stamp_ms, lambda: self.casting.ids)
        self.source: OpenSource | None = None
        self.webrtc = WebRtcLink(self)

    # The session's life

    def open(self) -> dict[str, Any]:
        """Start the stream; what the client is told of it.

        Raises:
            MasqueradeError: it cannot start; nothing is left behind.
        """
        with ExitStack() as kept:
            info = self._open(kept)
            self._held = kept.pop_all()
        return {
            "session": self.id,
            "width": info.size_wh[0],
            "height": info.size_wh[1],
            "rate": float(info.rate or _USUAL_RATE),
            "codec": self._output.codec,
            "sinks": self.sinks(),
            **self.in_force(),
        }

    def _open(self, kept: ExitStack) -> SourceInfo:
        wish, tools = self._wish, self._tools
        settings = Settings().replace(**checked_changes(wish.settings))
        casting = self._casting = Casting.of(wish.donor, {}, tools.find_donor)
        source = kept.enter_context(tools.opener.open(wish.source, mirror=wish.mirror))
        self.source = source
        guardian = guardians_of(casting.consents, wish.guardian)
        engine = self._engine = kept.enter_context(
            Engine(casting.identities, settings, guardian=guardian)
        )
        info = source.view.info
        self.sink = ParcelSink(self.outbox, self._output, info.rate or _USUAL_RATE)
        options = LiveOptions(preset=wish.preset, paced=False, drain_s=_DRAIN_S)
        session = LiveSession(engine, source.view, {PAGE: self.sink}, options)
        self.session = kept.enter_context(session)
        self.switchboard = Switchboard(
            session,
            info,
            source.sound,
            tools.files,
            self._disclosure,
            tools.devices,
            tools.streams,
            remote=tools.remote,
            inputs=source.files,
        )
        return info

    def close(self) -> tuple[MasqueradeError | None, LiveFile | None]:
        """End the stream and finish its outputs. May be called twice.

        Returns:
            What went wrong, and the recording that was still running.
        """
        with self._closing:
            held, self._held = self._held, ExitStack()
            failure: MasqueradeError | None = None
            try:
                held.close()
            except MasqueradeError as error:
                failure = error
            switchboard: Switchboard | None = getattr(self, "switchboard", None)
            try:
                return failure, None if switchboard is None else switchboard.collect()
            except MasqueradeError as error:
                return failure or error, None

    # While it runs

    @property
    def casting(self) -> Casting:
        """Who is drawn."""
        assert self._casting is not None
        return self._casting

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the pictures."""
        assert self.source is not None
        return self.source.view.info.size_wh

    @property
    def pushed(self) -> PushedSource | None:
        """Where the client's own pictures go; None for sources of the host."""
        return None if self.source is None else self.source.pushed

    def in_force(self) -> dict[str, Any]:
        """What the stream works by now, as clients are told."""
        settings = self._engine.settings
        names = settings.__dataclass_fields__
        return {
            "settings": {name: _plain(getattr(settings, name)) for name in names},
            "donors": list(self.casting.ids),
            "map": {str(track): donor for track, donor in self.casting.faces.items()},
            "preset": self._preset,
            "paused": self.session.paused,
            "mirror": self.source is not None and self.source.view.mirror,
            "output": {
                "codec": self._output.codec,
                "quality": self._output.quality,
                "width": self._output.width,
                "original": self._output.original,
            },
        }

    def change_settings(self, changes: Mapping[str, Any]) -> None:
        """Swap otherwise. Raises SettingsError, RuntimeSetupError; nothing is changed then."""
        self.session.change_settings(**checked_changes(changes))

    def change_donor(self, donor: str) -> None:
        """Draw another identity: no picture of the old one is sent after this returns.

        Raises:
            MissingInputError: there is none; nothing is changed.
        """
        self._cast(Casting.of(donor, self.casting.faces, self._tools.find_donor))

    def map_faces(self, faces: Mapping[str, str | None]) -> None:
        """Give faces donors of their own, or with "others" take them back; as
        :meth:`change_donor`.
        """
        given = {int(track): donor for track, donor in faces.items()}
        others = {t: donor for t, donor in self.casting.faces.items() if t not in given}
        together = {**others, **given}  # the latest decision last
        merged = {track: donor for track, donor in together.items() if donor != LIKE_OTHERS}
        if len(merged) > 64:
            raise SettingsError("More than 64 faces have donors of their own; start anew.")
        self._cast(Casting.of(self.casting.main, merged, self._tools.find_donor))

    def _cast(self, casting: Casting) -> None:
        self.session.change_donor(dict(casting.identities), by_hand=casting.faces)
        self._casting = casting

    def change_output(self, wish: OutputWish) -> None:
        """Send pictures otherwise. Raises SettingsError."""
        self._output = coding_of(wish)
        self.send_pictures(by_socket=self._by_socket)

    def send_pictures(self, *, by_socket: bool) -> None:
        """Send pictures by the WebSocket, or there only where the faces are."""
        self._by_socket = by_socket
        silent = replace(self._output, codec="none", original=False)
        self.sink.change(self._output if by_socket else silent)

    def take_pictures_by_socket(self) -> None:
        """Take pictures as they were announced at the start, after WebRTC."""
        pushed, source = self.pushed, self._wish.source
        if pushed is not None and isinstance(source, BrowserSource):
            pushed.switch(source.codec)

    def change_preset(self, name: str) -> None:
        """Let the governor work by another preset."""
        self.session.change_preset(name)
        self._preset = name

    def mirror(self, *, on: bool) -> None:
        """Let left and right change places, or not."""
        if self.source is not None:
            self.source.view.mirror = on

    def pause(self, *, on: bool) -> None:
        """Stand still, or go on."""
        (self.session.pause if on else self.session.resume)()

    def switch(self, wish: SwitchSink) -> LiveFile | None:
        """Switch an output on or off; the file that it has made, if any."""
        if wish.on:
            self.switchboard.switch_on(wish)
            return None
        return self.switchboard.switch_off(wish)

    def snapshot(self) -> LiveFile:
        """Keep the newest finished picture.

        Raises:
            SettingsError: there is none yet.
            OutputError: it cannot be written.
        """
        frame = self.sink.newest
        if frame is None:
            raise SettingsError("There is no finished picture yet; try again in a moment.")
        return self.switchboard.keep(frame)

    def sinks(self) -> list[dict[str, Any]]:
        """The outputs beside the page, as clients are told."""
        return [
            {
                "id": state.name,
                "frames": state.frames,
                "dropped": state.dropped,
                "status": state.status,
                "error": state.error,
            }
            for state in self.session.statistics().sinks
            if state.name not in (PAGE, WEBRTC)
        ]

    def _disclosure(self) -> Disclosure:
        return state_origin(self._engine, consents=self.casting.consents, live=True)

    def _stamp_ms(self, parcel: Parcel) -> float:
        pushed, frame = self.pushed, parcel.frame
        ticket = None if pushed is None else pushed.ticket(frame.seq)
        return 1000 * (frame.captured_s or 0.0) if ticket is None else ticket.stamp_ms


def coding_of(wish: OutputWish) -> ParcelCoding:
    """How pictures are encoded, as a client wishes it."""
    return ParcelCoding(
        codec=wish.codec, quality=wish.quality, width=wish.width, original=wish.original
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
