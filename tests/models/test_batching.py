"""Faces go together where the clock says that it is quicker."""

import pytest

from masquerade.core.errors import MemoryBudgetError
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


def _shares(batching: Batching, count: int, **options) -> list[int]:
    """How many each run took."""
    items = list(range(count))
    runs = batching.run(count, lambda part: items[part], **{"able": True, **options})
    assert [item for run in runs for item in run] == items
    return [len(run) for run in runs]


def test_runs_take_all_or_one():
    assert _shares(Batching("always"), 4) == [4]
    assert _shares(Batching("never"), 4) == [1] * 4
    assert _shares(Batching("always"), 4, able=False) == [1] * 4
    assert _shares(Batching("always"), 0) == []


def test_one_run_takes_no_more_than_memory_is_good_for():
    assert _shares(Batching("always"), 36) == [16, 16, 4]


def test_where_memory_runs_out_they_are_taken_one_by_one_from_then_on():
    batching, sizes = Batching("always"), []

    def run(part):
        sizes.append(part.stop - part.start)
        if sizes[-1] > 2:
            raise MemoryBudgetError("It is full. Take less.")

    for _ in range(2):
        batching.run(4, run, able=True)
    assert sizes == [4] + [1] * 8
    assert not batching.may_gain(4)
    assert not batching.may_gain(5)
    assert batching.may_gain(2)


def test_another_error_is_the_callers():
    with pytest.raises(ZeroDivisionError):
        Batching("always").run(4, lambda part: 1 / 0, able=True)


def test_whether_it_may_gain_is_open_until_it_was_measured():
    for base_s, gains in ((0.9, True), (-0.01, False)):
        clock = FakeClock()
        batching = Batching("auto", clock=clock)
        assert batching.may_gain(4)
        assert not batching.may_gain(1)
        _crowds(batching, clock, base_s=base_s, each_s=1 - base_s)
        assert batching.may_gain(4) == gains
        assert batching.may_gain(3), "not tried yet"


def test_processors_never_take_faces_together():
    assert not Batching.on("cpu").may_gain(4)
    assert not Batching.on("openvino").may_gain(4)
    assert Batching.on("cuda").may_gain(4)
