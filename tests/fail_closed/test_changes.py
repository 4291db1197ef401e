"""After a change of donor no frame shows the old one, whatever else goes wrong in that frame."""

from __future__ import annotations

from importlib.resources import as_file

import numpy as np
import pytest

from masquerade import Engine, Identity, Settings
from masquerade.core.frame import Frame, FrameJob
from masquerade.engine import staging as wiring
from masquerade.media.puppet import bundled_photo
from masquerade.stages.swap import Swap
from masquerade.testing import FailingStage, is_shown, play

SETTINGS = Settings(watermark=False, many_faces=True, label="none", hold_s=20)
CHANGE = 5


@pytest.fixture(scope="module")
def donors():
    made = {}
    for name in ("mona_lisa", "astronaut"):
        with as_file(bundled_photo(name)) as photo:
            made[name] = Identity.from_photos(photo, name)
    return made


@pytest.fixture(scope="module")
def shots():
    source = play("crossing", size_wh=(320, 240), rate=5)
    return [source.render(seq) for seq in range(10)]


def run(shots, donor, change_to=None):
    """Outputs; from CHANGE on the other donor is to be drawn."""
    with Engine(donor, SETTINGS) as engine:
        line = engine.live_line((320, 240), warm_up=False)
        outputs = []
        for seq, (frame, _) in enumerate(shots):
            job = FrameJob(Frame(frame.pixels, seq, frame.pts, frame.time_base))
            if change_to is not None and seq == CHANGE:
                job.changes = engine.change_donors(change_to)
            outputs.append(line.process(job).output)
    return outputs


@pytest.fixture(scope="module")
def old_all_along(shots, donors):
    return run(shots, donors["mona_lisa"])


def apart(one, other, truth):
    inside = np.zeros(one.shape[:2], bool)
    for head in truth.heads:
        inside |= (head.face > 0) & (head.occlusion == 0)
    return float(np.abs(one.astype(int) - other)[inside].mean())


def test_the_new_donor_is_drawn_from_that_frame_on(shots, donors, old_all_along):
    new_all_along = run(shots, donors["astronaut"])
    changed = run(shots, donors["mona_lisa"], donors["astronaut"])
    for seq, (_, truth) in enumerate(shots):
        to_old = apart(changed[seq], old_all_along[seq], truth)
        to_new = apart(changed[seq], new_all_along[seq], truth)
        if seq < CHANGE:
            assert to_old == 0
        else:
            assert to_new < 0.5 * to_old


@pytest.mark.parametrize("name", ["Swap", "Composite", "Select"])
def test_nothing_of_the_old_one_is_held(name, shots, donors, old_all_along, monkeypatch):
    real = getattr(wiring, name)

    class Broken(FailingStage):
        prepare = staticmethod(Swap.prepare)

        def __init__(self, *args):
            super().__init__(real(*args), lambda seq: seq >= CHANGE)

    monkeypatch.setattr(wiring, name, Broken)
    changed = run(shots, donors["mona_lisa"], donors["astronaut"])
    for seq in range(CHANGE, len(shots)):
        frame, truth = shots[seq]
        assert apart(changed[seq], old_all_along[CHANGE - 1], truth) > 8
        assert apart(changed[seq], old_all_along[seq], truth) > 8
        assert not any(is_shown(frame.pixels, changed[seq], head) for head in truth.heads)


def test_preparing_a_donor_does_what_takes_long(donors):
    prepared = Swap.prepare(donors)
    assert {name: donor.identity for name, donor in prepared.items()} == donors


def test_knobs_turned_in_mid_stream_show_nobody(shots, donors):
    with Engine(donors["mona_lisa"], SETTINGS) as engine:
        line = engine.live_line((320, 240), warm_up=False)
        stages = {stage.name: stage for section in line.sections for stage in section._stages}
        for seq, (frame, truth) in enumerate(shots):
            stages["swap"].resolution = (1.0, 0.75, 0.5)[seq % 3]
            stages["track"].looks = 1 + seq // 3 % 2
            stages["detect"].every, stages["detect"].looks = 1 + seq % 4, 1 + seq % 2
            job = FrameJob(Frame(frame.pixels, seq, frame.pts, frame.time_base))
            output = line.process(job).output
            assert not any(is_shown(frame.pixels, output, head) for head in truth.heads)
