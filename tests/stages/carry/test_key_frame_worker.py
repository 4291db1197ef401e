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
from masquerade.stages.carry.request import Outcome, Request
from masquerade.stages.carry.worker import KeyFrameWorker
from masquerade.testing.clock import FakeClock
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
    """A worker whose networks stand still until they are let go on."""

    def __init__(self, threads: int = 1) -> None:
        self.begun: list[int] = []
        self.jobs: list[list[int]] = []
        self.go = threading.Semaphore(0)
        self.error: Exception | None = None
        self.threads: set[str] = set()
        self.worker = KeyFrameWorker(self._make, threads=threads)

    def _make(self, requests):
        self.jobs.append([request.seq for request in requests])
        self.begun += [request.seq for request in requests]
        self.threads.add(threading.current_thread().name)
        assert self.go.acquire(timeout=10)
        if self.error is not None:
            raise self.error
        return [FINISHED] * len(requests)

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
    bench.worker.ask([request])
    assert bench.worker.collect() == []  # and did not wait
    bench.go.release()
    (outcome,) = bench.collect(1)
    assert outcome.request is request
    assert outcome.finished is FINISHED
    assert outcome.error is None
    assert bench.threads == {"masquerade-networks"}


def test_one_is_under_way_and_the_newest_waits(bench: Bench) -> None:
    bench.worker.ask([_request(0)])
    _until(lambda: bench.begun == [0])
    for seq in (1, 2, 3):
        bench.worker.ask([_request(seq)])
    assert [request.seq for request in bench.worker.under_way] == [0]
    assert [request.seq for request in bench.worker.waiting] == [3]
    bench.go.release()
    bench.go.release()
    assert [outcome.request.seq for outcome in bench.collect(2)] == [0, 3]
    assert bench.begun == [0, 3]


def test_what_waits_can_be_taken_back(bench: Bench) -> None:
    bench.worker.ask([_request(0)])
    _until(lambda: bench.begun == [0])
    bench.worker.ask([_request(1)])
    bench.worker.drop_waiting()
    bench.go.release()
    bench.collect(1)
    assert bench.worker.waiting == ()
    assert bench.begun == [0]


@pytest.mark.parametrize("error", [broken(), RuntimeError("a library's own"), ZeroDivisionError()])
def test_errors_are_carried_and_the_thread_goes_on(bench: Bench, error: Exception) -> None:
    bench.error = error
    bench.worker.ask([_request(0)])
    bench.go.release()
    (outcome,) = bench.collect(1)
    assert outcome.finished is None
    assert outcome.error is error
    bench.error = None
    bench.worker.ask([_request(1)])
    bench.go.release()
    assert bench.collect(1)[0].finished is FINISHED


def test_a_file_waits_for_its_own_key_frame(bench: Bench) -> None:
    bench.go.release()
    request = _request(7)
    (outcome,) = bench.worker.make_now([request])
    assert outcome.request is request
    assert outcome.finished is FINISHED
    assert bench.worker.collect() == []


def test_actions_are_done_in_its_thread_before_the_next_request(bench: Bench) -> None:
    done: list[tuple[str, int]] = []
    bench.worker.do(lambda: done.append((threading.current_thread().name, len(bench.begun))))
    assert done == []
    bench.worker.ask([_request()])
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
    assert bench.worker.make_now([_request()])[0].error is not None
    assert bench.worker.make_now([_request()])[0].finished is FINISHED
    assert done == [1]


def test_the_thread_ends_with_close_even_while_something_waits() -> None:
    with no_leaked_threads():
        bench = Bench()
        bench.worker.ask([_request(0)])
        _until(lambda: bench.begun == [0])
        bench.worker.ask([_request(1)])
        threading.Timer(0.05, bench.go.release).start()
        bench.worker.close()
        assert not [t for t in threading.enumerate() if t.name == "masquerade-networks"]
        bench.worker.close()
    assert bench.begun == [0]
    with pytest.raises(MasqueradeError):
        bench.worker.ask([_request(2)])


def test_the_thread_ends_when_nobody_holds_the_worker() -> None:
    with no_leaked_threads():
        worker = KeyFrameWorker(lambda requests: [FINISHED])
        worker.make_now([_request()])
        del worker
        gc.collect()


def test_without_a_request_there_is_no_thread() -> None:
    before = threading.active_count()
    KeyFrameWorker(lambda requests: [FINISHED]).close()
    assert threading.active_count() == before


