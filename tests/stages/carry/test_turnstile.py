from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from masquerade.stages.carry.turnstile import AT_WILL, Turnstile
from masquerade.testing.clock import FakeClock

FRAMES = 12


def test_every_step_is_done_in_the_order_of_the_turns_and_steps_overlap() -> None:
    turnstile, seen = Turnstile(), {"cut": [], "draw": [], "finish": []}
    meeting = threading.Barrier(2)

    def work(number: int, turn) -> None:
        with turn:
            for name in seen:
                with turn.step(name):
                    seen[name].append(number)
                    if (name, number) in (("draw", 0), ("cut", 1)):
                        meeting.wait(10)  # breaks unless the second is cut while the first is drawn

    turns = [turnstile.take() for _ in range(FRAMES)]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, *pair) for pair in enumerate(turns)]:
            done.result(20)
    assert all(numbers == list(range(FRAMES)) for numbers in seen.values())


def test_a_wide_step_is_done_by_as_many_at_a_time_and_no_more() -> None:
    turnstile, lock, at_work, most = Turnstile(), threading.Lock(), set(), [0]
    both = threading.Barrier(2)

    def work(number: int, turn) -> None:
        with turn, turn.step("draw", 2):
            with lock:
                at_work.add(number)
                most[0] = max(most[0], len(at_work))
            if number < 2:
                both.wait(10)
            with lock:
                at_work.remove(number)

    turns = [turnstile.take() for _ in range(FRAMES)]
    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(work, *pair) for pair in enumerate(turns)]:
            done.result(20)
    assert most == [2]


def test_a_turn_that_leaves_a_step_out_or_fails_holds_up_nobody() -> None:
    turnstile = Turnstile()
    first, second, third = (turnstile.take() for _ in range(3))
    with pytest.raises(ZeroDivisionError), first, first.step("cut"):
        raise ZeroDivisionError
    with second:
        pass
    with third, third.step("cut"), third.step("draw"):
        pass


def test_what_was_asked_for_is_done_alone_between_two_turns() -> None:
    turnstile, order = Turnstile(), []
    first = turnstile.take()
    turnstile.do(lambda: order.append("between"))
    second, third = turnstile.take(), turnstile.take()

    def work(name: str, turn) -> None:
        with turn, turn.step("cut"):
            order.append(name)

    with ThreadPoolExecutor(3) as pool:
        late = [pool.submit(work, "third", third), pool.submit(work, "second", second)]
        with first, first.step("cut"):
            assert order == []
            order.append("first")
        for done in late:
            done.result(20)
    assert order == ["first", "between", "second", "third"]


def test_what_fails_between_costs_one_turn_and_is_not_done_again() -> None:
    turnstile, done = Turnstile(), []

    def fail() -> None:
        raise ZeroDivisionError

    turnstile.do(fail)
    turnstile.do(lambda: done.append(1))
    with pytest.raises(ZeroDivisionError), turnstile.take():
        pass
    assert done == []
    with turnstile.take():
        assert done == [1]


def test_a_step_may_be_done_again_within_its_turn() -> None:
    turnstile = Turnstile()
    with turnstile.take() as turn:
        for _ in range(2):
            with turn.step("cut"):
                pass


def test_pace_and_time_at_work_are_those_of_the_slowest_step() -> None:
    clock = FakeClock()
    turnstile = Turnstile(clock)
    assert turnstile.pace_s == turnstile.busy_s == 0
    for ended in range(3):
        with turnstile.take() as turn:
            with turn.step("cut"):
                clock.advance(0.01)
            with turn.step("draw", 2):
                clock.advance(0.08)
                assert turnstile.busy_s > 0
                if not ended:
                    assert turnstile.pace_s == 0, "of the first turn only a quick step has ended"
    assert turnstile.pace_s == pytest.approx(0.04)
    assert turnstile.busy_s == pytest.approx(0.12)


def test_at_will_nothing_waits() -> None:
    with AT_WILL.step("finish"), AT_WILL.step("finish"):
        pass
