"""Colour, size, rotation, depth: what a video looks like after source and sink."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import CARPHONE, decoded, make_clip, touched, video_times

from masquerade.core.errors import EncoderError, UnsupportedMediaError
from masquerade.media.file import VideoOptions, VideoSink, VideoSource
from masquerade.media.limits import MediaLimits

LOSSLESS = VideoOptions(quality=100, preset="ultrafast")
BOX = (20, 30, 60, 70)


def through(
    source: Path, output: Path, options: VideoOptions = LOSSLESS, change: bool = False
) -> VideoSource:
    with VideoSource(source) as reader, VideoSink(output, reader, options) as sink:
        for frame in reader:
            sink.write(touched(frame, BOX) if change else frame)
    return reader


def planes_of(path: Path) -> list[list[np.ndarray]]:
    with av.open(str(path)) as container:
        result = []
        for frame in container.decode(video=0):
            kind = np.uint16 if "10" in frame.format.name else np.uint8
            rows = [
                np.frombuffer(bytes(p), np.uint8).reshape(-1, p.line_size).view(kind)
                for p in frame.planes
            ]
            result.append(
                [r[: p.height, : p.width] for r, p in zip(rows, frame.planes, strict=True)]
            )
        return result


@pytest.mark.parametrize(
    "tags",
    [(1, 1, 1, 1), (1, 1, 1, 2), (6, 6, 6, 1), (5, 5, 6, 2), (2, 2, 2, 0), (9, 9, 1, 1)],
    ids=["709", "709 full", "601", "601 full", "untagged", "2020"],
)
def test_colours_are_right_both_ways_and_tags_are_kept(
    tmp_path: Path, tags: tuple[int, int, int, int]
) -> None:
    clip = make_clip(tmp_path / "in.mkv", tags=tags, options={"crf": "0"})
    with VideoSource(clip) as source:
        seen = [frame.pixels for frame in source]
    for got, wanted in zip(seen, decoded(clip), strict=True):
        assert np.abs(got.astype(int) - wanted).max() <= 3
        assert abs((got.astype(int) - wanted).mean()) < 0.6
    through(clip, tmp_path / "out.mkv", change=True)
    with av.open(str(tmp_path / "out.mkv")) as container:
        frame = next(container.decode(video=0))
        found = (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range)
    with av.open(str(clip)) as container:
        frame = next(container.decode(video=0))
        assert found == (
            frame.colorspace,
            frame.color_primaries,
            frame.color_trc,
            frame.color_range,
        )
    x0, y0, x1, y1 = (BOX[0] + 4, BOX[1] + 4, BOX[2] - 4, BOX[3] - 4)
    for got, before in zip(decoded(tmp_path / "out.mkv"), seen, strict=True):
        inside = got[y0:y1, x0:x1].astype(int) - (255 - before[y0:y1, x0:x1].astype(int))
        assert np.abs(inside).mean() < 2.5  # chroma is halved
        assert abs(inside.mean()) < 1.0


@pytest.mark.parametrize("output", ["out.mp4", "out.mkv"])
def test_untouched_samples_are_kept_bit_for_bit(tmp_path: Path, output: str) -> None:
    options = VideoOptions(encoder="ffv1") if output == "out.mkv" else LOSSLESS
    through(CARPHONE, tmp_path / output, options, change=True)
    x0, y0, x1, y1 = BOX
    for before, after in zip(planes_of(CARPHONE), planes_of(tmp_path / output), strict=True):
        for index, (a, b) in enumerate(zip(before, after, strict=True)):
            step = 2 if index else 1
            same = a == b
            assert not same[y0 // step : y1 // step, x0 // step : x1 // step].all()
            same[y0 // step : y1 // step, x0 // step : x1 // step] = True
            assert same.all()


@pytest.mark.parametrize("size", [(161, 121), (33, 47), (160, 121), (1, 1)])
@pytest.mark.parametrize("encoder", ["libx264", "libvpx-vp9", "ffv1"])
def test_odd_sizes_are_exact(tmp_path: Path, size: tuple[int, int], encoder: str) -> None:
    clip = make_clip(tmp_path / "in.mkv", size=size, codec="ffv1", pix_fmt="yuv444p", options={})
    out = tmp_path / "out.mkv"
    through(clip, out, VideoOptions(encoder=encoder, preset="ultrafast"))
    frames = decoded(out)
    assert len(frames) == 12
    assert frames[0].shape == (size[1], size[0], 3)


def test_x265_writes_odd_sizes(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", size=(161, 121), pix_fmt="yuv444p")
    through(clip, tmp_path / "out.mkv", VideoOptions(encoder="libx265", preset="ultrafast"))
    assert decoded(tmp_path / "out.mkv")[0].shape == (121, 161, 3)


@pytest.mark.parametrize(
    ("encoder", "size"), [("libsvtav1", (161, 121)), ("libx265", (33, 47)), ("libx265", (200, 40))]
)
def test_sizes_that_an_encoder_cannot_write_are_refused(
    tmp_path: Path, encoder: str, size: tuple[int, int]
) -> None:
    clip = make_clip(tmp_path / "in.mkv", size=size, pix_fmt="yuv444p")
    with VideoSource(clip) as source, pytest.raises(EncoderError, match=f"{size[0]}x{size[1]}"):
        VideoSink(tmp_path / "out.mkv", source, VideoOptions(encoder=encoder))
    assert list(tmp_path.iterdir()) == [clip]


@pytest.mark.parametrize("rotation", [90, 180, -90])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p"])
def test_rotated_video_leaves_upright(tmp_path: Path, rotation: int, pix_fmt: str) -> None:
    clip = make_clip(
        tmp_path / "in.mp4",
        rotation=rotation,
        pix_fmt=pix_fmt,
        aspect=Fraction(4, 3),
        options={"crf": "0"},
    )
    stored = decoded(clip)
    with av.open(str(clip)) as container:
        assert next(container.decode(video=0)).rotation in (rotation, rotation - 360)
    through(clip, tmp_path / "out.mp4")
    shown = decoded(tmp_path / "out.mp4")
    turns = {90: 1, 180: 2, -90: 3}[rotation]
    for a, b in zip(stored, shown, strict=True):
        difference = np.abs(np.rot90(a, turns).astype(int) - b)
        assert np.median(difference) <= 2
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert next(container.decode(video=0)).rotation == 0
        wanted = Fraction(4, 3) if rotation == 180 else Fraction(3, 4)
        assert container.streams.video[0].sample_aspect_ratio == wanted


@pytest.mark.parametrize("encoder", ["libx265", "libsvtav1", "ffv1"])
def test_ten_bits_are_kept(tmp_path: Path, encoder: str) -> None:
    clip = make_clip(tmp_path / "in.mkv", pix_fmt="yuv420p10le", options={"crf": "0"})
    out = tmp_path / "out.mkv"
    reader = through(clip, out, VideoOptions(encoder=encoder, preset="ultrafast"), change=True)
    assert "10 bits" in " ".join(reader.notices)
    with av.open(str(out)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p10le"
    before, after = planes_of(clip), planes_of(out)
    if encoder == "ffv1":
        assert (before[0][0][80:] == after[0][0][80:]).all()
        assert (np.unique(after[0][0]) % 4 != 0).any()
    assert np.abs(before[5][0][80:].astype(int) - after[5][0][80:]).mean() < 8


def test_libx264_says_that_it_writes_8_bits(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", pix_fmt="yuv420p10le")
    with VideoSource(clip) as source, VideoSink(tmp_path / "out.mp4", source) as sink:
        for frame in source:
            sink.write(frame)
    assert "libx265" in " ".join(sink.notices)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
    difference = np.abs(decoded(clip)[3].astype(int) - decoded(tmp_path / "out.mp4")[3])
    assert difference.mean() < 3


@pytest.mark.parametrize("name", ["out.mp4", "out.webm"])
def test_hlg_keeps_its_curve_and_its_ten_bits(tmp_path: Path, name: str) -> None:
    clip = make_clip(tmp_path / "in.mkv", pix_fmt="yuv420p10le", tags=(9, 9, 18, 1))
    with VideoSource(clip) as source, pytest.raises(EncoderError, match=r"HLG.*libx265"):
        VideoSink(tmp_path / "out.mp4", source, VideoOptions(encoder="libx264"))
    through(clip, tmp_path / name, VideoOptions(preset="ultrafast"))
    with av.open(str(tmp_path / name)) as container:
        frame = next(container.decode(video=0))
    assert frame.color_trc == 18
    assert frame.format.name == "yuv420p10le"


def test_pq_is_refused_with_a_remedy(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", pix_fmt="yuv420p10le", tags=(9, 9, 16, 1))
    with pytest.raises(UnsupportedMediaError, match="PQ"):
        VideoSource(clip)


@pytest.mark.parametrize("pix_fmt", ["yuv422p", "yuv444p", "gray", "gbrp", "yuv422p10le"])
def test_other_pixel_formats_are_read_right(tmp_path: Path, pix_fmt: str) -> None:
    codec = "libx265" if pix_fmt == "gbrp" else "libx264"
    clip = make_clip(tmp_path / "in.mkv", pix_fmt=pix_fmt, codec=codec, options={"crf": "5"})
    with VideoSource(clip) as source:
        seen = [frame.pixels for frame in source]
    for got, wanted in zip(seen, decoded(clip), strict=True):
        difference = np.abs(got.astype(int) - wanted)
        assert np.percentile(difference, 97) <= 3  # chroma is interpolated at edges
    through(clip, tmp_path / "out.mp4", VideoOptions(preset="ultrafast"))
    assert np.abs(decoded(tmp_path / "out.mp4")[2].astype(int) - seen[2]).mean() < 4


def test_interlaced_video_is_joined_and_said(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", codec="mpeg2video", options={"flags": "+ildct+ilme"})
    with VideoSource(clip) as source:
        count = sum(1 for _ in source)
    assert source.facts.interlaced
    assert any("interlaced" in notice for notice in source.notices)
    assert count == 12
    through(clip, tmp_path / "out.mp4", VideoOptions(preset="ultrafast"))
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not next(container.decode(video=0)).interlaced_frame
    assert len(video_times(tmp_path / "out.mp4")) == 12


def test_a_size_that_changes_midway_is_scaled(tmp_path: Path) -> None:
    parts = []
    for index, size in enumerate([(160, 120), (96, 80)]):
        clip = make_clip(tmp_path / f"{index}.h264", size=size)
        parts.append(clip.read_bytes())
    joined = tmp_path / "joined.h264"
    joined.write_bytes(b"".join(parts))
    with VideoSource(joined) as source:
        shapes = [frame.pixels.shape for frame in source]
    assert shapes == [(120, 160, 3)] * 24
    through(joined, tmp_path / "out.mp4", VideoOptions(preset="ultrafast"))
    assert len(decoded(tmp_path / "out.mp4")) == 24


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p"])
def test_quality_moves_the_file_size(tmp_path: Path, pix_fmt: str) -> None:
    clip = make_clip(tmp_path / "in.mkv", pix_fmt=pix_fmt)
    sizes = []
    for quality in (20, 60, 80, 95):
        out = tmp_path / f"{quality}.mp4"
        through(clip, out, VideoOptions(quality=quality))
        sizes.append(out.stat().st_size)
    assert sizes == sorted(sizes)
    assert sizes[-1] > 1.5 * sizes[0]


def test_frames_that_grow_beyond_the_limit_are_not_decoded(tmp_path: Path) -> None:
    parts = [
        make_clip(tmp_path / f"{index}.h264", size=size).read_bytes()
        for index, size in enumerate([(160, 120), (640, 480)])
    ]
    joined = tmp_path / "joined.h264"
    joined.write_bytes(b"".join(parts))
    with VideoSource(joined, limits=MediaLimits(max_pixels=50_000)) as source:
        assert 0 < sum(1 for _ in source) <= 12
    assert any("damaged" in notice for notice in source.notices)


def test_transparent_video_is_said_to_become_opaque(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", codec="ffv1", pix_fmt="yuva420p", options={})
    with VideoSource(clip) as source:
        assert any("transparent" in notice for notice in source.notices)
        assert next(iter(source)).pixels.shape == (120, 160, 3)


def test_encoders_are_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for encoder in ("libx264", "libx265", "libsvtav1", "libvpx-vp9"):
        out = tmp_path / f"{encoder}.mkv"
        with (
            VideoSource(CARPHONE, end_s=0.2) as source,
            VideoSink(out, source, VideoOptions(encoder=encoder)) as sink,
        ):
            for frame in source:
                sink.write(frame)
    assert capfd.readouterr() == ("", "")
