"""Targets are known by their content; hostile ones are refused in one sentence."""

from __future__ import annotations

import itertools
import os
import socket
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from clips import BUNNY, CARPHONE, make_clip, scene, tone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from masquerade.core.errors import (
    CorruptMediaError,
    InputError,
    MediaLimitError,
    MissingInputError,
    OutputError,
    UnsupportedMediaError,
)
from masquerade.media.animation import AnimationSink, AnimationSource
from masquerade.media.file import VideoSink, VideoSource
from masquerade.media.limits import MediaLimits
from masquerade.media.open import (
    check_output,
    expand_targets,
    open_sink,
    open_source,
    open_target,
)

QUICK = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
MONA = Path(__file__).with_name("mona_lisa.jpg")


def gif(path: Path, frames: int) -> Path:
    images = [Image.fromarray(scene(index, 40, 60)) for index in range(frames)]
    images[0].save(path, save_all=True, append_images=images[1:], duration=50)
    return path


def test_kinds_are_told_by_content_not_by_name(tmp_path: Path) -> None:
    assert open_target(MONA) == "image"
    assert open_target(BUNNY) == "video"
    liar = tmp_path / "film.jpg"
    liar.write_bytes(CARPHONE.read_bytes())
    assert open_target(liar) == "video"
    liar = tmp_path / "photo.mp4"
    liar.write_bytes(MONA.read_bytes())
    assert open_target(liar) == "image"
    assert open_target(gif(tmp_path / "two.gif", 2)) == "animation"
    assert open_target(gif(tmp_path / "one.gif", 1)) == "image"


@pytest.mark.parametrize("extension", [".mkv", ".webm", ".avi", ".ts", ".mov", ".flv", ".h264"])
def test_many_containers_are_read(tmp_path: Path, extension: str) -> None:
    codec = "libvpx-vp9" if extension == ".webm" else "libx264"
    clip = make_clip(tmp_path / f"in{extension}", codec=codec)
    assert open_target(clip) == "video"
    with VideoSource(clip) as source:
        frames = list(source)
    assert len(frames) == 12
    times = [frame.seconds for frame in frames]
    assert times == sorted(set(times))


def test_names_with_odd_characters_are_plain_names(tmp_path: Path) -> None:
    for name in ("a%03d.mp4", "http:x.mp4", "concat:a|b.mp4", "ü ß.mp4", "-y.mp4"):
        clip = tmp_path / name
        clip.write_bytes(CARPHONE.read_bytes())
        with (
            VideoSource(clip, end_s=0.1) as source,
            VideoSink(tmp_path / f"o{name}", source) as out,
        ):
            for frame in source:
                out.write(frame)
        assert open_target(tmp_path / f"o{name}") == "video"


TEXTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n",
    "list.mp4": "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:{port}/a.ts\n",
    "list.ffconcat": "ffconcat version 1.0\nfile '{clip}'\n",
    "bare.txt": "file '{clip}'\n",
    "call.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\n",
    "dash.mpd": "<?xml version='1.0'?><MPD><BaseURL>http://127.0.0.1:{port}/</BaseURL></MPD>",
    "drawing.svg": "<svg xmlns='http://www.w3.org/2000/svg'><image href='{clip}'/></svg>",
    "notes.mp4": "these are only words\n" * 50,
    "list.asx": "<ASX version='3.0'><Entry><Ref href='http://127.0.0.1:{port}/'/></Entry></ASX>",
}


@pytest.mark.parametrize("name", TEXTS)
def test_playlists_and_texts_are_never_followed(tmp_path: Path, name: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0)
        text = TEXTS[name].format(clip=CARPHONE, port=listener.getsockname()[1])
        (tmp_path / name).write_text(text)
        for opened in (open_target, VideoSource):
            with pytest.raises(InputError):
                opened(tmp_path / name)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_playlist_behind_a_byte_order_mark_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"\xef\xbb\xbf#EXTM3U\n#EXTINF:1,\nhttp://x/a.ts\n")
    with pytest.raises(UnsupportedMediaError, match="playlist"):
        open_target(tmp_path / "a.mp4")


