"""What ``--sink`` takes, and the sink for it."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.core.errors import SettingsError, StreamError
from masquerade.media.image_write import unknown_extension
from masquerade.media.live_sinks.address import STREAM_SCHEMES
from masquerade.media.live_sinks.hls import HlsSink
from masquerade.media.live_sinks.mjpeg import MjpegSink
from masquerade.media.live_sinks.null import NullSink
from masquerade.media.live_sinks.recording import RECORDING_EXTENSIONS, RecordingSink
from masquerade.media.live_sinks.stream import StreamSink
from masquerade.media.live_sinks.virtual_camera import VirtualCameraSink

if TYPE_CHECKING:
    from masquerade.core.protocols import Sink, SourceInfo
    from masquerade.media.live_sinks.options import SinkOptions

__all__ = ["SINK_FORMS", "open_live_sink"]

SINK_FORMS = (
    "window", "virtual-camera", "virtual-camera:DEVICE", "null", "FILE.mp4 (.mov, .mkv, .webm)",
    "FILE.m3u8", *(f"{scheme}://HOST:PORT" for scheme in (*STREAM_SCHEMES, "http")),
)  # fmt: skip
"""Every form of sink, as help texts show them; the window is opened by the program itself."""

_WORDS = ("window", "virtual-camera", "null")
_FILES = (*RECORDING_EXTENSIONS, ".m3u8")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def open_live_sink(spec: str, info: SourceInfo, options: SinkOptions) -> Sink:
    """The sink that ``spec`` asks for.

    Args:
        spec: one of SINK_FORMS but ``window``, which is no business of this room.
        info: of the source: size and rate.
        options: sound, encoder and the like.

    Raises:
        SettingsError: no sink is called so; what there is is listed, the nearest one first.
        OutputError: it cannot be opened: the file exists, nobody listens, there is no virtual
            camera.
    """
    scheme = _SCHEME.match(spec)
    if scheme:
        return _open_address(scheme[1].lower(), spec, info, options)
    if spec == "null":
        return NullSink()
    word, colon, device = spec.partition(":")
    if word == "virtual-camera" and (device or not colon):
        return VirtualCameraSink(device or None, info, options)
    path = Path(spec)
    suffix = path.suffix.lower()
    if suffix == ".m3u8":
        return HlsSink(path, info, options)
    if suffix in RECORDING_EXTENSIONS:
        return RecordingSink(path, info, options)
    if suffix and word not in _WORDS:
        raise unknown_extension(path, _FILES)
    raise _unknown(spec)


def _open_address(scheme: str, spec: str, info: SourceInfo, options: SinkOptions) -> Sink:
    if scheme in STREAM_SCHEMES:
        return StreamSink(spec, info, options)
    if scheme == "http":
        return MjpegSink(spec, options)
    if scheme == "srt":
        raise StreamError("SRT is not built in here; send by rtmp://, rtsp:// or udp:// instead.")
    if scheme == "https":
        raise StreamError(
            "The page is served without encryption; write http://HOST:PORT, and put a web server "
            "with a certificate in front of it."
        )
    near = difflib.get_close_matches(scheme, (*STREAM_SCHEMES, "http"), 1, 0.5)
    raise SettingsError(f"A stream cannot be sent by {scheme}://{_listed(near, '://')}")


def _unknown(spec: str) -> SettingsError:
    shown = spec if len(spec) <= 60 else f"{spec[:57]}..."
    near = difflib.get_close_matches(spec.partition(":")[0].lower(), _WORDS, 1, 0.5)
    return SettingsError(f"There is no sink {shown!r}{_listed(near)}")


def _listed(near: list[str], behind: str = "") -> str:
    meant = f" (did you mean {near[0]}{behind}?)" if near else ""
    return f"{meant}; --sink takes {', '.join(SINK_FORMS)}."
