"""Shared networks stay while somebody uses them, and go when nobody has for a while."""

from __future__ import annotations

import threading
import time

import pytest

from masquerade.engine.leases import Leases


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def closed() -> list[object]:
    return []


@pytest.fixture
def leases(clock, closed):
    found = Leases(closed.append, clock)
    yield found
    found.close_idle()
    found.close_overdue()  # ends the timer


def test_what_two_engines_use_stays_until_both_are_done(leases, clock, closed):
    a, b = object(), object()
    leases.take([a, b])
    leases.take([a])
    leases.give_back([a, b], idle_s=10)
    clock.now_s += 11
    leases.close_overdue()
    assert closed == [b]
    leases.give_back([a], idle_s=10)
    clock.now_s += 11
    leases.close_overdue()
    assert closed == [b, a]


def test_what_is_used_again_in_time_is_not_let_go(leases, clock, closed):
    a = object()
    leases.take([a])
    leases.give_back([a], idle_s=10)
    clock.now_s += 9
    leases.take([a])
    clock.now_s += 100
    leases.close_overdue()
    leases.close_idle()
    assert closed == []
    leases.give_back([a], idle_s=10)


def test_idle_networks_go_at_once_when_memory_is_wanted(leases, closed):
    used, idle = object(), object()
    leases.take([used, idle])
    leases.give_back([idle], idle_s=1000)
    assert closed == []
    leases.close_idle()
    assert closed == [idle]
    leases.give_back([used], idle_s=0)
    assert closed == [idle, used]


def test_nobody_has_to_come_back_for_it():
    gone = threading.Event()
    leases = Leases(lambda model: gone.set())
    model = object()
    leases.take([model])
    began_s = time.monotonic()
    leases.give_back([model], idle_s=0.2)
    assert not gone.is_set()
    assert gone.wait(10)
    assert time.monotonic() - began_s >= 0.2
    for thread in threading.enumerate():
        if thread.name == "idle-networks":
            thread.join(10)
    assert not [t for t in threading.enumerate() if t.name == "idle-networks"]
