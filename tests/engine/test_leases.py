"""Shared networks stay while somebody uses them, and go when memory is wanted and nobody does."""

from __future__ import annotations

import pytest

from masquerade.core.errors import MemoryBudgetError
from masquerade.engine.leases import Leases
from masquerade.runtime.budget import Budget


@pytest.fixture
def closed() -> list[object]:
    return []


@pytest.fixture
def leases(closed) -> Leases:
    return Leases(closed.append)


def test_what_nobody_uses_stays_until_memory_is_wanted(leases, closed):
    used, idle = object(), object()
    leases.take([used, idle])
    leases.give_back([idle])
    assert closed == []
    leases.close_idle()
    assert closed == [idle]


def test_what_two_engines_use_stays_until_both_are_done(leases, closed):
    a, b = object(), object()
    leases.take([a, b])
    leases.take([a])
    leases.give_back([a, b], at_once=True)
    assert closed == [b]
    leases.give_back([a], at_once=True)
    assert closed == [b, a]


def test_what_is_taken_again_is_not_let_go(leases, closed):
    a = object()
    leases.take([a])
    leases.give_back([a])
    leases.take([a])
    leases.close_idle()
    assert closed == []


def test_a_budget_asks_for_it_before_it_refuses():
    used = 100
    budget = Budget("--max-memory", lambda: used, lambda: 1000)
    budget.set_limit(120)

    def close(model: object) -> None:
        nonlocal used
        used -= 50

    leases = Leases(close)
    budget.relieve_with(leases.close_idle)
    model = object()
    leases.take([model])
    with pytest.raises(MemoryBudgetError):
        budget.admit("another", 40)
    leases.give_back([model])
    budget.admit("another", 40)
