"""Outputs beside the page that are switched on and off while a session runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from masquerade.apps.studio.live.files import LiveFile, LiveFiles
from masquerade.core.errors import OutputError, SettingsError, StreamError
from masquerade.media.image import Picture, write_image
from masquerade.media.live_sinks.open import open_live_sink
from masquerade.media.live_sinks.options import SinkOptions
from masquerade.media.live_sinks.recording import RecordingSink

if TYPE_CHECKING:
    from pathlib import Path

    from masquerade.apps.studio.access.streams import StreamRules
    from masquerade.apps.studio.live.host_devices import HostDevices
    from masquerade.apps.studio.live.messages import SwitchSink
    from masquerade.core.disclosure import Disclosure
    from masquerade.core.frame import Frame
    from masquerade.core.protocols import Sink, SourceInfo
    from masquerade.engine.live import LiveSession
    from masquerade.media.sound import Sound

__all__ = ["Switchboard"]

RECORDING = "recording"
_STREAMS = ("rtmp://", "rtmps://", "rtsp://")
_PRESET = "ultrafast"  # the cores are the swap's


class Switchboard:
    """The outputs of one session beside its page.

    Args:
        session: that runs.
        info: of its source.
        sound: of its source; None without.
        files: where recordings and snapshots go.
        disclosure: the statement of origin for one more output.
        devices: what the client may use of the host.
        streams: which addresses may be sent to.
        remote: whether the client is on another machine.
        inputs: files that are being read.
    """

    def __init__(
        self,
        session: LiveSession,
        info: SourceInfo,
        sound: Sound | None,
        files: LiveFiles,
        disclosure: Callable[[], Disclosure],
        devices: HostDevices,
        streams: StreamRules,
        *,
        remote: bool,
        inputs: tuple[Path, ...] = (),
    ) -> None:
        self._session, self._info, self._sound = session, info, sound
        self._files, self._disclosure = files, disclosure
        self._devices, self._streams, self._remote = devices, streams, remote
        self._inputs = inputs
        self._recording: LiveFile | None = None

    def switch_on(self, wish: SwitchSink) -> None:
        """Open an output; this may take seconds.

        Raises:
            ConsentError: the client may not use the host's outputs.
            AddressError: a stream that nobody allowed.
            SettingsError: no address, or the output is on already.
            OutputError: it cannot be opened.
        """
        options = SinkOptions(
            sound=self._sound if wish.sound else None,
            disclosure=self._disclosure(),
            preset=_PRESET,
            inputs=self._inputs,
        )
        if wish.id == RECORDING:
            self._record(options)
        else:
            self._session.add_sink(wish.id, self._open(wish, options))

    def switch_off(self, wish: SwitchSink) -> LiveFile | None:
        """Finish an output; the file that it has made, if any.

        Raises:
            SettingsError: it is not on.
            OutputError: it had failed. What a recording holds until then can be fetched.
        """
        try:
            self._session.remove_sink(wish.id)
        finally:
            made = self.collect() if wish.id == RECORDING else None
        return made

    def collect(self) -> LiveFile | None:
        """Let the client fetch a recording that has ended."""
        made, self._recording = self._recording, None
        if made is None or not made.bytes:
            return None
        self._files.add(made)
        return made

    def keep(self, frame: Frame) -> LiveFile:
        """Write a finished frame as a PNG.

        Raises:
            OutputError: the disk is full, or there are too many files.
        """
        made = self._files.place(f"masquerade-{_now()}.png", "image/png")
        write_image(made.path, Picture(frame.pixels), frame.pixels, self._disclosure())
        self._files.add(made)
        return made

    def _open(self, wish: SwitchSink, options: SinkOptions) -> Sink:
        self._devices.require()
        if wish.id == "virtual-camera":
            return open_live_sink("virtual-camera", self._info, options)
        if wish.address is None:
            raise SettingsError("A stream needs an address; give one such as rtmp://host/live/key.")
        if not wish.address.lower().startswith(_STREAMS):
            raise StreamError(f"Streams are sent to {' or '.join(_STREAMS)} here; give such one.")
        self._streams.check(wish.address, remote=self._remote)
        return open_live_sink(wish.address, self._info, options)

    def _record(self, options: SinkOptions) -> None:
        if self._recording is not None:
            raise SettingsError("It is being recorded already; stop that recording first.")
        made = self._files.place(f"masquerade-{_now()}.mp4", "video/mp4")
        try:
            self._session.add_sink(RECORDING, RecordingSink(made.path, self._info, options))
        except OutputError:
            made.path.unlink(missing_ok=True)
            raise
        self._recording = made


def _now() -> str:
    return f"{datetime.now():%Y-%m-%d-%H%M%S}"
