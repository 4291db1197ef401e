from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from carried_faces import broken, finish, view

from masquerade.core.errors import MasqueradeError
from masquerade.stages.carry.look import Look
from masquerade.stages.carry.worker import KeyFrameWorker, Outcome, Request
from masquerade.testing.threads import no_leaked_threads

SHOWN = view()
FINISHED = finish(SHOWN.pixels, SHOWN.landmarks)


def _request(seq: int = 0, track_id: int = 0) -> Request:
    look = Look.of(SHOWN.pixels, SHOWN.landmarks)
    kps = np.zeros((5, 2), np.float32)
    return Request(
        SHOWN.pixels,
        SHOWN.landmarks,
        kps,
        track_id,
        "a",
        None,
        look,
        seq,
        seq / 25,  # type: ignore[arg-type]
    )


class Bench:
    """A worker whose network stands still until it is let go on."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.go = threading.Semaphore(0)
        self.error: Exception | None = None
        self.threads: set[str] = set()
        self.worker = KeyFrameWorker(self._make)

    def _make(self, request: Request):
        self.begun.append(request.seq)
        self.threads.add(threading.current_thread().name)
        assert self.go.acquire(timeout=10)
        if self.error is not None:
            raise self.error
        return FINISHED

    def collect(self, count: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        _until(lambda: len(outcomes) >= count or bool(outcomes.extend(self.worker.collect())))
        return outcomes


def _until(done: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end_s, "it never came"
        time.sleep(0.001)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with no_leaked_threads():
        made = Bench()
        yield made
        for _ in range(100):
            made.go.release()
        made.worker.close()


def test_it_works_in_a_thread_of_its_own_name(bench: Bench) -> None:
    request = _request()
    bench.worker.ask(request)
    assert bench.worker.collect() == []  # and did not wait
    bench.go.release()
    (outcome,) = bench.collect(1)
    assert outcome.request is request
    assert outcome.finished is FINISHED
    assert outcome.error is None
    assert bench.threads == {"masquerade-networks"}


def test_one_is_under_way_and_the_newest_waits(bench: Bench) -> None:
    bench.worker.ask(_request(0))
    _until(lambda: bench.begun == [0])
    for seq in (1, 2, 3):
        bench.worker.ask(_request(seq))
    assert bench.worker.under_way is not None
    assert bench.worker.waiting is not None
    assert (bench.worker.under_way.seq, bench.worker.waiting.seq) == (0, 3)
    bench.go.release()
    bench.go.release()
    assert [outcome.request.seq for outcome in bench.collect(2)] == [0, 3]
    assert bench.begun == [0, 3]


def test_what_waits_can_be_taken_back(bench: Bench) -> None:
    bench.worker.ask(_request(0))
    _until(lambda: bench.begun == [0])
    bench.worker.ask(_request(1))
    bench.worker.drop_waiting()
    bench.go.release()
    bench.collect(1)
    assert bench.worker.waiting is None
    assert bench.begun == [0]


@pytest.mark.parametrize("error", [broken(), RuntimeError("a library's own"), ZeroDivisionError()])
def test_errors_are_carried_and_the_thread_goes_on(bench: Bench, error: Exception) -> None:
    bench.error = error
    bench.worker.ask(_request(0))
    bench.go.release()
    (outcome,) = bench.collect(1)
    assert outcome.finished is None
    assert outcome.error is error
    bench.error = None
    bench.worker.ask(_request(1))
    bench.go.release()
    assert bench.collect(1)[0].finished is FINISHED


def test_a_file_waits_for_its_own_key_frame(bench: Bench) -> None:
    bench.go.release()
    request = _request(7)
    outcome = bench.worker.make_now(request)
    assert outcome.request is request
    assert outcome.finished is FINISHED
    assert bench.worker.collect() == []


def test_actions_are_done_in_its_thread_before_the_next_request(bench: Bench) -> None:
    done: list[tuple[str, int]] = []
    bench.worker.do(lambda: done.append((threading.current_thread().name, len(bench.begun))))
    assert done == []
    bench.worker.ask(_request())
    bench.go.release()
    bench.collect(1)
    assert done == [("masquerade-networks", 0)]


def test_an_action_that_fails_costs_one_request_and_is_not_repeated(bench: Bench) -> None:
    done: list[int] = []

    def fail() -> None:
        raise broken()

    bench.worker.do(fail)
    bench.worker.do(lambda: done.append(1))
    bench.go.release()
    assert bench.worker.make_now(_request()).error is not None
    assert bench.worker.make_now(_request()).finished is FINISHED
    assert done == [1]


def test_the_thread_ends_with_close_even_while_something_waits() -> None:
    with no_leaked_threads():
        bench = Bench()
        bench.worker.ask(_request(0))
        _until(lambda: bench.begun == [0])
        bench.worker.ask(_request(1))
        threading.Timer(0.05, bench.go.release).start()
        bench.worker.close()
        assert not [t for t in threading.enumerate() if t.name == "masquerade-networks"]
        bench.worker.close()
    assert bench.begun == [0]
    with pytest.raises(MasqueradeError):
        bench.worker.ask(_request(2))


def test_the_thread_ends_when_nobody_holds_the_worker() -> None:
    with no_leaked_threads():
        worker = KeyFrameWorker(lambda request: FINISHED)
        worker.make_now(_request())
        del worker
        gc.collect()


def test_without_a_request_there_is_no_thread() -> None:
    before = threading.active_count()
    KeyFrameWorker(lambda request: FINISHED).close()
    assert threading.active_count() == before


def test_it_tells_how_long_the_networks_were_at_work() -> None:
    seconds = [0.0]

    def make(request: Request):
        seconds[0] += 0.25
        return FINISHED

    with KeyFrameWorker(make, lambda: seconds[0]) as worker:
        worker.make_now(_request())
        worker.make_now(_request())
        assert worker.busy_s == pytest.approx(0.5)


def test_networks_that_may_take_half_of_the_time_rest_as_long_as_they_have_worked() -> None:
    now_s = 0.0
    begun: list[tuple[int, float]] = []

    def make(request: Request):
        nonlocal now_s
        begun.append((request.seq, now_s))
        now_s += 0.05
        return FINISHED

    with no_leaked_threads(), KeyFrameWorker(make, clock=lambda: now_s) as worker:
        worker.share = 0.5
        worker.ask(_request(1))
        _until(lambda: len(begun) == 1 and worker.under_way is None)
        for seq in range(2, 6):
            worker.ask(_request(seq))  # the newest counts when the rest is over
            assert len(begun) == 1
            now_s += 0.0125
        now_s = 0.11
        worker.ask(_request(6))
        _until(lambda: len(begun) == 2)
        assert begun[1][0] == 6
        assert begun[1][1] >= 0.1
        worker.make_now(_request(7))  # nobody who waits is kept waiting by a rest
        assert begun[2][0] == 7
