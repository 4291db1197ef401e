from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from carried_faces import broken
from worker_bench import FINISHED, Bench, until, wanted

from masquerade.core.errors import MasqueradeError
from masquerade.stages.carry.worker import KeyFrameWorker
from masquerade.testing.clock import FakeClock
from masquerade.testing.threads import no_leaked_threads


@pytest.fixture
def bench() -> Iterator[Bench]:
    with no_leaked_threads():
        made = Bench()
        yield made
        for _ in range(100):
            made.go.release()
        made.worker.close()


def test_it_works_in_a_thread_of_its_own_name(bench: Bench) -> None:
    request = wanted()
    bench.worker.ask([request])
    assert bench.worker.collect() == []  # and did not wait
    bench.go.release()
    (outcome,) = bench.collect(1)
    assert outcome.request is request
    assert outcome.finished is FINISHED
    assert outcome.error is None
    assert bench.threads == {"masquerade-networks"}


def test_one_is_under_way_and_the_newest_waits(bench: Bench) -> None:
    bench.worker.ask([wanted(0)])
    until(lambda: bench.begun == [0])
    for seq in (1, 2, 3):
        bench.worker.ask([wanted(seq)])
    assert [request.seq for request in bench.worker.under_way] == [0]
    assert [request.seq for request in bench.worker.waiting] == [3]
    bench.go.release()
    bench.go.release()
    assert [outcome.request.seq for outcome in bench.collect(2)] == [0, 3]
    assert bench.begun == [0, 3]


def test_what_waits_can_be_taken_back(bench: Bench) -> None:
    bench.worker.ask([wanted(0)])
    until(lambda: bench.begun == [0])
    bench.worker.ask([wanted(1)])
    bench.worker.drop_waiting()
    bench.go.release()
    bench.collect(1)
    assert bench.worker.waiting == ()
    assert bench.begun == [0]


@pytest.mark.parametrize("error", [broken(), RuntimeError("a library's own"), ZeroDivisionError()])
def test_errors_are_carried_and_the_thread_goes_on(bench: Bench, error: Exception) -> None:
    bench.error = error
    bench.worker.ask([wanted(0)])
    bench.go.release()
    (outcome,) = bench.collect(1)
    assert outcome.finished is None
    assert outcome.error is error
    bench.error = None
    bench.worker.ask([wanted(1)])
    bench.go.release()
    assert bench.collect(1)[0].finished is FINISHED


def test_a_file_waits_for_its_own_key_frame(bench: Bench) -> None:
    bench.go.release()
    request = wanted(7)
    (outcome,) = bench.worker.make_now([request])
    assert outcome.request is request
    assert outcome.finished is FINISHED
    assert bench.worker.collect() == []


def test_the_thread_ends_with_close_even_while_something_waits() -> None:
    with no_leaked_threads():
        bench = Bench()
        bench.worker.ask([wanted(0)])
        until(lambda: bench.begun == [0])
        bench.worker.ask([wanted(1)])
        threading.Timer(0.05, bench.go.release).start()
        bench.worker.close()
        assert not [t for t in threading.enumerate() if t.name == "masquerade-networks"]
        bench.worker.close()
    assert bench.begun == [0]
    with pytest.raises(MasqueradeError):
        bench.worker.ask([wanted(2)])


def test_the_thread_ends_when_nobody_holds_the_worker() -> None:
    with no_leaked_threads():
        worker = KeyFrameWorker(lambda requests: [FINISHED])
        worker.make_now([wanted()])
        del worker
        gc.collect()


def test_without_a_request_there_is_no_thread() -> None:
    before = threading.active_count()
    KeyFrameWorker(lambda requests: [FINISHED]).close()
    assert threading.active_count() == before


class WatchedClock(FakeClock):
    """Counts how often the networks' thread has looked at it."""

    looks = 0

    def __call__(self) -> float:
        self.looks += threading.current_thread().name == "masquerade-networks"
        return super().__call__()


def test_networks_that_may_take_half_of_the_time_rest_as_long_as_they_have_worked() -> None:
    clock = WatchedClock()
    begun: list[tuple[int, float]] = []

    def make(requests):
        begun.append((requests[0].seq, clock()))
        clock.advance(0.05)
        return [FINISHED]

    with no_leaked_threads(), KeyFrameWorker(make, clock) as worker:
        worker.share = 0.5
        worker.ask([wanted(1)])
        until(lambda: bool(begun) and not worker.under_way)  # until 0.05; may begin at 0.1
        for seq in range(2, 6):
            looks = clock.looks
            worker.ask([wanted(seq)])
            until(lambda: clock.looks > looks)  # noqa: B023 - the thread has been woken
            assert [request.seq for request in worker.waiting] == [seq], "and rests on"
            clock.advance(0.01)
        worker.drop_waiting()
        clock.advance(0.02)
        worker.ask([wanted(6)])  # the newest counts when the rest is over
        until(lambda: len(begun) == 2 and not worker.under_way)
        assert begun[1] == (6, pytest.approx(0.11))
        worker.make_now([wanted(7)])  # nobody who waits is kept waiting by a rest
        assert begun[2] == (7, pytest.approx(0.16))