def test_it_tells_how_long_the_networks_were_at_work() -> None:
    seconds = [0.0]

    def make(requests):
        seconds[0] += 0.25
        return [FINISHED]

    with KeyFrameWorker(make, lambda: seconds[0]) as worker:
        worker.make_now([_request()])
        worker.make_now([_request()])
        assert worker.busy_s == pytest.approx(0.5)


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
        worker.ask([_request(1)])
        _until(lambda: bool(begun) and not worker.under_way)  # until 0.05; may begin at 0.1
        for seq in range(2, 6):
            looks = clock.looks
            worker.ask([_request(seq)])
            _until(lambda: clock.looks > looks)  # noqa: B023 - the thread has been woken
            assert [request.seq for request in worker.waiting] == [seq], "and rests on"
            clock.advance(0.01)
        worker.drop_waiting()
        clock.advance(0.02)
        worker.ask([_request(6)])  # the newest counts when the rest is over
        _until(lambda: len(begun) == 2 and not worker.under_way)
        assert begun[1] == (6, pytest.approx(0.11))
        worker.make_now([_request(7)])  # nobody who waits is kept waiting by a rest
        assert begun[2] == (7, pytest.approx(0.16))


@pytest.fixture
def pair() -> Iterator[Bench]:
    with no_leaked_threads():
        made = Bench(threads=2)
        yield made
        for _ in range(100):
            made.go.release()
        made.worker.close()


def test_two_devices_work_on_two_frames_at_a_time(pair: Bench) -> None:
    for seq in (0, 1, 2):
        pair.worker.ask([_request(seq)])
        _until(lambda: len(pair.begun) == min(seq + 1, 2))  # noqa: B023
    assert sorted(request.seq for request in pair.worker.under_way) == [0, 1]
    assert [request.seq for request in pair.worker.waiting] == [2]
    assert pair.threads == {"masquerade-networks", "masquerade-networks-2"}


def test_the_faces_of_a_frame_are_shared_out_and_come_back_in_their_order(pair: Bench) -> None:
    for _ in range(2):
        pair.go.release()
    requests = [_request(seq, track_id=seq) for seq in range(5)]
    outcomes = pair.worker.make_now(requests)
    assert [outcome.request for outcome in outcomes] == requests
    assert sorted(pair.jobs) == [[0, 2, 4], [1, 3]]


def test_what_was_asked_for_in_one_go_is_made_in_one_go(bench: Bench) -> None:
    bench.go.release()
    bench.worker.ask([_request(0, 0), _request(0, 1)])
    assert [outcome.request.track_id for outcome in bench.collect(2)] == [0, 1]
    assert bench.jobs == [[0, 0]]


def test_a_face_that_fails_does_not_cost_the_others() -> None:
    def make(requests):
        return [broken() if request.track_id == 1 else FINISHED for request in requests]

    with KeyFrameWorker(make) as worker:
        outcomes = worker.make_now([_request(0, track_id) for track_id in range(3)])
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]


def test_actions_wait_until_no_device_is_at_work(pair: Bench) -> None:
    at_work: list[int] = []
    pair.worker.ask([_request(0)])
    _until(lambda: pair.begun == [0])
    pair.worker.do(lambda: at_work.append(len(pair.worker.under_way)))
    pair.worker.ask([_request(1)])
    time.sleep(0.05)  # long enough for the second thread to begin, were it allowed to
    assert (pair.begun, at_work) == ([0], [])
    pair.go.release()
    _until(lambda: pair.begun == [0, 1])
    assert at_work == [1], "the job that it comes before, and no other"


def test_both_threads_end_while_one_is_at_work() -> None:
    with no_leaked_threads():
        pair = Bench(threads=2)
        pair.worker.ask([_request(0)])
        _until(lambda: pair.begun == [0])
        threading.Timer(0.05, pair.go.release).start()
        pair.worker.close()


def test_the_work_of_two_devices_is_told_as_their_mean() -> None:
    clock, together = FakeClock(), threading.Barrier(2)

    def make(requests):
        if together.wait(10) == 0:
            clock.advance(0.5)
        together.wait(10)
        return [FINISHED] * len(requests)

    with KeyFrameWorker(make, clock, threads=2) as worker:
        worker.make_now([_request(0), _request(1)])
        assert worker.busy_s == pytest.approx(0.5)
