"""A failing stage costs its frame and never shows a face that was to be swapped."""

from __future__ import annotations

import numpy as np
import pytest
from stand_ins import Step, draw, failing, picture, selected_face

from masquerade.core.errors import MasqueradeError, ModelError, OutputError, SettingsError
from masquerade.core.frame import Frame, FrameJob
from masquerade.pipeline.conceal import Concealment
from masquerade.pipeline.line import Line


def job(seq=0):
    return FrameJob(Frame(picture(seq), seq=seq))


def line(*groups, finish=(), on_lost="hold", hold_s=0.08, **options):
    return Line(groups, finish=finish, concealment=Concealment(on_lost, hold_s), **options)


def test_stages_run_in_order_and_are_timed_by_the_clock_given():
    ticks = iter(np.arange(100) * 0.25)
    order = []
    steps = [Step(name, lambda job, name=name: order.append(name)) for name in "abc"]
    done = line(steps[:2], finish=steps[2:], clock=lambda: next(ticks)).process(job())
    assert order == ["a", "b", "c"]
    assert done.timings_ms == {"a": 250, "b": 250, "conceal": 250, "c": 250}


def test_a_failed_swap_is_noted_for_each_selected_face_and_the_line_goes_on():
    def find(job):
        job.faces = [selected_face(4), selected_face(7)]

    composite = Step("composite", draw(200))
    done = line(
        [Step("detect", find)], [Step("swap", failing(ModelError("broken"))), composite]
    ).process(job())
    assert [(f.stage, f.track_id) for f in done.failures] == [("swap", 4), ("swap", 7)]
    assert "broken" in done.failures[0].reason
    assert composite.seen == [0]
    assert (done.output == 200).all()


@pytest.mark.parametrize("stage", ["detect", "track", "select", "composite"])
def test_when_any_other_stage_fails_the_rest_is_skipped_but_the_label_is_not(stage):
    after, label = Step("after"), Step("disclose")
    done = line(
        [Step(stage, failing(ValueError("bad")))], [after], finish=[label], on_lost="blank"
    ).process(job(9))
    assert [(f.stage, f.track_id) for f in done.failures] == [(stage, None)]
    assert (after.seen, label.seen) == ([], [9])
    assert (done.output == 0).all()


def test_hold_shows_the_last_good_picture_then_blurs():
    fails = failing(ValueError("bad"), 1, 2, 3)
    work = line([Step("detect", fails), Step("composite", draw(77))], hold_s=0.08)
    frames = [job(seq) for seq in range(5)]
    frames[3].frame.pixels[:6, :8] = 255
    outputs = [work.process(frame).output for frame in frames]
    assert [int(outputs[n].min()) for n in (0, 1, 2, 4)] == [77] * 4
    assert not np.array_equal(outputs[3], frames[3].frame.pixels)
    assert len(np.unique(outputs[3])) > 3


def test_a_raw_frame_is_never_held_and_never_emitted_when_lost():
    work = line([Step("detect", failing(ValueError("bad"), 1))])
    first, second = job(0), job(1)
    rng = np.random.default_rng(3)
    second.frame.pixels[:] = rng.integers(0, 256, second.frame.pixels.shape, np.uint8)
    raw = second.frame.pixels.copy()
    assert work.process(first).output is first.frame.pixels
    shown = work.process(second).output
    assert not np.array_equal(shown, first.frame.pixels)
    assert np.abs(shown.astype(int) - raw).mean() > 10
    assert np.array_equal(second.frame.pixels, raw)


def test_a_blurred_frame_keeps_no_detail_of_a_face():
    work = line([Step("detect", failing(ValueError("bad")))], on_lost="blur")
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (480, 640, 3), np.uint8)
    shown = work.process(FrameJob(Frame(noise))).output
    assert shown.shape == noise.shape
    assert np.abs(np.diff(shown.astype(int), axis=1)).max() <= 3


def test_what_was_good_is_not_held_over_a_change_of_size_or_a_reset():
    work = line([Step("detect", failing(ValueError("bad"), 1)), Step("composite", draw(50))])
    work.process(job(0))
    other = FrameJob(Frame(np.full((20, 20, 3), 9, np.uint8), seq=1))
    assert (work.process(other).output == 9).all()
    work.process(job(0))
    work.reset()
    assert not (work.process(job(1)).output == 50).all()


def test_a_mistake_in_the_settings_ends_the_work():
    with pytest.raises(SettingsError):
        line([Step("select", failing(SettingsError("no such donor")))]).process(job())


def test_the_label_must_not_fail():
    with pytest.raises(ZeroDivisionError):
        line([Step("a")], finish=[Step("disclose", failing(ZeroDivisionError()))]).process(job())


def test_a_stage_that_fails_again_and_again_ends_the_work_with_its_cause():
    work = line([Step("detect", failing(ValueError("bad")))], give_up_after=3)
    work.process(job(0))
    work.process(job(1))
    with pytest.raises(MasqueradeError, match="'detect' failed on 3 frames in a row") as caught:
        work.process(job(2))
    assert isinstance(caught.value.__cause__, ValueError)


def test_good_frames_in_between_start_the_count_again():
    work = line([Step("detect", failing(ValueError("bad"), 0, 1, 3, 4))], give_up_after=3)
    for seq in range(6):
        work.process(job(seq))


def test_reset_reaches_every_stage():
    steps = [Step("a"), Step("b"), Step("c")]
    line(steps[:1], steps[1:2], finish=steps[2:]).reset()
    assert [step.resets for step in steps] == [1, 1, 1]


def test_an_error_of_the_tree_that_concerns_the_output_is_not_swallowed():
    with pytest.raises(OutputError):
        line([Step("composite", failing(OutputError("full")))]).process(job())
