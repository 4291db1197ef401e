"""Frames in flight through the stage that swaps, on a simulated device; counts, no clocks."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from carried_faces import view
from test_devices_by_role import Stream, row
from worker_bench import FINISHED, wanted

from masquerade.core.errors import MasqueradeError
from masquerade.stages.awaited import Awaited
from masquerade.stages.carry.ahead import Ahead
from masquerade.stages.carry.turnstile import Turnstile
from masquerade.testing.threads import no_leaked_threads


def test_a_device_has_the_next_frame_before_the_last_one_is_fetched() -> None:
    shown = view()
    stream = Stream(apart=False, refresh="every")
    with no_leaked_threads(), stream.stage as stage:
        jobs = [stream.begun(shown, [shown.face()]) for _ in range(3)]
        assert stage.holds >= 2
        assert all(not job.patches for job in jobs), "begun, and not waited for"
        ahead = [Awaited().process(job) for job in jobs]
        assert [len(job.patches) for job in ahead] == [1, 1, 1]
        one = stream.frame(shown, [shown.face()])
    for job in ahead:
        np.testing.assert_array_equal(job.patches[0].pixels, one.patches[0].pixels)
    assert stream.diary.order == ["both"] * 8


@pytest.mark.parametrize("live", [False, True])
def test_auto_draws_every_face_where_the_networks_keep_up(live: bool) -> None:
    shown = view()
    stream = Stream(apart=True, refresh="auto", period_s=0.2)  # a network's run takes 0.04
    with no_leaked_threads(), stream.stage as stage:
        frames, end_s = 0, time.monotonic() + 20
        while stage.gauges()["refreshes"] < 6:
            assert time.monotonic() < end_s
            stream.frame(shown, [shown.face()], live=live)
            frames += 1
            if live:
                time.sleep(0.05)
        assert stage.holds > 0 if live else frames <= 7


@pytest.mark.alone
def test_auto_carries_live_faces_where_they_do_not() -> None:
    shown = view()
    stream = Stream(apart=True, refresh="auto", period_s=0.02)
    with no_leaked_threads(), stream.stage as stage:
        end_s = time.monotonic() + 20
        while stage.gauges()["refreshes"] < 3:
            assert time.monotonic() < end_s
            stream.frame(shown, [shown.face()], live=True)
            assert stage.holds == 0


def test_several_faces_of_a_frame_follow_each_other_through_the_devices() -> None:
    shown = view()
    stream = Stream(apart=True, refresh="every")
    with no_leaked_threads(), stream.stage:
        job = stream.frame(shown, row(shown, 3))
    assert [patch.track_id for patch in job.patches] == [0, 1, 2]
    assert stream.diary.together >= 2


def test_an_error_of_one_frame_is_that_frames() -> None:
    def make(requests, _steps):
        if requests[0].seq == 1:
            raise ZeroDivisionError
        return [FINISHED]

    with no_leaked_threads(), Ahead(make, Turnstile(), 2) as ahead:
        drawn = [ahead.begin([wanted(seq)]) for seq in range(3)]
        outcomes = [wait()[0] for wait in drawn]
    assert [type(outcome.error) for outcome in outcomes] == [
        type(None),
        ZeroDivisionError,
        type(None),
    ]
    assert [outcome.request.seq for outcome in sorted_by_frame(ahead)] == [0, 1, 2]
    with pytest.raises(MasqueradeError):
        ahead.begin([wanted(3)])


def test_closing_waits_for_what_was_begun() -> None:
    go = threading.Event()

    def make(requests, _steps):
        assert go.wait(10)
        return [FINISHED]

    with no_leaked_threads():
        ahead = Ahead(make, Turnstile(), 2)
        drawn = [ahead.begin([wanted(seq)]) for seq in range(4)]
        threading.Timer(0.05, go.set).start()
        ahead.close()
        ahead.close()
        assert all(wait()[0].finished is FINISHED for wait in drawn)


def sorted_by_frame(ahead: Ahead):
    return sorted(ahead.collect(), key=lambda outcome: outcome.request.seq)
