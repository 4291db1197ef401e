"""A budget admits what fits, refuses in a sentence what does not, and knows what is taken."""

from __future__ import annotations

import mmap
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masquerade.core.errors import MemoryBudgetError
from masquerade.runtime.budget import Budget, device_budget, process_budget
from masquerade.runtime.memory import free_machine_bytes

GB = 2**30


class Machine:
    """A process whose memory the test decides."""

    def __init__(self, used: int = GB, available: int = 16 * GB) -> None:
        self.used, self.available = used, available

    def budget(self, limit: int | None) -> Budget:
        budget = Budget("--max-memory", lambda: self.used, lambda: self.available)
        budget.set_limit(limit)
        return budget


def test_what_the_process_takes_already_counts():
    budget = Machine(used=GB).budget(3 * GB)
    assert budget.free_bytes == 2 * GB
    assert budget.fits(2 * GB)
    assert not budget.fits(2 * GB + 1)


def test_a_refusal_is_a_sentence_with_the_numbers_and_what_to_do():
    budget = Machine(used=GB).budget(2 * GB)
    with pytest.raises(MemoryBudgetError) as caught:
        budget.admit("inswapper_128", 3 * GB // 2)
    text = str(caught.value)
    assert "inswapper_128 needs 1.50 GB" in text
    assert "1.00 GB of the 2.00 GB that --max-memory grants are taken" in text
    assert "choose smaller" in text


def test_expected_memory_counts_once_while_it_is_loaded():
    machine = Machine(used=GB)
    budget = machine.budget(4 * GB)
    admission = budget.admit("a", 2 * GB)
    assert budget.taken_bytes == 3 * GB
    machine.used += GB  # half of it is there
    assert budget.taken_bytes == 3 * GB
    machine.used += GB
    assert budget.taken_bytes == 3 * GB
    admission.settle(2 * GB)
    assert budget.taken_bytes == 3 * GB


def test_what_settles_below_its_expectation_leaves_room():
    machine = Machine(used=GB)
    budget = machine.budget(4 * GB)
    first = budget.admit("a", 3 * GB)
    with pytest.raises(MemoryBudgetError):
        budget.admit("b", GB)
    machine.used += GB
    first.settle(GB)
    budget.admit("b", 2 * GB)
    assert budget.free_bytes == 0


def test_the_growth_of_one_that_settled_is_not_the_growth_of_one_that_waits():
    machine = Machine(used=GB)
    budget = machine.budget(10 * GB)
    one = budget.admit("a", 2 * GB)
    budget.admit("b", 3 * GB)
    machine.used += 2 * GB
    one.settle(2 * GB)
    assert budget.taken_bytes == 6 * GB


def test_there_is_always_room_for_the_one_that_works():
    machine = Machine(used=GB)
    budget = machine.budget(4 * GB)
    first, second = budget.admit("a", GB), budget.admit("b", GB)
    first.settle(0, passing_bytes=GB)
    second.settle(0, passing_bytes=GB // 2)
    assert budget.taken_bytes == 2 * GB  # they work in turns
    first.release()
    assert budget.taken_bytes == GB + GB // 2


def test_released_memory_is_free_again():
    machine = Machine(used=GB)
    budget = machine.budget(2 * GB)
    admission = budget.admit("a", GB)
    assert budget.free_bytes == 0
    admission.release()
    admission.release()
    assert budget.free_bytes == GB
    with budget.admit("b", GB):
        assert not budget.fits(1)
    assert budget.fits(GB)


def test_without_a_limit_all_are_admitted_but_what_fits_is_what_the_machine_has():
    budget = Machine(available=2 * GB).budget(None)
    assert budget.fits(2 * GB)
    assert not budget.fits(3 * GB)
    budget.admit("huge", 100 * GB)
    assert budget.free_bytes == 0


def test_who_holds_unused_memory_is_asked_before_anybody_is_refused():
    machine = Machine(used=3 * GB)
    budget = machine.budget(4 * GB)

    class Idle:
        def let_go(self) -> None:
            machine.used = GB

    idle = Idle()
    budget.relieve_with(idle.let_go)
    budget.admit("a", 2 * GB)
    assert machine.used == GB
    machine.used = 3 * GB
    del idle
    with pytest.raises(MemoryBudgetError):
        budget.admit("b", 2 * GB)


def test_a_device_that_cannot_be_measured_counts_what_its_owners_say():
    budget = Budget("--max-vram", None, lambda: 8 * GB)
    budget.set_limit(2 * GB)
    budget.admit("a", GB).settle(GB // 2)
    assert budget.taken_bytes == GB // 2
    with pytest.raises(MemoryBudgetError, match="--max-vram"):
        budget.admit("b", 2 * GB)


def test_the_report_names_the_owners_the_largest_first():
    budget = Machine(used=GB).budget(8 * GB)
    budget.admit("small", GB)
    budget.admit("large", 2 * GB).settle(3 * GB)
    report = budget.report()
    assert [(claim.label, claim.settled) for claim in report.claims] == [
        ("large", True),
        ("small", False),
    ]
    assert report.limit_bytes == 8 * GB
    assert report.taken_bytes + report.free_bytes == 8 * GB


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, GB)), max_size=30))
def test_the_limit_is_never_exceeded_whatever_the_order(steps: list[tuple[int, int]]):
    machine = Machine(used=GB // 4)
    budget = machine.budget(2 * GB)
    pending, settled = [], []
    for kind, size in steps:
        if kind <= 1:
            try:
                pending.append(budget.admit("x", size))
            except MemoryBudgetError:
                assert budget.taken_bytes + size > 2 * GB
        elif kind == 2 and pending:
            admission = pending.pop()
            machine.used += admission.claim_bytes
            admission.settle(admission.claim_bytes)
            settled.append(admission)
        elif kind == 3 and settled:
            admission = settled.pop()
            machine.used -= admission.claim_bytes
            admission.release()
        assert GB // 4 <= budget.taken_bytes <= 2 * GB
    for admission in pending:
        admission.release()
    assert budget.taken_bytes == machine.used


def test_several_threads_never_share_the_same_bytes():
    budget = Machine(used=0).budget(100)
    admitted: list[object] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        for _ in range(50):
            try:
                admitted.append(budget.admit("x", 1))
            except MemoryBudgetError:
                return

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == 100


def test_the_process_budget_measures_this_process():
    budget = process_budget()
    assert budget is process_budget()
    before = budget.taken_bytes
    with mmap.mmap(-1, 60_000_000) as block:
        block.write(bytes(60_000_000))
        assert budget.taken_bytes - before > 50_000_000
    assert budget.free_bytes > 0


def test_every_device_has_a_budget_of_its_own():
    assert device_budget(0) is device_budget(0)
    assert device_budget(0) is not device_budget(1)
    assert device_budget(0).free_bytes > 0


def test_a_container_has_what_its_own_limit_leaves(tmp_path):
    (tmp_path / "memory.max").write_text(f"{3 * GB // 1024}\n")
    (tmp_path / "memory.current").write_text(f"{2 * GB // 1024}\n")
    (tmp_path / "memory.stat").write_text(f"anon 5\ninactive_file {GB // 1024}\n")
    assert free_machine_bytes(tmp_path) == 2 * GB // 1024
    (tmp_path / "memory.max").write_text("max\n")
    assert free_machine_bytes(tmp_path) > 2 * GB // 1024
