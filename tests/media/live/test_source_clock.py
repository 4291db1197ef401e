"""The clocks of live streams."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from masquerade.media.live.clock import Rhythm, SenderClock, StreamClock


def test_pts_rises_by_the_clock():
    clock = StreamClock()
    assert clock.origin_s is None
    assert [clock.pts(s) for s in (7.0, 7.5, 7.5, 7.4, 8.0)] == [
        0,
        500_000,
        500_001,
        500_002,
        10**6,
    ]
    assert clock.origin_s == 7.0


def test_a_burst_is_old_and_what_follows_is_not():
    sender = SenderClock()
    old = [sender.arrives(k / 25, 100 + k * 0.003) for k in range(25)]
    assert old == [False] + [True] * 24
    live = [sender.arrives(1 + k / 25, 100.115 + k / 25) for k in range(25)]
    assert not any(live)
    assert abs(sender.sound_moment(1.0) - 100.072) < 0.05


def test_jitter_moves_sound_little_and_drift_is_followed():
    rng = np.random.default_rng(0)
    sender = SenderClock()
    for k in range(25 * 3600):  # an hour; the sender's clock is slow by 200 millionths
        seconds = k / 25
        sender.arrives(seconds, 50 + seconds * 1.0002 + rng.uniform(0, 0.03))
    assert abs(sender.sound_moment(3600.0) - (50 + 3600 * 1.0002)) < 0.03


def test_a_jump_of_timestamps_sets_it_anew():
    sender = SenderClock()
    assert sender.sound_moment(0.0) is None
    sender.arrives(1000.0, 10.0)
    sender.arrives(3.0, 10.04)  # back to the beginning
    assert sender.sound_moment(3.0) == 10.04
    assert not sender.arrives(None, 11.0)


def test_recorded_pictures_wait_until_they_are_due():
    sender = SenderClock()
    assert sender.wait_s(5.0, 100.0) == 0
    assert abs(sender.wait_s(5.4, 100.1) - 0.3) < 1e-9
    assert sender.wait_s(5.4, 100.6) == 0
    assert sender.wait_s(5.5, 120.0) == 0  # after a pause it goes on from there
    assert abs(sender.wait_s(5.6, 120.0) - 0.1) < 1e-9


def test_what_is_too_many_is_thinned_out():
    rhythm = Rhythm(Fraction(10))
    shown = [k for k in range(60) if not rhythm.skips(k / 30)]
    assert len(shown) == 20
    assert not any(Rhythm(None).skips(k / 1000) for k in range(9))
    slower = Rhythm(Fraction(30))
    assert not any(slower.skips(k / 25) for k in range(50))
