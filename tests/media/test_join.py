"""Segments joined: times, sound and text as in a film that was written in one go."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import make_clip, packets, video_times
from test_segments import CLOSED_GOP, OPEN_GOP, UNEVEN

from masquerade.core.disclosure import Disclosure
from masquerade.core.errors import InputError, OutputError, OutputExistsError
from masquerade.media.cut_source import CutSource
from masquerade.media.encoders import VideoOptions
from masquerade.media.file import VideoSink, VideoSource
from masquerade.media.join import join_segments
from masquerade.media.segment_sink import SegmentSink
from masquerade.media.segments import SegmentPlan, Stretch, plan_segments

LINES = [(80, 200, "first"), (240, 400, "second")]
CHAPTERS = [(0, 1000, "one"), (1000, 2400, "two")]
DISCLOSURE = Disclosure(b"<x:xmpmeta>made here</x:xmpmeta>", {"comment": "AI", "AIGC": '{"a":1}'})


def write_segments(
    plan: SegmentPlan, folder: Path, film: Path, options: VideoOptions | None = None
) -> list[Path]:
    files = []
    for segment in plan.segments:
        path = folder / f"segment-{segment.index}{SegmentSink.suffix(options)}"
        source = CutSource(plan, [Stretch(segment.start_pts, segment.end_pts)])
        start, name = segment.start_pts - plan.shift_pts, plan.name_of(segment.index)
        with (
            source,
            SegmentSink(path, source, options, film=film, start_pts=start, name=name) as sink,
        ):
            for frame in source:
                sink.write(frame)
        files.append(path)
    return files


def write_whole(clip: Path, output: Path, options: VideoOptions | None = None) -> None:
    options = options or VideoOptions()
    with (
        VideoSource(clip, start_s=options.start_s, end_s=options.end_s) as source,
        VideoSink(output, source, options, disclosure=DISCLOSURE) as sink,
    ):
        for frame in source:
            sink.write(frame)


def carried(path: Path) -> dict[str, list[bytes]]:
    """The packets of sound and text with their times."""
    found: dict[str, list[bytes]] = {}
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.size and packet.stream.type != "video":
                words = f"{packet.pts} {packet.dts} ".encode() + bytes(packet)
                found.setdefault(packet.stream.type, []).append(words)
    return found


def described(path: Path) -> tuple[dict[str, str], list[object], list[dict[str, str]]]:
    with av.open(str(path)) as container:
        tags = {key: value for key, value in container.metadata.items() if key.lower() != "encoder"}
        chapters = [(item["start"], item["end"]) for item in container.chapters()]
        streams = [
            {key: value for key, value in stream.metadata.items() if key in ("language", "title")}
            for stream in container.streams
        ]
        return tags, chapters, streams


CASES = {
    "mp4": ("a.mp4", "out.mp4", {"pts": range(60), "options": OPEN_GOP, "audio": "aac"}, None),
    "mp4 to mkv": ("a.mp4", "out.mkv", {"pts": range(60), "options": OPEN_GOP}, None),
    "uneven times": (
        "b.mkv", "out.mkv",
        {"pts": UNEVEN, "time_base": Fraction(1, 1000), "options": OPEN_GOP, "audio": "aac",
         "subtitles": LINES, "chapters": CHAPTERS, "metadata": {"title": "A film"}}, None,
    ),
    "uneven times to mp4": (
        "b.mkv", "out.mp4",
        {"pts": UNEVEN, "time_base": Fraction(1, 1000), "options": OPEN_GOP, "audio": "aac",
         "subtitles": LINES, "chapters": CHAPTERS}, None,
    ),
    "rotated": (
        "c.mp4", "out.mov",
        {"size": (161, 121), "pix_fmt": "yuv444p", "rotation": 90, "options": CLOSED_GOP,
         "pts": range(50), "aspect": Fraction(4, 3)}, None,
    ),
    "late start": (
        "d.mp4", "out.mp4",
        {"pts": range(2000, 2060), "options": CLOSED_GOP, "audio": "aac"}, None,
    ),
    "trimmed": (
        "e.mp4", "out.mp4", {"pts": range(60), "options": CLOSED_GOP, "audio": "aac"},
        VideoOptions(start_s=0.5, end_s=2.0),
    ),
    "FFV1": (
        "f.mp4", "out.mkv", {"pts": range(40), "options": CLOSED_GOP},
        VideoOptions(encoder="ffv1"),
    ),
    "WebM": ("g.mp4", "out.webm", {"pts": range(40), "options": CLOSED_GOP}, None),
    "HEVC": (
        "h.mp4", "out.mp4", {"pts": range(40), "options": CLOSED_GOP},
        VideoOptions(encoder="libx265"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_joined_film_is_that_of_one_go(tmp_path: Path, case: str) -> None:
    name, out, how, options = CASES[case]
    clip, film, whole = make_clip(tmp_path / name, **how), tmp_path / out, tmp_path / f"1-{out}"
    plan = plan_segments(clip, 0.5, options=options)
    assert len(plan.segments) > 1
    files = write_segments(plan, tmp_path, film, options)
    notices = join_segments(plan, files, film, disclosure=DISCLOSURE)
    write_whole(clip, whole, options)
    assert notices == ()
    assert video_times(film) == video_times(whole)
    assert carried(film) == carried(whole)
    assert described(film) == described(whole)
    with av.open(str(film)) as one, av.open(str(whole)) as other:
        ours, theirs = one.streams.video[0], other.streams.video[0]
        for key in ("width", "height", "sample_aspect_ratio", "codec_tag", "pix_fmt"):
            assert getattr(ours, key, None) == getattr(theirs, key, None), key
        for key in ("colorspace", "color_range", "color_primaries", "color_trc"):
            assert getattr(ours.codec_context, key) == getattr(theirs.codec_context, key), key
        assert abs((one.duration or 0) - (other.duration or 0)) < 50_000


@pytest.mark.parametrize("out", ["out.mp4", "out.mkv"])
def test_the_same_segments_make_the_same_bytes(tmp_path: Path, out: str) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=range(60), options=OPEN_GOP, audio="aac")
    plan = plan_segments(clip, 0.5)
    made = []
    for turn in ("one", "two"):
        (tmp_path / turn).mkdir()
        film = tmp_path / turn / out
        files = write_segments(plan, tmp_path / turn, film)
        join_segments(plan, files, film)
        made.append([path.read_bytes() for path in (*files, film)])
    assert made[0] == made[1]


def test_times_of_decoding_rise_and_precede_those_of_showing(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "b.mkv", pts=UNEVEN, time_base=Fraction(1, 1000), options=OPEN_GOP)
    plan, film = plan_segments(clip, 0.5), tmp_path / "out.mp4"
    join_segments(plan, write_segments(plan, tmp_path, film), film)
    with av.open(str(film)) as container:
        times = [(p.dts, p.pts) for p in container.demux(video=0) if p.size]
    assert all(dts <= pts for dts, pts in times)
    assert all(one < two for (one, _), (two, _) in itertools.pairwise(times))
    assert len(packets(film, "video")) == len(UNEVEN)


def test_segments_that_do_not_fit_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=range(60), options=CLOSED_GOP)
    plan, film = plan_segments(clip, 0.5), tmp_path / "out.mp4"
    files = write_segments(plan, tmp_path, film)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match="segments for a film of"):
        join_segments(plan, files[:-1], film)
    with pytest.raises(InputError, match="is not segment"):
        join_segments(plan, [files[1], files[0], *files[2:]], film)
    with pytest.raises(InputError):
        join_segments(plan, [tmp_path / "none.mp4", *files[1:]], film)
    other = write_segments(plan, tmp_path.parent, film, VideoOptions(preset="medium"))
    with pytest.raises(InputError, match="another way"):
        join_segments(plan, [files[0], other[1], *files[2:]], film)
    files[1].write_bytes(files[1].read_bytes()[:900])
    with pytest.raises(InputError):
        join_segments(plan, files, film)
    assert sorted(tmp_path.iterdir()) == before


def test_an_existing_film_and_the_original_are_kept(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=range(40), options=CLOSED_GOP)
    plan, film = plan_segments(clip, 0.5), tmp_path / "out.mp4"
    files = write_segments(plan, tmp_path, film)
    film.write_bytes(b"mine")
    with pytest.raises(OutputExistsError):
        join_segments(plan, files, film)
    with pytest.raises(OutputError):
        join_segments(plan, files, clip, overwrite=True)
    assert film.read_bytes() == b"mine"


def test_the_seal_signs_last(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=range(40), options=CLOSED_GOP)
    plan, film = plan_segments(clip, 0.5), tmp_path / "out.mp4"
    seen = []

    def seal(finished: Path, signed: Path, parts: object) -> None:
        seen.append(finished.read_bytes())
        signed.write_bytes(seen[-1] + b"signed")

    statement = Disclosure(DISCLOSURE.xmp, DISCLOSURE.tags, seal)
    join_segments(plan, write_segments(plan, tmp_path, film), film, disclosure=statement)
    assert b"made here" in seen[0]
    assert film.read_bytes() == seen[0] + b"signed"
