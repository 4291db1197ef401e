"""Targets that are media: pictures, animations, films, saved identities, servers of streams."""

from __future__ import annotations

import io
import itertools
import zipfile
from pathlib import Path

import av
import cv2
import numpy as np
from fuzz_target import FuzzTarget, scratch, scratch_file
from PIL import Image

from masquerade.core.errors import StreamError
from masquerade.core.face import Attributes
from masquerade.media.encoders import VideoOptions
from masquerade.media.image import read_image
from masquerade.media.limits import MediaLimits
from masquerade.media.live_sinks.address import Address
from masquerade.media.live_sinks.rtmp import RtmpPublisher
from masquerade.media.live_sinks.rtsp import RtspRecorder
from masquerade.media.open import open_sink, open_source, open_target
from masquerade.stages.identity import Identity
from masquerade.stages.identity_file import read_identity, write_identity
from masquerade.stages.portrait import PORTRAIT_PX, Portrait
from masquerade.stages.regions import ATLAS_PX, MESH_COUNT

_LIMITS = MediaLimits(max_pixels=300_000, max_animation_pixels=1_000_000)
_FRAMES = 6
_NOISE = np.random.default_rng(5).integers(0, 255, (12, 16, 3), np.uint8)

# Pictures and animations


def _picture(data: bytes) -> None:
    read_image(data, limits=_LIMITS)


def _pictures(forms: tuple[str, ...], **how: object) -> list[bytes]:
    seeds = []
    for form in forms:
        stream = io.BytesIO()
        Image.fromarray(_NOISE).save(stream, form, **how)
        seeds.append(stream.getvalue())
    return seeds


def _picture_seeds() -> list[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0xA002] = 16
    deep = [cv2.imencode(kind, _NOISE.astype(np.uint16) * 257)[1] for kind in (".png", ".tiff")]
    return [
        *_pictures(("PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF")),
        *_pictures(("JPEG",), exif=exif),
        *(data.tobytes() for data in deep),
    ]


def _animation(data: bytes) -> None:
    path = scratch_file("animation", data)
    if open_target(path, limits=_LIMITS) == "animation":
        with open_source(path, limits=_LIMITS) as source:
            for _ in itertools.islice(source, _FRAMES):
                pass


def _animation_seeds() -> list[bytes]:
    second = [Image.fromarray(255 - _NOISE)]
    how = {"save_all": True, "append_images": second, "duration": 40, "loop": 0}
    return _pictures(("GIF", "WEBP", "PNG"), **how)


# Films, read and written anew with what travels beside their pictures


def _film(data: bytes) -> None:
    path = scratch_file("film", data)
    if open_target(path, limits=_LIMITS) != "video":
        return
    with open_source(path, limits=_LIMITS) as source:
        if len(data) % 4:
            for _ in itertools.islice(source, _FRAMES):
                pass
            return
        options = VideoOptions(encoder="mpeg4", end_s=1.0)
        with open_sink(scratch() / "out.mkv", source, options, overwrite=True) as sink:
            for frame in itertools.islice(source, _FRAMES):
                sink.write(frame)


def _film_seeds() -> list[bytes]:
    return [
        _clip(name, codec, sound)
        for name, codec, sound in (
            ("a.mp4", "libx264", "aac"),
            ("a.mkv", "mpeg4", None),
            ("a.ts", "mpeg2video", None),
            ("a.avi", "mjpeg", None),
        )
    ]


def _clip(name: str, codec: str, sound: str | None) -> bytes:
    path = scratch() / name
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=25)
        video.width, video.height = 32, 32
        video.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        audio = out.add_stream(sound, rate=8000) if sound else None
        for _ in range(2):
            picture = cv2.resize(_NOISE, (32, 32))
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        out.mux(video.encode(None))
        if audio:
            tone = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            tone.rate = 8000
            out.mux(audio.encode(tone))
            out.mux(audio.encode(None))
    return path.read_bytes()


# Saved identities


