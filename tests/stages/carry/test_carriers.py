"""What is taken of the key frames that come in, in whichever order they do."""

from __future__ import annotations

from carried_faces import broken, finish, view

from masquerade.core.frame import Frame, FrameJob
from masquerade.stages.carry.carriers import Carriers
from masquerade.stages.carry.refresh import Refresh
from masquerade.stages.carry.request import Outcome, Request

SHOWN = view()
FINISHED = finish(SHOWN.pixels, SHOWN.landmarks)


class Tray:
    """Stands in for the worker: keeps what was asked for, hands out what the test puts there."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.under_way: tuple[Request, ...] = ()
        self.outcomes: list[Outcome] = []

    def ask(self, requests) -> None:
        self.asked += requests

    def drop_waiting(self) -> None:
        pass

    def collect(self) -> list[Outcome]:
        outcomes, self.outcomes = self.outcomes, []
        return outcomes


class Stream:
    def __init__(self, rule: str = "1", identity: object = "whoever") -> None:
        self.tray, self.identity = Tray(), identity
        self.carriers = Carriers(self.tray, Refresh(rule), lambda count: False)
        self.seq = 0

    def frame(self):
        """Show the next one; what is known of its face by then."""
        self.seq += 1
        self.carriers.advance()
        face = self.carriers.face(0, self.identity)
        job = FrameJob(Frame(SHOWN.pixels, self.seq, 40 * self.seq), [])
        self.carriers.ask(job, {0: (SHOWN.face(), "a")}, self.seq / 25, wait=False)
        return face


def test_an_older_key_frame_that_comes_after_a_newer_one_is_not_taken() -> None:
    stream = Stream()
    stream.frame()
    stream.frame()
    older, newer = stream.tray.asked
    stream.tray.outcomes = [Outcome(newer, FINISHED, None)]
    assert stream.frame().fresh.seq == 2
    stream.tray.outcomes = [Outcome(older, FINISHED, None)]
    assert stream.frame().fresh.seq == 2
    stream.tray.outcomes = [Outcome(older, None, broken())]
    assert stream.frame().error is None
    assert (stream.carriers.refreshes, stream.carriers.failures) == (1, 0)


def test_whether_a_face_is_due_counts_from_the_newest_that_is_being_made() -> None:
    stream = Stream("3")
    stream.frame()
    (first,) = stream.tray.asked
    stream.tray.under_way = (first,)
    for _ in range(3):
        stream.frame()
    assert [request.seq for request in stream.tray.asked] == [1, 4]
    stream.tray.under_way = (stream.tray.asked[1], first)
    for _ in range(3):
        stream.frame()
    assert [request.seq for request in stream.tray.asked] == [1, 4, 7]
