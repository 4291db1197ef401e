"""Counts, times and the time left, on a clock that the test turns."""

from __future__ import annotations

import pytest

from masquerade.pipeline.meter import Meter


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


def test_speed_and_time_left_follow_the_clock(clock):
    meter = Meter(total=50, clock=clock)
    assert meter.progress().eta_s is None
    for _ in range(10):
        clock.now_s += 0.1
        meter.frame_finished({})
    progress = meter.progress()
    assert (progress.done, progress.total) == (10, 50)
    assert progress.fps == pytest.approx(10)
    assert progress.eta_s == pytest.approx(4)
    assert meter.fps == pytest.approx(10)


def test_time_left_follows_the_recent_speed_and_fps_the_whole_run(clock):
    meter = Meter(total=400, clock=clock)
    for step_s in [0.1] * 100 + [0.5] * 100:
        clock.now_s += step_s
        meter.frame_finished({})
    assert meter.progress().eta_s == pytest.approx(200 * 0.5)
    assert meter.fps == pytest.approx(200 / 60)


def test_an_unknown_length_has_no_time_left(clock):
    meter = Meter(clock=clock)
    clock.now_s += 1
    meter.frame_finished({})
    assert meter.progress().total is None
    assert meter.progress().eta_s is None


def test_more_frames_than_announced_leave_nothing_to_wait_for(clock):
    meter = Meter(total=1, clock=clock)
    for _ in range(2):
        clock.now_s += 1
        meter.frame_finished({})
    assert meter.progress().eta_s == 0


def test_stage_times_are_median_and_95th_percentile_over_the_last_frames(clock):
    meter = Meter(clock=clock)
    for value in range(1, 101):
        meter.frame_finished({"swap": float(value), "label": 1.0})
    times = meter.stage_times()
    assert list(times) == ["swap", "label"]
    assert times["swap"].median_ms == pytest.approx(50.5)
    assert times["swap"].p95_ms == pytest.approx(96)
    for _ in range(5000):
        meter.frame_finished({"swap": 7.0})
    assert meter.stage_times()["swap"].p95_ms == 7


def test_frames_alive_and_their_peak(clock):
    meter = Meter(clock=clock)
    meter.frame_entered()
    meter.frame_entered()
    meter.frame_left()
    meter.frame_entered()
    assert (meter.alive, meter.peak_alive) == (2, 2)


def test_losses_are_counted_apart(clock):
    meter = Meter(clock=clock)
    meter.lost(dropped=2)
    meter.lost(lagged=1, dropped=1)
    assert meter.losses == {"lagged": 1, "skipped": 0, "dropped": 3}
