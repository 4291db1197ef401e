"""A microphone, on the clock of the pictures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import av
import av.error

from masquerade.core.lifetimes import Closing
from masquerade.media.live.device_input import DeviceInput, microphone_input
from masquerade.media.live.reader import Attempt, Reader
from masquerade.media.live.receiver import find_sound
from masquerade.media.sound import Sound

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.container import InputContainer

__all__ = ["Microphone"]


class Microphone(Sound, Closing):
    """The sound of a microphone; one that is unplugged is awaited, and silence fills the gap.

    It is read in a thread called ``masquerade-microphone``.

    Args:
        name: index, name or part of a name, or ``default``; or the input itself.
        origin_s: gives the moment of the pictures' second 0, seconds of ``time.perf_counter``,
            and None before the first picture (``CaptureSource.origin_s``).
        open_s: how long opening may take.
        stall_s: without sound for so long it is opened anew.

    Raises:
        DeviceError: there is no such microphone, it is in use, refused, or gives nothing.
    """

    def __init__(
        self,
        name: str | DeviceInput,
        origin_s: Callable[[], float | None],
        *,
        open_s: float = 10.0,
        stall_s: float = 5.0,
    ) -> None:
        super().__init__()
        self._origin_s = origin_s
        self._source = name if isinstance(name, DeviceInput) else microphone_input(name)
        self._reader = Reader(
            self._source,
            self._receive,
            thread="masquerade-microphone",
            open_s=open_s,
            stall_s=stall_s,
        )
        self._reader.start()

    @property
    def status(self) -> str:
        """What it is waiting for; empty while sound comes."""
        return self._reader.status

    def close(self) -> None:
        """Stop listening; may be called twice and from any thread."""
        self._reader.close()

    def _receive(self, container: InputContainer, _attempt: Attempt) -> bool:
        stream = find_sound(container)
        if stream is None:
            raise self._source.without_picture("no sound that is known here")
        for packet in self._reader.packets(container, [stream]):
            try:
                frames: list[Any] = packet.decode()
            except av.error.InvalidDataError:
                continue
            for frame in frames:
                if isinstance(frame, av.AudioFrame):
                    self._hear(frame)
        return False

    def _hear(self, frame: av.AudioFrame) -> None:
        # What has just come began as long ago as it lasts.
        begun_s = time.perf_counter() - frame.samples / frame.sample_rate
        self._reader.arrived()
        origin_s = self._origin_s()
        if origin_s is not None:
            self.feed(frame, begun_s - origin_s)