def _mqid(data: bytes) -> None:
    """As it stands; or, behind a digit, as one entry of a file whose checksums are right."""
    kinds = {ord("0"): "header.json", ord("1"): "floats.bin", ord("2"): "portrait-00.png"}
    name = kinds.get(data[0]) if data else None
    if name is not None:
        entries = {**_entries(), name: data[1:]}
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for entry, content in entries.items():
                archive.writestr(entry, content)
        data = stream.getvalue()
    read_identity(scratch_file("anna.mqid", data))


_KNOWN_ENTRIES: dict[str, bytes] = {}


def _entries() -> dict[str, bytes]:
    if not _KNOWN_ENTRIES:
        with zipfile.ZipFile(_identity()) as archive:
            _KNOWN_ENTRIES.update({name: archive.read(name) for name in archive.namelist()})
    return _KNOWN_ENTRIES


def _identity() -> Path:
    path = scratch() / "known.mqid"
    identity = Identity(
        name="anna",
        mesh=np.zeros((MESH_COUNT, 3), np.float32),
        texture=np.zeros((ATLAS_PX, ATLAS_PX, 3), np.uint8),
        coverage=np.zeros((ATLAS_PX, ATLAS_PX), np.uint8),
        iris=np.zeros((10, 2), np.float32),
        teeth=0.5,
        attributes=Attributes(np.ones(1024, np.float32) / 32, 30.0, 0.5),
        photos=1,
        advice=("more light",),
        portraits=(
            Portrait(
                np.zeros((PORTRAIT_PX, PORTRAIT_PX, 3), np.uint8),
                np.array([[40, 50], [80, 50], [60, 70], [45, 90], [75, 90]], np.float32),
                1.0,
            ),
        ),
    )
    write_identity(identity, path)
    return path


def _mqid_seeds() -> list[bytes]:
    entries = _entries()
    return [
        _identity().read_bytes(),
        b"0" + entries["header.json"],
        b"1" + entries["floats.bin"],
        b"2" + entries["portrait-00.png"],
    ]


# Servers that streams are sent to


class _Answers:
    """A wire whose other end says what it was given, and then leaves."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def send(self, data: bytes) -> None:
        """Whatever is sent is taken."""

    def receive(self, count: int) -> bytes:
        found = self._data.read(count)
        if len(found) < count:
            raise StreamError("The server has left.")
        return found

    def receive_line(self) -> bytes:
        line = self._data.readline(8192)
        if not line:
            raise StreamError("The server has left.")
        return line.rstrip(b"\r\n")

    def waiting(self) -> bytes:
        return self._data.read(64)


def _rtmp(data: bytes) -> None:
    RtmpPublisher(_Answers(b"\x03" + bytes(2 * 1536) + data), Address.parse("rtmp://a/app/key"))


def _rtmp_seeds() -> list[bytes]:
    from masquerade.media.live_sinks.rtmp import _amf

    def answer(*values: object) -> bytes:
        body = b"".join(map(_amf, values))
        return b"\x03\0\0\0" + len(body).to_bytes(3) + b"\x14\0\0\0\0" + body

    started = {"level": "status", "code": "NetStream.Publish.Start"}
    return [
        answer("_result", 1.0, None, {"code": "ok"})
        + answer("_result", 4.0, None, 1.0)
        + answer("onStatus", 0.0, None, started)
    ]


def _rtsp(data: bytes) -> None:
    recorder = RtspRecorder(_Answers(data), Address.parse("rtsp://me:word@a/one"))
    recorder.record("v=0", 2)


def _rtsp_seeds() -> list[bytes]:
    fine = b"RTSP/1.0 200 OK\r\nSession: 1;timeout=60\r\nContent-Length: 2\r\n\r\nhi"
    asks = b'RTSP/1.0 401 No\r\nWWW-Authenticate: Digest realm="a", nonce="b"\r\n\r\n'
    return [fine * 4, asks + fine * 4]


MEDIA = (
    FuzzTarget("picture", _picture, _picture_seeds, 4096),
    FuzzTarget("animation", _animation, _animation_seeds, 4096),
    FuzzTarget("film", _film, _film_seeds, 16384, seconds=20),
    FuzzTarget("identity", _mqid, _mqid_seeds, 65536),
    FuzzTarget("rtmp", _rtmp, _rtmp_seeds, 4096),
    FuzzTarget("rtsp", _rtsp, _rtsp_seeds, 2048),
)
