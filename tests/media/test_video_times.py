"""Timestamps, sound, trimming and frame rate of videos that go through source and sink."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import BUNNY, CARPHONE, make_clip, packets, video_times

from masquerade.core.errors import MediaLimitError, SettingsError
from masquerade.core.protocols import Sink, Source
from masquerade.media.file import VideoOptions, VideoSink, VideoSource
from masquerade.media.limits import MediaLimits

VFR = [0, 40, 80, 240, 260, 300, 301, 420, 580, 600, 760, 800]


def through(source: Path, output: Path, options: VideoOptions | None = None) -> VideoSink:
    options = options or VideoOptions(preset="ultrafast")
    reader = VideoSource(source, start_s=options.start_s, end_s=options.end_s, fps=options.fps)
    with reader, VideoSink(output, reader, options) as sink:
        for frame in reader:
            sink.write(frame)
    return sink


def test_source_and_sink_are_what_the_protocols_ask(tmp_path: Path) -> None:
    with VideoSource(CARPHONE) as source:
        sink = VideoSink(tmp_path / "out.mp4", source)
        assert isinstance(source, Source)
        assert isinstance(sink, Sink)
        sink.abort()


def test_frames_are_contiguous_and_numbered() -> None:
    with VideoSource(CARPHONE) as source:
        frames = list(source)
    assert [frame.seq for frame in frames] == list(range(120))
    assert all(f.pixels.flags.c_contiguous and f.pixels.shape == (144, 176, 3) for f in frames)
    assert source.info.frame_count == 120
    assert source.info.rate == Fraction(30000, 1001)


def test_times_and_sound_of_a_real_film_are_kept(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    through(BUNNY, out)
    assert video_times(out) == video_times(BUNNY)
    sound = packets(out, "audio")
    assert len(sound) == 249
    assert sound == packets(BUNNY, "audio")


@pytest.mark.parametrize("extension", [".mp4", ".mkv", ".mov"])
def test_variable_frame_rate_is_kept(tmp_path: Path, extension: str) -> None:
    clip = make_clip(tmp_path / "in.mkv", pts=VFR, time_base=Fraction(1, 1000), audio="aac")
    out = tmp_path / f"out{extension}"
    through(clip, out)
    assert [float(t) for t in video_times(out)] == pytest.approx(
        [float(t) for t in video_times(clip)], abs=1e-9
    )
    assert len(packets(out, "audio")) == len(packets(clip, "audio"))


def test_no_audio_leaves_the_sound_out(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", audio="aac")
    through(clip, tmp_path / "out.mp4", VideoOptions(no_audio=True))
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]


@pytest.mark.parametrize("fps", [10, 24, 60, Fraction(30000, 1001)])
def test_fps_resamples_by_time(tmp_path: Path, fps: float) -> None:
    clip = make_clip(tmp_path / "in.mkv", pts=VFR, time_base=Fraction(1, 1000))
    out = tmp_path / "out.mp4"
    through(clip, out, VideoOptions(fps=fps))
    times = video_times(out)
    steps = {b - a for a, b in itertools.pairwise(times)}
    assert all(abs(step - 1 / Fraction(fps)) < Fraction(1, 10_000) for step in steps)
    # The last frame begins at 0.8 s and lasts a frame of 25 fps.
    assert float(times[-1]) + 1 / float(fps) == pytest.approx(0.84, abs=0.75 / float(fps))


def test_fps_shows_the_frame_of_the_moment() -> None:
    with VideoSource(CARPHONE) as source:
        originals = {frame.seconds: frame.pixels for frame in source}
    with VideoSource(CARPHONE, fps=7) as source:
        for frame in source:
            before = max(t for t in originals if t <= frame.seconds + 0.5 / 7)
            near = [t for t in originals if abs(t - before) < 0.08]
            assert any((originals[t] == frame.pixels).all() for t in near)


def test_trim_cuts_picture_and_sound_alike(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    through(BUNNY, out, VideoOptions(start_s=1.5, end_s=3.0, preset="ultrafast"))
    times = video_times(out)
    originals = [t for t in video_times(BUNNY) if Fraction(3, 2) <= t < 3]
    assert [float(t) for t in times] == pytest.approx([float(t - 1.5) for t in originals], abs=1e-3)
    sound = packets(out, "audio")
    assert 0 <= sound[0][0] / 48000 < 0.03
    assert (sound[-1][0] + sound[-1][1]) / 48000 == pytest.approx(1.5, abs=0.03)
    whole = {p[2] for p in packets(BUNNY, "audio")}
    assert {p[2] for p in sound} <= whole


def test_trimmed_frames_are_those_of_the_whole(tmp_path: Path) -> None:
    with VideoSource(CARPHONE) as source:
        whole = {frame.pts: frame.pixels for frame in source if 1.0 <= frame.seconds < 1.5}
    with VideoSource(CARPHONE, start_s=1.0, end_s=1.5) as source:
        part = [frame.pixels for frame in source]
    assert len(part) == len(whole) == 15
    assert all((a == b).all() for a, b in zip(part, whole.values(), strict=True))


def test_trim_behind_the_end_is_a_clear_error() -> None:
    with pytest.raises(SettingsError, match="behind the end"):
        VideoSource(CARPHONE, start_s=100)


@pytest.mark.parametrize(
    "wrong",
    [
        {"quality": 101},
        {"preset": "warp"},
        {"fps": 0},
        {"start_s": -1},
        {"start_s": 2, "end_s": 1},
        {"start_s": float("nan")},
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError):
        VideoOptions(**wrong)


def test_a_broadcast_clock_starts_at_zero(tmp_path: Path) -> None:
    """A recording may begin at any hour; picture and sound move together."""
    clip = make_clip(tmp_path / "in.ts", audio="aac", pts=range(2500, 2550))
    with av.open(str(clip)) as container:
        assert container.start_time > 99_000_000
        begin = Fraction(container.start_time, 1_000_000)
    for name in ("out.mp4", "out.mkv"):
        through(clip, tmp_path / name)
        times = video_times(tmp_path / name)
        assert [float(t) for t in times] == pytest.approx(
            [float(t - begin) for t in video_times(clip)], abs=2e-3
        )
        for path, offset in ((clip, begin), (tmp_path / name, 0)):
            with av.open(str(path)) as container:
                first = next(container.decode(audio=0))
                gap = first.pts * first.time_base - offset - (video_times(path)[0] - offset)
                assert abs(float(gap)) < 0.06


def test_a_small_offset_belongs_to_the_film(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", pts=[80, 120, 160], time_base=Fraction(1, 1000))
    through(clip, tmp_path / "out.mkv")
    assert video_times(tmp_path / "out.mkv") == video_times(clip)


def test_originals_are_held_only_while_frames_are_on_their_way() -> None:
    with VideoSource(CARPHONE) as source:
        for frame in source:
            assert source.natives.take(frame.seq) is None
    with VideoSource(CARPHONE) as source:
        source.natives.want()
        frames = list(source)
        assert source.natives.take(119) is not None
        assert all(source.natives.take(frame.seq) is None for frame in frames)


@pytest.mark.parametrize("fps", [None, 25])
def test_a_film_that_jumps_over_years_is_refused_and_not_filled(tmp_path: Path, fps) -> None:
    """Between two frames of a few bytes a constant rate would put ten thousand million."""
    clip = make_clip(tmp_path / "in.mkv", pts=(0, 1, 2, 25 * 3600 * 24 * 365 * 12))
    with VideoSource(clip, fps=fps) as source, pytest.raises(MediaLimitError, match="24 hours"):
        assert len([frame.seq for frame in source]) < 5


def test_a_film_may_have_so_many_frames_and_no_more(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", pts=range(12))
    seen = 0
    limits = MediaLimits(max_frames=7)
    refused = pytest.raises(MediaLimitError, match="more than 7 frames")
    with VideoSource(clip, limits=limits) as source, refused:
        for _ in source:
            seen += 1
    assert seen == 7
