from __future__ import annotations

import numpy as np

from masquerade.core.frame import Frame
from masquerade.stages.carry.pace import Pace

PIXELS = np.zeros((2, 2, 3), np.uint8)


def live(seq: int, fps: float = 25.0) -> Frame:
    return Frame(PIXELS, seq, captured_s=seq / fps)


def test_networks_begin_to_draw_every_frame_well_below_the_stream_s_pace() -> None:
    pace = Pace()
    assert not pace.observe(live(0), 0.020), "one frame says nothing of the pace"
    assert not pace.observe(live(1), 0.0), "nor do networks that have drawn nothing yet"
    assert not pace.observe(live(2), 0.033)
    assert pace.observe(live(3), 0.030)
    assert pace.keeps_up


def test_and_end_only_near_it() -> None:
    pace = Pace()
    verdicts = [pace.observe(live(n), pace_s) for n, pace_s in enumerate((0.02, 0.02, 0.037))]
    assert verdicts == [False, True, True]
    assert not pace.observe(live(3), 0.039)
    assert not pace.observe(live(4), 0.037), "once ended, it begins where it began"


def test_frames_that_were_dropped_do_not_slow_the_stream_down() -> None:
    pace = Pace()
    for seq in range(0, 100, 4):
        assert not pace.observe(live(seq), 0.06), "a quarter of the frames is not every frame"
