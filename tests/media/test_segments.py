"""Films cut into segments: every frame once, the same as in the whole film."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import make_clip

from masquerade.core.errors import InputError, SettingsError
from masquerade.media.cut_source import CutSource
from masquerade.media.encoders import VideoOptions
from masquerade.media.file import VideoSource
from masquerade.media.segments import Segment, SegmentPlan, Stretch, plan_segments

OPEN_GOP = {
    "crf": "12",
    "bf": "3",
    "x264-params": "open-gop=1:keyint=12:min-keyint=12:scenecut=0:bframes=3:b-adapt=0",
}
CLOSED_GOP = {"crf": "12", "g": "10", "bf": "2"}
UNEVEN = sorted({40 * n + (n * n * 7) % 23 for n in range(60)})

CLIPS = {
    "B-frames and open groups": ("a.mp4", {"pts": range(60), "options": OPEN_GOP}),
    "uneven times in Matroska": (
        "b.mkv",
        {"pts": UNEVEN, "time_base": Fraction(1, 1000), "options": OPEN_GOP, "audio": "aac"},
    ),
    "a late start": ("c.mp4", {"pts": range(2000, 2060), "options": CLOSED_GOP, "audio": "aac"}),
    "rotated, odd size, 4:4:4": (
        "d.mp4",
        {"size": (161, 121), "pix_fmt": "yuv444p", "rotation": 90, "options": CLOSED_GOP,
         "pts": range(50)},
    ),
    "HEVC": (
        "e.mp4",
        {"codec": "libx265", "pts": range(50),
         "options": {"x265-params": "keyint=12:min-keyint=12:open-gop=1:log-level=error"}},
    ),
    "VP9": ("f.webm", {"codec": "libvpx-vp9", "pts": range(40), "options": {"g": "12"}}),
}  # fmt: skip


RUN_UPS = [
    None, [{}], [{"start_pts": -9, "end_pts": None}], [{"start_pts": -9, "end_pts": -3}],
    [{"start_pts": 0, "end_pts": 0}], [{"start_pts": True, "end_pts": 0}],
    [{"start_pts": -9, "end_pts": -3}, {"start_pts": -4, "end_pts": 0}],
]  # fmt: skip


def frames(source: VideoSource) -> list[tuple[int, bytes]]:
    with source:
        return [(frame.pts or 0, frame.pixels.tobytes()) for frame in source]


def cut(plan: SegmentPlan, segment: Segment) -> list[tuple[int, bytes]]:
    return frames(CutSource(plan, [Stretch(segment.start_pts, segment.end_pts)]))


@pytest.mark.parametrize("kind", CLIPS)
def test_segments_have_the_films_frames_and_times(tmp_path: Path, kind: str) -> None:
    name, how = CLIPS[kind]
    clip = make_clip(tmp_path / name, **how)
    plan = plan_segments(clip, 0.7)
    assert len(plan.segments) > 1
    assert not plan.whole_because
    pieces = [cut(plan, segment) for segment in plan.segments]
    assert all(pieces)
    assert [frame for piece in pieces for frame in piece] == frames(VideoSource(clip))


@pytest.mark.parametrize("first", [1, 17, 29, 30, 31, 58])
def test_a_stretch_may_begin_anywhere(tmp_path: Path, first: int) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=range(60), options=OPEN_GOP)
    plan = plan_segments(clip, 0.7)
    whole = frames(VideoSource(clip))
    times = [pts for pts, _ in whole]
    stretches = [Stretch(times[0], times[1]), Stretch(times[first], times[first] + 1)]
    assert frames(CutSource(plan, stretches)) == [whole[0], whole[first]]


def test_a_trimmed_film_is_cut_within_the_trim(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=range(60), options=CLOSED_GOP)
    plan = plan_segments(clip, 0.5, options=VideoOptions(start_s=0.5, end_s=2.0))
    pieces = [frame for segment in plan.segments for frame in cut(plan, segment)]
    assert len(plan.segments) > 1
    assert pieces == frames(VideoSource(clip, start_s=0.5, end_s=2.0))


def test_segments_are_equal_and_of_an_even_number(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=range(120), options={"crf": "12", "g": "5"})
    for seconds, count in ((1.7, 4), (1.1, 6), (2.5, 2), (5, 1)):
        plan = plan_segments(clip, seconds)
        starts = [float(part.start_pts * plan.base) for part in plan.segments]
        assert len(starts) == count
        assert max(np.diff([*starts, 4.8])) < 4.8 / count + 0.4


def test_films_that_cannot_be_cut_exactly_are_one_segment(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=range(40), options=CLOSED_GOP)
    plan = plan_segments(clip, 0.4, options=VideoOptions(fps=12.5))
    assert len(plan.segments) == 1
    assert "rate" in plan.whole_because
    assert frames(CutSource(plan, None)) == frames(VideoSource(clip, fps=12.5))
    stream = make_clip(tmp_path / "a.ts", pts=range(40), options=CLOSED_GOP)
    assert "mpegts" in plan_segments(stream, 0.4).whole_because


def test_a_plan_survives_as_text_and_refuses_other_text(tmp_path: Path) -> None:
    plan = plan_segments(make_clip(tmp_path / "a.mp4", pts=range(40), options=CLOSED_GOP), 0.4)
    first = replace(plan.segments[0], run_up=(Stretch(-9, -3), Stretch(-2, 0)))
    led_in = replace(plan, segments=(first, *plan.segments[1:]))
    for whole in (plan, led_in):
        assert SegmentPlan.from_json(whole.to_json()) == whole
    assert first.stretches == (Stretch(-9, -3), Stretch(-2, first.end_pts))
    assert replace(plan, path="elsewhere.mp4").fingerprint == plan.fingerprint
    plain = json.loads(plan.to_json())
    wrong = [
        {**plain, "extra": 1},
        {**plain, "segments": []},
        {**plain, "segments": plain["segments"][::-1]},
        {**plain, "segments": [{"index": 0, "start_pts": 1.5, "end_pts": None}]},
        {**plain, "time_base": "1/0"},
        {**plain, "scouted_for": 7},
        *({**plain, "segments": [{**plain["segments"][0], "run_up": up}]} for up in RUN_UPS),
        {**plain, "shift_pts": True},
        {**plain, "start_s": -1},
    ]
    for text in ["", "[]", "null", *map(json.dumps, wrong)]:
        with pytest.raises(InputError):
            SegmentPlan.from_json(text)


def test_a_film_that_was_changed_is_noticed(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=range(40), options=CLOSED_GOP)
    plan = plan_segments(clip, 0.4)
    plan.check()
    data = bytearray(clip.read_bytes())
    data[len(data) // 2] ^= 1
    clip.write_bytes(data)
    with pytest.raises(InputError, match="was changed"):
        plan.check()
    clip.unlink()
    with pytest.raises(InputError):
        plan.check()


def test_lengths_without_sense_are_refused(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4")
    for seconds in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(SettingsError):
            plan_segments(clip, seconds)
    assert np.isfinite(plan_segments(clip, 3600).segments[0].start_pts)
