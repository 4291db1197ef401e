"""Key frames of several faces and on several devices."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from carried_faces import broken
from worker_bench import FINISHED, Bench, until, wanted

from masquerade.stages.carry.worker import KeyFrameWorker
from masquerade.testing.threads import no_leaked_threads


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
        pair.worker.ask([wanted(seq)])
        until(lambda: len(pair.begun) == min(seq + 1, 2))  # noqa: B023
    assert sorted(request.seq for request in pair.worker.under_way) == [0, 1]
    assert [request.seq for request in pair.worker.waiting] == [2]
    assert pair.threads == {"masquerade-networks", "masquerade-networks-2"}


def test_the_faces_of_a_frame_are_shared_out_and_come_back_in_their_order(pair: Bench) -> None:
    for _ in range(2):
        pair.go.release()
    requests = [wanted(seq, track_id=seq) for seq in range(5)]
    outcomes = pair.worker.make_now(requests)
    assert [outcome.request for outcome in outcomes] == requests
    assert sorted(pair.jobs) == [[0, 2, 4], [1, 3]]


def test_where_together_gains_nothing_whoever_is_free_takes_the_next_face(pair: Bench) -> None:
    for _ in range(5):
        pair.go.release()
    requests = [wanted(seq, track_id=seq) for seq in range(5)]
    outcomes = pair.worker.make_now(requests, together=False)
    assert [outcome.request for outcome in outcomes] == requests
    assert sorted(pair.jobs) == [[0], [1], [2], [3], [4]]


def test_what_was_asked_for_in_one_go_is_made_in_one_go(pair: Bench) -> None:
    pair.go.release()
    pair.worker.ask([wanted(7, 0), wanted(7, 1)])
    assert [outcome.request.track_id for outcome in pair.collect(2)] == [0, 1]
    assert pair.jobs == [[7, 7]]


def test_a_face_that_fails_does_not_cost_the_others() -> None:
    def make(requests):
        return [broken() if request.track_id == 1 else FINISHED for request in requests]

    with KeyFrameWorker(make) as worker:
        outcomes = worker.make_now([wanted(0, track_id) for track_id in range(3)])
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]


def test_both_threads_end_while_one_is_at_work() -> None:
    with no_leaked_threads():
        pair = Bench(threads=2)
        pair.worker.ask([wanted(0)])
        until(lambda: pair.begun == [0])
        threading.Timer(0.05, pair.go.release).start()
        pair.worker.close()