def test_sound_without_picture_is_refused(tmp_path: Path) -> None:
    for name, codec in (("a.mp3", "libmp3lame"), ("a.m4a", "aac"), ("a.wav", "pcm_s16le")):
        path = tmp_path / name
        with av.open(str(path), "w") as out:
            sound = out.add_stream(codec, rate=48000)
            for frame in tone(0.5):
                out.mux(sound.encode(frame))
            out.mux(sound.encode(None))
        with pytest.raises(UnsupportedMediaError, match="only sound"):
            open_target(path)


def test_other_things_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError):
        open_target(tmp_path / "none.mp4")
    with pytest.raises(UnsupportedMediaError, match="folder"):
        open_target(tmp_path)
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(CorruptMediaError, match="empty"):
        open_target(tmp_path / "empty.mp4")
    with zipfile.ZipFile(tmp_path / "zip.mp4", "w") as archive:
        archive.writestr("a.txt", "hello")
    with pytest.raises(UnsupportedMediaError, match="ZIP"):
        open_target(tmp_path / "zip.mp4")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.mp4")
        with pytest.raises(UnsupportedMediaError, match="pipe"):
            open_target(tmp_path / "pipe.mp4")


@pytest.mark.parametrize("length", [1, 8, 100, 1000, 5000, 30_000])
def test_a_film_without_its_index_is_refused(tmp_path: Path, length: int) -> None:
    clip = make_clip(tmp_path / "in.mp4", pts=range(60))
    data = clip.read_bytes()
    assert data.index(b"mdat") < data.index(b"moov")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: min(length, data.index(b"moov") - 10)])
    with pytest.raises(InputError):
        open_target(cut)
    with pytest.raises(InputError):
        VideoSource(cut)


def test_a_film_without_its_end_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = make_clip(tmp_path / "in.mp4", pts=range(100))
    with VideoSource(whole) as source, VideoSink(tmp_path / "fast.mp4", source) as sink:
        for frame in source:
            sink.write(frame)
    data = (tmp_path / "fast.mp4").read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: int(len(data) * 0.6)])
    with VideoSource(cut) as source:
        count = sum(1 for _ in source)
    assert 20 < count < 90
    assert any("cut off" in notice for notice in source.notices)


def test_damage_in_the_middle_is_passed_over_and_said(tmp_path: Path) -> None:
    clip = make_clip(
        tmp_path / "in.mkv", codec="mpeg4", pts=range(60), options={"g": "1", "qscale": "3"}
    )
    data = bytearray(clip.read_bytes())
    rng = np.random.default_rng(0)
    for start in range(len(data) // 3, len(data) // 2, 700):
        data[start : start + 60] = rng.integers(0, 255, 60, np.uint8).tobytes()
    (tmp_path / "bad.mkv").write_bytes(bytes(data))
    with VideoSource(tmp_path / "bad.mkv") as source:
        count = sum(1 for _ in source)
    assert count >= 20


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from([".mp4", ".mkv", ".avi", ".webm", ".gif", ".ts"]),
    st.sampled_from([b"\0\0\0\x20ftypisom", b"\x1a\x45\xdf\xa3", b"RIFF\0\0\0\0AVI LIST", b"\x47"]),
    st.binary(min_size=1, max_size=600),
)
def test_no_bytes_raise_anything_else(
    tmp_path: Path, extension: str, magic: bytes, rest: bytes
) -> None:
    path = tmp_path / f"x{extension}"
    path.write_bytes(magic + rest)
    for opened in (open_target, open_source, VideoSource, AnimationSource):
        with pytest.raises(InputError):
            opened(path)


