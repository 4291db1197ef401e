"""Frames leave as steadily as they were captured, soon, and late ones at once."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from masquerade.pipeline.pacer import Pacer

PERIOD = 1 / 30


def leave(pacer, captured_s, took_s):
    """When each frame leaves: when it is due, or when it is ready if that is later."""
    leaves = []
    for seq, (at, took) in enumerate(zip(captured_s, took_s, strict=True)):
        ready = at + took
        leaves.append(max(ready, pacer.due_s(seq, at, ready)))
    return np.array(leaves)


def test_noise_of_the_stages_is_taken_out_of_the_intervals():
    rng = np.random.default_rng(4)
    captured = np.arange(900) * PERIOD
    took = 0.015 + rng.gamma(2.0, 0.003, 900)
    left = leave(Pacer(PERIOD), captured, took)
    steady = np.diff(left[60:])
    unpaced = np.diff((captured + took)[60:])
    assert steady.std() < 0.35 * unpaced.std()
    assert np.percentile(abs(steady - PERIOD), 95) < 0.15 * PERIOD
    latency = (left - captured)[60:]
    assert np.percentile(latency, 95) < np.percentile(took, 99.5)


def test_a_reading_thread_that_trembles_does_not_shake_the_picture():
    rng = np.random.default_rng(5)
    captured = np.sort(np.arange(600) * PERIOD + rng.uniform(0, 0.006, 600))
    left = leave(Pacer(PERIOD), captured, np.full(600, 0.012))
    assert np.diff(left[60:]).std() < 0.5 * np.diff(captured[60:]).std()


def test_a_stall_starts_the_clock_anew():
    captured = np.concatenate([np.arange(90), np.arange(90) + 240]) * PERIOD
    pacer = Pacer(PERIOD)
    left = leave(pacer, captured, np.full(180, 0.02))
    assert left[90] - captured[90] < 0.03
    assert abs(pacer.period_s - PERIOD) < 0.02 * PERIOD


def test_dropped_frames_leave_gaps_of_whole_periods():
    pacer = Pacer(PERIOD)
    leaves = [pacer.due_s(seq, seq * PERIOD, seq * PERIOD + 0.02) for seq in range(0, 300, 3)]
    assert np.allclose(np.diff(leaves[10:]), 3 * PERIOD, atol=0.15 * PERIOD)


def test_an_unknown_rate_is_learned():
    pacer = Pacer(None)
    leave(pacer, np.arange(200) * 0.02, np.full(200, 0.01))
    assert abs(pacer.period_s - 0.02) < 1e-3


def test_one_frame_that_took_long_delays_the_others_by_little():
    took = np.full(200, 0.02)
    took[100] = 2.0
    pacer = Pacer(PERIOD)
    latency = leave(pacer, np.arange(200) * PERIOD, took) - np.arange(200) * PERIOD
    assert latency[100] >= 2.0
    assert latency[101:].max() <= 0.02 + 0.2 * PERIOD


def test_slow_first_frames_are_forgotten_within_seconds():
    took = np.concatenate([np.full(5, 0.3), np.full(295, 0.02)])
    captured = np.arange(300) * PERIOD
    latency = leave(Pacer(PERIOD), captured, took) - captured
    assert latency[240:].max() <= 0.025


def test_a_line_that_takes_several_periods_is_paced_as_well():
    rng = np.random.default_rng(6)
    captured, took = np.arange(600) / 60, 0.04 + rng.uniform(0, 0.01, 600)
    left = leave(Pacer(1 / 60), captured, took)
    assert np.diff(left[60:]).std() < 0.35 * np.diff((captured + took)[60:]).std()


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0, 0.1), st.floats(0, 0.01)), min_size=2))
def test_no_frame_waits_much_longer_than_any_before_it_took(steps):
    pacer, seq, longest = Pacer(PERIOD), 0, 0.0
    for count, took, tremble in steps:
        seq += count
        captured = seq * PERIOD + tremble
        longest = max(longest, took)
        due = pacer.due_s(seq, captured, captured + took)
        assert due - captured <= longest + 2.5 * PERIOD


def test_pairs_of_due_times_rise_on_a_steady_source():
    pacer = Pacer(PERIOD)
    due = [pacer.due_s(k, k * PERIOD, k * PERIOD + 0.01 + 0.01 * (k % 2)) for k in range(100)]
    assert all(a < b for a, b in itertools.pairwise(due))
