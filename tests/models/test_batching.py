"""Faces go together where the clock says that it is quicker."""

import pytest

from masquerade.models.batching import Batching
from masquerade.testing.clock import FakeClock


def _crowds(batching: Batching, clock: FakeClock, *, base_s: float, each_s: float, n: int = 4):
    """What is chosen for one crowd after the other on a device of that cost."""
    choices = []
    for _ in range(10):
        together = batching.choose(n)
        with batching.timed(n, together):
            clock.advance(base_s + n * each_s if together else n * (base_s + each_s))
        choices.append(together)
    return choices


def test_a_device_that_batches_is_found_out():
    clock = FakeClock()
    batching = Batching("auto", clock=clock)
    # Four faces cost 1.3 times one.
    choices = _crowds(batching, clock, base_s=0.9, each_s=0.1)
    assert choices == [False] * 3 + [True] * 7


def test_a_device_that_does_not_is_found_out():
    clock = FakeClock()
    batching = Batching("auto", clock=clock)
    choices = _crowds(batching, clock, base_s=-0.01, each_s=1.0)
    assert choices == [False] * 3 + [True] * 3 + [False] * 4


def test_a_first_run_that_warms_up_does_not_count():
    clock = FakeClock()
    batching = Batching("auto", clock=clock)
    for together, cost in ((False, 4), (False, 4), (False, 4), (True, 60), (True, 2), (True, 2)):
        assert batching.choose(4) == together
        with batching.timed(4, together):
            clock.advance(cost)
    assert batching.choose(4)


def test_one_face_is_never_a_crowd():
    for mode in ("auto", "always", "never"):
        assert not Batching(mode).choose(1)
    assert Batching("always").choose(2)
    assert not Batching("never").choose(2)


def test_a_run_that_fails_is_not_counted():
    clock = FakeClock()
    batching = Batching("auto", clock=clock)
    for _ in range(5):
        with pytest.raises(RuntimeError), batching.timed(2, together=False):
            raise RuntimeError
    assert not batching.choose(2)
