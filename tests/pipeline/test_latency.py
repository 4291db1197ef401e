"""Percentiles of any number of latencies, in fixed memory."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from masquerade.pipeline.latency import Latencies


@given(st.lists(st.floats(0, 9), min_size=1, max_size=300))
def test_percentiles_are_those_of_all_values_to_a_quarter_of_a_millisecond(seconds):
    latencies = Latencies()
    for value in seconds:
        latencies.add(value)
    found = latencies.percentiles()
    for rank, got in ((50, found.p50), (95, found.p95), (99, found.p99)):
        wanted = np.percentile(seconds, rank, method="inverted_cdf") * 1000
        assert wanted - 0.01 <= got <= wanted + 0.51


def test_before_the_first_frame_and_beyond_the_scale():
    latencies = Latencies()
    assert latencies.percentiles().p99 == 0
    assert latencies.recent_p95_ms() == 0
    latencies.add(1000)
    latencies.add(-1)
    assert latencies.percentiles().p99 == 10_000


def test_the_recent_ones_forget_the_old_ones():
    latencies = Latencies()
    for _ in range(100):
        latencies.add(2.0)
    for _ in range(64):
        latencies.add(0.01)
    assert latencies.recent_p95_ms() < 11
    assert latencies.percentiles().p50 > 1000