SMALL: dict[str, bytes] = {}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from([".mp4", ".mkv", ".webm", ".gif"]),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=20),
    st.floats(0.3, 1),
)
def test_flipped_bytes_raise_nothing_else(
    tmp_path: Path, extension: str, flips: list[tuple[float, int]], part: float
) -> None:
    if extension not in SMALL:
        path = tmp_path / f"small{extension}"
        if extension == ".gif":
            gif(path, 5)
        else:
            codec = "libvpx-vp9" if extension == ".webm" else "libx264"
            make_clip(path, size=(64, 48), codec=codec)
        SMALL[extension] = path.read_bytes()
    data = bytearray(SMALL[extension])
    for place, value in flips:
        data[int(place * len(data))] = value
    path = tmp_path / f"x{extension}"
    path.write_bytes(bytes(data[: int(len(data) * part)]))
    try:
        limits = MediaLimits(max_pixels=1_000_000)
        with open_source(path, limits=limits) as source:
            for frame in itertools.islice(source, 50):
                assert frame.pixels.dtype == np.uint8
    except InputError as error:
        assert str(error)


def test_large_frames_are_refused_before_decoding() -> None:
    with pytest.raises(MediaLimitError, match="1280x720"):
        VideoSource(BUNNY, limits=MediaLimits(max_pixels=500_000))
    with pytest.raises(MediaLimitError):
        open_target(BUNNY, limits=MediaLimits(max_pixels=500_000))


def test_the_right_sink_is_chosen_by_extension(tmp_path: Path) -> None:
    with VideoSource(CARPHONE) as source:
        film = open_sink(tmp_path / "a.mkv", source)
        animation = open_sink(tmp_path / "a.webp", source)
        assert isinstance(film, VideoSink)
        assert isinstance(animation, AnimationSink)
        film.abort()
        animation.abort()
        with pytest.raises(OutputError, match=r"\.mp4"):
            open_sink(tmp_path / "a.jpg", source)
    with pytest.raises(OutputError, match=r"\.jpg"):
        check_output("a.mp4", "image")
    check_output("a.PNG", "image")
    with pytest.raises(UnsupportedMediaError, match="still"):
        open_source(MONA)


def test_folders_and_patterns_give_media_in_natural_order(tmp_path: Path) -> None:
    for name in ("f10.png", "f2.png", "F1.png", ".hidden.png"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    (tmp_path / "clip.mp4").write_bytes(CARPHONE.read_bytes())
    (tmp_path / "notes.txt").write_text("words")
    (tmp_path / "data.bin").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "inner").mkdir()
    names = [path.name for path in expand_targets(tmp_path)]
    assert names == ["clip.mp4", "F1.png", "f2.png", "f10.png"]
    assert [p.name for p in expand_targets(str(tmp_path / "f*.png"))] == ["f2.png", "f10.png"]
    left = expand_targets(tmp_path, skip=[tmp_path / "inner" / ".." / "f2.png"])
    assert "f2.png" not in [path.name for path in left]
    assert expand_targets(tmp_path / "notes.txt") == [tmp_path / "notes.txt"]
    with pytest.raises(MissingInputError):
        expand_targets(tmp_path / "inner")
    with pytest.raises(MissingInputError):
        expand_targets(tmp_path / "*.webm")


def test_a_file_whose_name_looks_like_a_pattern_is_itself(tmp_path: Path) -> None:
    path = tmp_path / "[a]*.png"
    Image.new("RGB", (4, 4)).save(path)
    assert expand_targets(path) == [path]


def test_an_animation_cut_off_is_refused_or_read(tmp_path: Path) -> None:
    data = gif(tmp_path / "a.gif", 6).read_bytes()
    for part in (0.2, 0.5, 0.8, 0.95):
        (tmp_path / "cut.gif").write_bytes(data[: int(len(data) * part)])
        with (
            pytest.raises(InputError, match=r"cut off|damaged|still"),
            open_source(tmp_path / "cut.gif") as source,
        ):
            list(source)
