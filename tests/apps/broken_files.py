"""A hundred broken files and more, of twenty kinds and more: each is one that somebody has."""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
from PIL import Image

__all__ = ["KINDS", "files_of"]

Bytes = dict[str, bytes]
"""Contents by the name of the file."""

_NOISE = np.random.default_rng(20).integers(0, 255, (48, 64, 3), np.uint8)


def _picture(form: str, **how: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(_NOISE).save(stream, form, **how)
    return stream.getvalue()


def _film(folder: Path, name: str, codec: str, pixels: str = "yuv420p") -> bytes:
    path = folder / name
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, pixels
        for _ in range(5):
            out.mux(video.encode(av.VideoFrame.from_ndarray(_NOISE, "bgr24")))
        out.mux(video.encode(None))
    return path.read_bytes()


def _cut(name: str, data: bytes, *parts: float) -> Bytes:
    stem, dot, suffix = name.rpartition(".")
    return {f"{stem}-{part}{dot}{suffix}": data[: int(len(data) * part)] for part in parts}


_PARTS = (0.02, 0.1, 0.2, 0.3, 0.5)


# Pictures


def cut_jpeg(_: Path) -> Bytes:
    return _cut("a.jpg", _picture("JPEG", quality=95), *_PARTS)


def cut_png(_: Path) -> Bytes:
    return _cut("a.png", _picture("PNG"), *_PARTS)


def cut_webp(_: Path) -> Bytes:
    return _cut("a.webp", _picture("WEBP", lossless=True), *_PARTS)


def cut_tiff(_: Path) -> Bytes:
    return _cut("a.tiff", _picture("TIFF", compression="tiff_lzw"), *_PARTS)


def cut_gif(_: Path) -> Bytes:
    return _cut("a.gif", _picture("GIF"), 0.001, 0.005, 0.01, 0.05, 0.1)


def cut_avif(_: Path) -> Bytes:
    return _cut("a.avif", _picture("AVIF"), *_PARTS)


def _png_of(width: int, height: int, *, bits: int = 8, color: int = 2, body: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", body or zlib.compress(b"\0" * 64))
        + chunk(b"IEND", b"")
    )


def picture_bombs(_: Path) -> Bytes:
    bmp = bytearray(_picture("BMP"))
    bmp[18:26] = struct.pack("<ii", 40_000, 40_000)
    gif = bytearray(_picture("GIF"))
    gif[6:10] = struct.pack("<HH", 65535, 65535)
    return {
        "wide.png": _png_of(2_000_000, 1000),
        "square.png": _png_of(30_000, 30_000),
        "largest.png": _png_of(2**31 - 1, 2**31 - 1),
        "bomb.bmp": bytes(bmp),
        "bomb.gif": bytes(gif),
    }


def lying_headers(_: Path) -> Bytes:
    jpeg = bytearray(_picture("JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = b"\0\0\0\0"
    return {
        "nothing.png": _png_of(0, 0),
        "depth.png": _png_of(64, 48, bits=7),
        "colour.png": _png_of(64, 48, color=9),
        "short.png": _png_of(64, 48),
        "nothing.jpg": bytes(jpeg),
    }


def damaged_data(_: Path) -> Bytes:
    png = bytearray(_picture("PNG"))
    middle = png.index(b"IDAT") + 40
    png[middle : middle + 200] = os.urandom(200)
    return {
        "sum.png": bytes(png),
        "garbage.png": _png_of(64, 48, body=b"no zlib at all"),
        "bytes.tiff": b"II*\0" + struct.pack("<I", 8) + os.urandom(200),
        "loop.tiff": b"II*\0" + struct.pack("<IHI", 8, 0, 8) + b"\0" * 40,
        "bytes.jpg": b"\xff\xd8\xff\xe0" + b"\0" * 400,
    }


# Films


def cut_mp4(folder: Path) -> Bytes:
    """Their index is at the end, so it is missing."""
    return _cut("a.mp4", _film(folder, "whole.mp4", "libx264"), 0.005, 0.05, 0.2, 0.5, 0.8)


def damaged_mp4(folder: Path) -> Bytes:
    data = _film(folder, "whole.mp4", "libx264")
    return {
        f"no-{box.decode()}.mp4": data.replace(box, b"xxxx")
        for box in (b"moov", b"trak", b"mdia", b"stsd", b"stbl")
    }


def cut_mkv(folder: Path) -> Bytes:
    return _cut("a.mkv", _film(folder, "whole.mkv", "mpeg4"), 0.001, 0.003, 0.006, 0.01, 0.02)


def damaged_avi(folder: Path) -> Bytes:
    data = _film(folder, "whole.avi", "mjpeg", "yuvj420p")
    broken = {f"no-{at}.avi": data[:at] + b"\xff" * 64 + data[at + 64 :] for at in (0, 100, 170)}
    return {**broken, "head.avi": data[:40], "list.avi": data[:200]}


def damaged_ts(folder: Path) -> Bytes:
    data = _film(folder, "whole.ts", "mpeg2video")
    zero = {f"zero-{n}.ts": b"\x47" + b"\0" * (188 * n - 1) for n in (1, 3)}
    return {
        **zero,
        "one.ts": data[:188],
        "two.ts": data[:376],
        "tables.ts": data[:564],
    }


def sound_alone(folder: Path) -> Bytes:
    made = {}
    for name, codec in (
        ("a.wav", "pcm_s16le"),
        ("a.m4a", "aac"),
        ("a.mp3", "libmp3lame"),
        ("a.flac", "flac"),
        ("a.mka", "pcm_s16le"),
    ):
        with av.open(str(folder / name), "w") as out:
            sound = out.add_stream(codec, rate=48000)
            tone = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), "s16", "mono")
            tone.rate = 48000
            resampler = av.AudioResampler(sound.codec_context.format, "mono", 48000)
            for part in resampler.resample(tone):
                out.mux(sound.encode(part))
            out.mux(sound.encode(None))
        made[name] = (folder / name).read_bytes()
    return made


# What calls itself media and is something else


def empty(_: Path) -> Bytes:
    return dict.fromkeys(("a.jpg", "a.png", "a.mp4", "a.gif", "noname"), b"")


def noise(_: Path) -> Bytes:
    random = np.random.default_rng(7)
    names = ("a.jpg", "a.mp4", "a.gif", "a.webm", "noname")
    return {name: b"\x01" + random.bytes(5000) for name in names}


def zeros(_: Path) -> Bytes:
    return dict.fromkeys(("a.jpg", "a.mp4", "a.mkv", "a.png", "noname"), bytes(10_000))


def texts(_: Path) -> Bytes:
    return {
        "words.jpg": b"these are words\n" * 20,
        "page.png": b"<!DOCTYPE html><html><body>404 not found</body></html>",
        "data.mp4": b'{"error": "expired"}',
        "wide.jpg": "a text of wide letters".encode("utf-16"),
        "pointer.mp4": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
    }


def playlists(_: Path) -> Bytes:
    return {
        "a.m3u8": b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n",
        "b.mp4": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        "c.mkv": b"v=0\no=- 0 0 IN IP4 127.0.0.1\n",
        "d.mp4": b"<?xml version='1.0'?><MPD><BaseURL>http://localhost/</BaseURL></MPD>",
        "e.jpg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/></svg>",
    }


def other_files(_: Path) -> Bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.jpg", b"x")
    return {
        "a.jpg": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(200),
        "b.png": stream.getvalue(),
        "c.mp4": b"\x7fELF\x02\x01\x01" + bytes(300),
        "d.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100),
        "e.jpg": b"\x80\x04\x95" + bytes(100),
    }


# Files of our own


def _zip(entries: Bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return stream.getvalue()


def identities(_: Path) -> Bytes:
    ours = ("header.json", "texture.png", "coverage.png", "floats.bin")
    return {
        "empty.mqid": b"",
        "noise.mqid": b"PK\x03\x04" + bytes(100),
        "other.mqid": _zip({"a.txt": b"a"}),
        "hollow.mqid": _zip(dict.fromkeys(ours, b"")),
        "climbing.mqid": _zip({"../../a": b"a", **dict.fromkeys(ours, b"{}")}),
    }


def maps(_: Path) -> Bytes:
    return {
        "no.toml": b"this is = = no TOML",
        "other.toml": b"[person]\ndonor = 'a.jpg'\n",
        "bytes.toml": b"\xff\xfe\x00",
        "deep.toml": b"a = " + b"[" * 20_000,
        "twice.toml": b"[[person]]\ndonor = 1\ntrack = 1\n",
    }


def settings_files(_: Path) -> Bytes:
    return {
        "no.toml": b"shape = ",
        "unknown.toml": b"no_such_setting = 1\n",
        "kind.toml": b"shape = 'large'\n",
        "range.toml": b"shape = 1e300\n",
        "deep.toml": b"shape = " + b"[" * 20_000,
    }


def reports(_: Path) -> Bytes:
    return {
        "no.json": b"{",
        "list.json": b"{}",
        "deep.json": b'{"a":' * 20_000,
        "other.json": b'{"version": 1, "job": {"target": 1, "donors": [1]}}',
        "bytes.json": b"\xff" * 50,
    }


def networks(_: Path) -> Bytes:
    return {
        "empty.onnx": b"",
        "noise.onnx": os.urandom(4000),
        "page.onnx": b"<!DOCTYPE html>" + b" " * 50,
        "pickle.onnx": b"\x80\x04\x95" + bytes(100),
        "cut.onnx": b"\x08\x08\x12\x07pytorch:\xff\xff\x01",
    }


KINDS: dict[str, Callable[[Path], Bytes]] = {
    kind.__name__: kind
    for kind in (
        cut_jpeg, cut_png, cut_webp, cut_tiff, cut_gif, cut_avif, picture_bombs, lying_headers,
        damaged_data, cut_mp4, damaged_mp4, cut_mkv, damaged_avi, damaged_ts, sound_alone, empty,
        noise, zeros, texts, playlists, other_files, identities, maps, settings_files, reports,
        networks,
    )
}  # fmt: skip
"""Each makes five."""


def files_of(kind: str, folder: Path) -> Iterator[Path]:
    """Write the files of a kind into a folder of their own."""
    made = KINDS[kind](folder)
    place = folder / kind
    place.mkdir()
    for name, data in made.items():
        path = place / name
        path.write_bytes(data)
        yield path
