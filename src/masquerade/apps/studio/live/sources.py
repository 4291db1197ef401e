"""The source that a client asks for, opened."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, assert_never

from masquerade.apps.studio.live.messages import (
    BrowserSource,
    CameraSource,
    PuppetSource,
    SourceWish,
    StreamSource,
    UploadSource,
)
from masquerade.core.lifetimes import Closing
from masquerade.media.limits import MediaLimits
from masquerade.media.live.microphone import Microphone
from masquerade.media.live.mirrored import MirroredSource
from masquerade.media.live.open import open_live_source
from masquerade.media.live.options import SourceOptions
from masquerade.media.live.pushed import LIMITS, PushedSource

if TYPE_CHECKING:
    from pathlib import Path

    from masquerade.apps.studio.access.streams import StreamRules
    from masquerade.apps.studio.live.host_devices import HostDevices
    from masquerade.apps.studio.uploads import Uploads
    from masquerade.core.protocols import Source
    from masquerade.media.sound import Sound

__all__ = ["OpenSource", "SourceOpener"]

_PUPPET_WH = (640, 480)


@dataclass(frozen=True, slots=True)
class OpenSource(Closing):
    """A source, with what belongs to it.

    Attributes:
        view: what the session reads; mirrors.
        pushed: where the client's pictures go; None for sources of the host.
        sound: what is heard; None without.
        files: that are being read, and so must not be written.
        held: closed with it.
    """

    view: MirroredSource
    pushed: PushedSource | None
    sound: Sound | None
    files: tuple[Path, ...]
    held: ExitStack

    def close(self) -> None:
        """Close everything; may be called twice."""
        self.view.close()
        self.held.close()


class SourceOpener:
    """Opens sources for one client, as far as that client may have them.

    Args:
        devices: the host's.
        uploads: of the studio.
        streams: which addresses may be opened.
        remote: whether the client is on another machine.
    """

    def __init__(
        self, devices: HostDevices, uploads: Uploads, streams: StreamRules, *, remote: bool
    ) -> None:
        self._devices, self._uploads, self._streams = devices, uploads, streams
        self._remote = remote

    def open(self, wish: SourceWish, *, mirror: bool) -> OpenSource:
        """Open a source; this may take seconds.

        Raises:
            ConsentError: the client may not use the host's devices.
            AddressError: a stream that nobody allowed, or that cannot be received.
            InputError: a camera or an upload is gone or cannot be used.
        """
        with ExitStack() as held:
            source, files = self._source(wish)
            held.callback(source.close)
            view = MirroredSource(source, mirror=mirror)
            sound: Sound | None = view.sound
            if isinstance(wish, CameraSource) and wish.microphone is not None:
                spec = self._devices.spec("microphone", wish.microphone)
                origin_s: Callable[[], float | None] = lambda: view.origin_s  # noqa: E731
                sound = held.enter_context(Microphone(spec, origin_s))
            pushed = source if isinstance(source, PushedSource) else None
            return OpenSource(view, pushed, sound, files, held.pop_all())

    def _source(self, wish: SourceWish) -> tuple[Source, tuple[Path, ...]]:
        limits = MediaLimits(max_pixels=LIMITS.max_pixels)
        match wish:
            case BrowserSource():
                rate = Fraction(wish.rate).limit_denominator(1001)
                size_wh = (wish.width, wish.height)
                return PushedSource(size_wh, rate, wish.codec, sound=wish.sound), ()
            case CameraSource():
                spec = self._devices.spec("camera", wish.id)
                return open_live_source(spec, SourceOptions(limits=limits)), ()
            case UploadSource():
                upload = self._uploads.find(wish.id)
                options = SourceOptions(loop=wish.loop, limits=limits)
                with upload.spoken_of():
                    return open_live_source(str(upload.path), options), (upload.path,)
            case StreamSource():
                self._streams.check(wish.address, remote=self._remote)
                return open_live_source(wish.address, SourceOptions(limits=limits)), ()
            case PuppetSource():
                options = SourceOptions(size_wh=_PUPPET_WH)
                return open_live_source("puppet", options), ()
            case _:
                assert_never(wish)
