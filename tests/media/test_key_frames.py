"""Key frames alone: all of them, and what the whole film shows there."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import make_clip
from test_segments import CLIPS, CLOSED_GOP

from masquerade.core.errors import InputError
from masquerade.media.encoders import VideoOptions
from masquerade.media.file import VideoSource
from masquerade.media.key_frames import key_frames
from masquerade.media.segments import plan_segments


@pytest.mark.parametrize("kind", CLIPS)
def test_all_key_frames_are_shown(tmp_path: Path, kind: str) -> None:
    name, how = CLIPS[kind]
    plan = plan_segments(make_clip(tmp_path / name, **how), 0.7)
    with av.open(plan.path) as film:
        wanted = [p.pts for p in film.demux(video=0) if p.is_keyframe and p.pts is not None]
    assert [pts for pts, _ in key_frames(plan)] == wanted


def test_they_look_as_in_the_film(tmp_path: Path) -> None:
    plan = plan_segments(make_clip(tmp_path / "a.mp4", pts=range(40), options=CLOSED_GOP), 0.4)
    with VideoSource(plan.path) as film:
        whole = {frame.pts: frame.pixels for frame in film}
    for pts, small in key_frames(plan):
        assert small.shape == (72, 128, 3)
        wanted = cv2.resize(whole[pts], (128, 72), interpolation=cv2.INTER_AREA)
        assert np.abs(small.astype(int) - wanted).mean() < 12


def test_only_the_wanted_stretch_is_looked_at(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=range(60), options=CLOSED_GOP)
    plan = plan_segments(clip, 0.5, options=VideoOptions(start_s=0.5, end_s=2.0))
    times = [float(pts * plan.base) for pts, _ in key_frames(plan)]
    assert times
    assert 0.5 <= min(times) <= max(times) < 2.0


def test_a_film_that_is_damaged_is_looked_at_as_far_as_it_goes(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", pts=range(60), options=CLOSED_GOP)
    plan = plan_segments(clip, 0.5)
    data = bytearray(clip.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(3000)
    clip.write_bytes(data)
    assert len(list(key_frames(plan))) >= 1
    clip.write_bytes(b"nothing")
    with pytest.raises(InputError):
        list(key_frames(plan))
