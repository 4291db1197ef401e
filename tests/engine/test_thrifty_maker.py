"""Faces are made with less where memory runs out, on however many devices they are made."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from donor_photos import donor
from network_doubles import Painter, scene

from masquerade.core.errors import MemoryBudgetError, ModelError
from masquerade.core.execution import Execution
from masquerade.core.settings import Settings
from masquerade.engine.brought import BroughtNetworks
from masquerade.engine.lowering import Lowered
from masquerade.engine.thrifty_maker import ThriftyMaker
from masquerade.stages.face_maker import WantedFace
from masquerade.stages.finished_face import FinishedFace

FRAME, LANDMARKS, KPS = scene()
SETTINGS = Settings(mask=("box",))


class Hungry(Painter):
    """Runs out of memory, or is found closed, whenever it is run."""

    def __init__(self, error: Exception, meeting: threading.Barrier | None = None) -> None:
        super().__init__()
        self.error, self.meeting = error, meeting

    def swap(self, crops_bgr, codes, *, weight=0.5):
        if self.meeting is not None:
            self.meeting.wait(10)
        raise self.error


class Held:
    """Networks that are lowered one after the other."""

    def __init__(self, *swappers) -> None:
        lowered = Lowered(SETTINGS, Execution(), "auto")
        self.steps = [BroughtNetworks(lowered, swapper=swapper) for swapper in swappers]
        self.lowered = 0

    @property
    def networks(self):
        return self.steps[0]

    def effective(self, settings):
        return settings

    def lower(self, failed) -> None:
        if failed is not self.networks:
            return
        if len(self.steps) == 1:
            raise MemoryBudgetError("Nothing is left. Take less.")
        self.lowered += 1
        self.steps.pop(0)


def _crowd(maker: ThriftyMaker, count: int) -> list[WantedFace]:
    code = maker.encode(donor("mona"))
    return [WantedFace(LANDMARKS, KPS, code, n) for n in range(count)]


def full() -> MemoryBudgetError:
    return MemoryBudgetError("It is full. Take less.")


def test_all_faces_of_a_frame_are_made_again_with_less() -> None:
    held = Held(Hungry(full()), Hungry(full()), Painter())
    maker = ThriftyMaker(held, SETTINGS, None)
    made = maker.make_many(FRAME, _crowd(maker, 3))
    assert [type(item) for item in made] == [FinishedFace] * 3
    assert held.lowered == 2


def test_only_those_that_were_not_made_are_made_again() -> None:
    class Once(Painter):
        def swap(self, crops_bgr, codes, *, weight=0.5):
            if len(codes) > 1 or self.swapped == 2:
                raise full()
            return super().swap(crops_bgr, codes, weight=weight)

    first, second = Once(), Painter()
    maker = ThriftyMaker(Held(first, second), SETTINGS, None)
    made = maker.make_many(FRAME, _crowd(maker, 3))
    assert [type(item) for item in made] == [FinishedFace] * 3
    assert (first.swapped, second.swapped) == (2, 1)


def test_where_nothing_is_left_to_give_up_each_face_is_told() -> None:
    maker = ThriftyMaker(Held(Hungry(full())), SETTINGS, None)
    made = maker.make_many(FRAME, _crowd(maker, 2))
    assert [str(item) for item in made] == ["Nothing is left. Take less."] * 2
    with pytest.raises(MemoryBudgetError, match="Nothing is left"):
        maker.make(FRAME, LANDMARKS, KPS, maker.encode(donor("mona")))


def test_another_error_lowers_nothing() -> None:
    held = Held(Hungry(ModelError("It is broken. Mend it.")), Painter())
    maker = ThriftyMaker(held, SETTINGS, None)
    (made,) = maker.make_many(FRAME, _crowd(maker, 1))
    assert isinstance(made, ModelError)
    assert held.lowered == 0


def test_two_devices_that_run_out_at_once_are_lowered_once() -> None:
    held = Held(Hungry(full(), threading.Barrier(2)), Painter())
    maker = ThriftyMaker(held, SETTINGS, None)
    crowd = _crowd(maker, 2)
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda face: maker.make_many(FRAME, [face])[0], crowd))
    assert [type(item) for item in made] == [FinishedFace] * 2
    assert held.lowered == 1
    assert np.array_equal(made[0].pixels, made[1].pixels)


def test_a_device_whose_networks_were_let_go_meanwhile_takes_the_new_ones() -> None:
    closed = Hungry(ModelError("The network was closed. Load it again."))
    held = Held(closed, Painter())
    maker = ThriftyMaker(held, SETTINGS, None)
    crowd = _crowd(maker, 1)
    swap, others = closed.swap, held.networks

    def swap_too_late(*args, **named):
        held.lower(others)  # as another thread would
        return swap(*args, **named)

    closed.swap = swap_too_late
    (made,) = maker.make_many(FRAME, crowd)
    assert isinstance(made, FinishedFace)
