"""Sound, subtitles, chapters, tags and containers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from clips import BUNNY, make_clip, packets, video_times

from masquerade.core.disclosure import Disclosure
from masquerade.core.errors import EncoderError, OutputError
from masquerade.media.file import (
    ENCODERS,
    VideoOptions,
    VideoSink,
    VideoSource,
    available_encoders,
)

LINES = [(80, 200, "first"), (240, 400, "second")]
DISCLOSURE = Disclosure(b"<x:xmpmeta>made here</x:xmpmeta>", {"comment": "AI", "AIGC": '{"a":1}'})


def through(source: Path, output: Path, options: VideoOptions | None = None) -> VideoSink:
    options = options or VideoOptions(preset="ultrafast")
    with (
        VideoSource(source, start_s=options.start_s, end_s=options.end_s) as reader,
        VideoSink(output, reader, options, disclosure=DISCLOSURE) as sink,
    ):
        for frame in reader:
            sink.write(frame)
    return sink


def subtitle_lines(path: Path) -> list[tuple[float, str]]:
    lines = []
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        for packet in container.demux(stream):
            for line in packet.decode() if packet.size else ():
                text = line.dialogue.decode().strip()
                if text:
                    lines.append((float(packet.pts * packet.time_base), text))
    return lines


@pytest.mark.parametrize("extension", [".mkv", ".mp4", ".mov", ".webm"])
def test_subtitles_are_copied_or_put_into_the_containers_form(
    tmp_path: Path, extension: str
) -> None:
    clip = make_clip(tmp_path / "in.mkv", subtitles=LINES)
    out = tmp_path / f"out{extension}"
    sink = through(clip, out)
    assert sink.notices == ()
    assert subtitle_lines(out) == [(0.08, "first"), (0.24, "second")]


def test_subtitles_of_an_mp4_are_carried_on(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", subtitles=LINES)
    through(clip, tmp_path / "mid.mp4")
    for name in ("out.mkv", "out.mp4"):
        through(tmp_path / "mid.mp4", tmp_path / name)
        assert subtitle_lines(tmp_path / name) == [(0.08, "first"), (0.24, "second")]


def test_sound_is_copied_where_it_fits(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", audio="aac", pts=range(50))
    for extension in (".mkv", ".mp4", ".mov"):
        out = tmp_path / f"out{extension}"
        assert through(clip, out).notices == ()
        assert [p[2] for p in packets(out, "audio")] == [p[2] for p in packets(clip, "audio")]


def test_sound_that_does_not_fit_is_encoded_anew(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", audio="aac", pts=range(50))
    sink = through(clip, tmp_path / "out.webm")
    assert "libopus" in " ".join(sink.notices)
    with av.open(str(tmp_path / "out.webm")) as container:
        assert container.streams.video[0].codec_context.name in ("vp9", "libvpx-vp9")
        frames = list(container.decode(audio=0))
    assert sum(frame.samples for frame in frames) / 48000 == pytest.approx(2.0, abs=0.05)


def test_sound_encoded_anew_stays_in_time_when_trimmed(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", audio="aac", pts=range(75))
    through(clip, tmp_path / "out.webm", VideoOptions(start_s=1.0, end_s=2.0, preset="ultrafast"))
    sound = packets(tmp_path / "out.webm", "audio")
    assert -10 <= sound[0][0] <= 30
    assert sound[-1][0] + sound[-1][1] == pytest.approx(1000, abs=45)


def test_chapters_and_title_are_kept(tmp_path: Path) -> None:
    clip = make_clip(
        tmp_path / "in.mkv",
        pts=range(50),
        chapters=[(0, 1000, "one"), (1000, 2000, "two")],
        metadata={"title": "A film", "encoder": "someone"},
    )
    through(clip, tmp_path / "out.mp4", VideoOptions(start_s=0.5, preset="ultrafast"))
    with av.open(str(tmp_path / "out.mp4")) as container:
        found = [
            (float(c["start"] * c["time_base"]), c["metadata"]["title"])
            for c in container.chapters()
        ]
        assert container.metadata["title"] == "A film"
        assert container.metadata["encoder"] != "someone"
    assert found == [(0.0, "one"), (0.5, "two")]


@pytest.mark.parametrize("extension", [".mp4", ".mov", ".mkv", ".webm"])
def test_the_disclosure_is_in_every_container(tmp_path: Path, extension: str) -> None:
    out = tmp_path / f"out{extension}"
    through(make_clip(tmp_path / "in.mp4"), out)
    with av.open(str(out)) as container:
        found = {key.lower(): value for key, value in container.metadata.items()}
    assert found["comment"] == "AI"
    assert found["aigc"] == '{"a":1}'
    if extension in (".mp4", ".mov"):
        data = out.read_bytes()
        at = data.index(DISCLOSURE.xmp)
        assert data[at - 20 : at - 16] == b"uuid"
        assert int.from_bytes(data[at - 24 : at - 20], "big") == len(data) - (at - 24)
        assert data.index(b"moov") < data.index(b"mdat"), "plays while it loads"


@pytest.mark.parametrize(
    ("encoder", "extensions"),
    [
        ("libx264", (".mp4", ".mkv")),
        ("libx265", (".mp4", ".mov")),
        ("libvpx-vp9", (".webm", ".mp4")),
        ("libsvtav1", (".mp4", ".webm")),
        ("ffv1", (".mkv",)),
    ],
)
def test_every_software_encoder_writes(
    tmp_path: Path, encoder: str, extensions: Sequence[str]
) -> None:
    assert encoder in available_encoders()
    clip = make_clip(tmp_path / "in.mp4")
    for extension in extensions:
        out = tmp_path / f"out{extension}"
        through(clip, out, VideoOptions(encoder=encoder, preset="ultrafast"))
        with av.open(str(out)) as container:
            assert sum(1 for _ in container.decode(video=0)) == 12


def test_hardware_encoders_that_do_not_open_are_not_offered() -> None:
    for name in ENCODERS:
        try:
            av.Codec(name, "w")
        except av.codec.codec.UnknownCodecError:
            assert name not in available_encoders()


@pytest.mark.parametrize(
    ("encoder", "name", "words"),
    [
        ("libx999", "out.mp4", "libx264"),
        ("libx264", "out.webm", "libvpx-vp9"),
        ("ffv1", "out.mp4", "libx264"),
    ],
)
def test_wrong_encoders_name_the_right_ones(
    tmp_path: Path, encoder: str, name: str, words: str
) -> None:
    with VideoSource(BUNNY) as source, pytest.raises(EncoderError, match=words):
        VideoSink(tmp_path / name, source, VideoOptions(encoder=encoder))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.xyz", "out", "out.mp3"])
def test_unknown_extensions_list_the_known(tmp_path: Path, name: str) -> None:
    with VideoSource(BUNNY) as source, pytest.raises(OutputError, match=r"\.mp4, .*\.webm"):
        VideoSink(tmp_path / name, source)
    assert list(tmp_path.iterdir()) == []


def test_damaged_sound_makes_a_gap_and_not_a_failure(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.ts", audio="aac", pts=range(50))
    data = bytearray(clip.read_bytes())
    noise = np.random.default_rng(0)
    sound = [
        at for at in range(0, len(data), 188) if data[at + 1] & 0x1F == 1 and data[at + 2] == 1
    ]
    assert len(sound) > 40
    for at in sound[10:30]:
        data[at + 30 : at + 188] = noise.integers(0, 256, 158, np.uint8).tobytes()
    (tmp_path / "bad.ts").write_bytes(data)
    for name in ("out.mp4", "out.mkv", "out.webm"):
        through(tmp_path / "bad.ts", tmp_path / name)
        assert len(video_times(tmp_path / name)) == 50
        assert 20 < len(packets(tmp_path / name, "audio")) <= 110


def test_sound_of_which_nothing_is_readable_is_left_out(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.ts", audio="aac", pts=range(50))
    data = bytearray(clip.read_bytes())
    for at in range(0, len(data), 188):
        if data[at + 1] & 0x1F == 1 and data[at + 2] == 1:
            data[at + 4 : at + 188] = bytes(184)
    (tmp_path / "bad.ts").write_bytes(data)
    sink = through(tmp_path / "bad.ts", tmp_path / "out.mp4")
    assert any("left out" in notice for notice in sink.notices)
    assert len(video_times(tmp_path / "out.mp4")) == 50
