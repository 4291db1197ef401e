from __future__ import annotations

import numpy as np
import pytest
from carried_faces import View, view

from masquerade.geometry.mesh import EYE_LEFT, EYE_RIGHT, INNER_LIPS, OUTER_LIPS
from masquerade.stages.carry.look import Look
from masquerade.stages.carry.refresh import Need, Refresh
from masquerade.testing.clock import FakeClock


def _look(shown: View) -> Look:
    return Look.of(shown.pixels, shown.landmarks)


def _speaking() -> View:
    shown = view()
    points = shown.landmarks.copy()
    arch = np.sin(np.arange(20) * np.pi / 10)
    for ring in (INNER_LIPS, OUTER_LIPS):
        points[ring, 1] -= 25 * arch
    return View(shown.pixels, points)


def _turned_aside(degrees: float) -> View:
    shown = view()
    angle = np.radians(degrees)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    middle = shown.landmarks.mean(axis=0)
    return View(shown.pixels, ((shown.landmarks - middle) @ turn.T + middle).astype(np.float32))


def test_a_face_without_a_key_frame_is_due_before_all_others() -> None:
    still = _look(view())
    needs = {0: Need(_look(_speaking()), still, 0.1, 2), 1: Need(still)}
    assert Refresh("auto").due(needs, 0.0) == [1, 0]
    assert Refresh("99").due(needs, 0.0) == [1]


def test_every_n_frames() -> None:
    still, refresh = _look(view()), Refresh("12")
    assert not refresh.every_frame
    assert refresh.due({0: Need(still, still, 0.0, 11)}, 0.0) == []
    assert refresh.due({0: Need(still, still, 0.0, 12)}, 0.0) == [0]


def test_the_older_one_comes_first() -> None:
    still = _look(view())
    needs = {n: Need(still, still, 0.0, age) for n, age in ((3, 5), (1, 9), (2, 7))}
    assert Refresh("5").due(needs, 0.0) == [1, 2, 3]


def test_every_frame_is_a_rule_of_its_own() -> None:
    still, refresh = _look(view()), Refresh("every")
    assert refresh.every_frame
    assert refresh.due({0: Need(still, still, 0.0, 1)}, 0.0) == [0]
    refresh.configure("auto")
    assert not refresh.every_frame
    assert refresh.due({0: Need(still, still, 0.0, 1)}, 0.0) == []


@pytest.mark.parametrize(
    "changed",
    [_speaking(), _turned_aside(12), view().moved(scale=1.3), view().dimmed(0.7)],
    ids=["expression", "turn", "size", "light"],
)
def test_a_changed_face_is_due_at_once(changed: View) -> None:
    need = Need(_look(changed), _look(view()), 0.04, 1)
    assert Refresh("auto").due({0: need}, 0.0) == [0]


def test_a_face_that_only_moves_about_is_not_due() -> None:
    need = Need(_look(view().moved(dx=60, dy=-20, turn_deg=3)), _look(view()), 0.04, 1)
    assert Refresh("auto").due({0: need}, 0.0) == []


def test_the_most_changed_face_comes_first() -> None:
    key = _look(view())
    needs = {
        0: Need(_look(view().dimmed(0.8)), key, 0.04, 1),
        1: Need(_look(_turned_aside(25)), key, 0.04, 1),
        2: Need(key, key, 0.04, 1),
    }
    assert Refresh("auto").due(needs, 0.0) == [1, 0]


def test_nobody_is_taken_in_the_middle_of_a_blink_unless_it_lasts() -> None:
    shown, key = view().moved(scale=1.4), _look(view())
    points = shown.landmarks.copy()
    for ring in (EYE_LEFT, EYE_RIGHT):
        points[ring[1:8]] = points[ring[15:8:-1]]
    blinking = _look(View(shown.pixels, points))
    assert Refresh("auto").due({0: Need(_look(shown), key, 0.2, 5)}, 0.0) == [0]
    assert Refresh("auto").due({0: Need(blinking, key, 0.2, 5)}, 0.0) == []
    assert Refresh("auto").due({0: Need(blinking, key, 2.0, 50)}, 0.0) == [0]
    assert Refresh("auto").due({0: Need(blinking)}, 0.0) == [0]


def test_a_static_face_is_refreshed_seldom_but_is_refreshed() -> None:
    clock, still, refresh = FakeClock(), _look(view()), Refresh("auto")
    key_s, refreshed = 0.0, []
    for _ in range(60 * 25):
        clock.advance(1 / 25)
        age_s = clock() - key_s
        if refresh.due({0: Need(still, still, age_s, round(25 * age_s))}, clock()):
            key_s = clock()
            refreshed.append(key_s)
    gaps = np.diff([0.0, *refreshed])
    assert gaps.max() < 6
    assert gaps.min() > 2


def test_after_failures_it_waits_longer_each_time_and_at_once_after_a_success() -> None:
    clock, still, refresh = FakeClock(), _look(view()), Refresh("auto")
    waits = []
    for _ in range(8):
        refresh.failed(0, clock())
        began_s = clock()
        while not refresh.due({0: Need(still)}, clock()):
            clock.advance(0.1)
        waits.append(clock() - began_s)
    assert waits == sorted(waits)
    assert waits[0] < 1
    assert 10 < waits[-1] < 20
    refresh.failed(0, clock())
    refresh.succeeded(0)
    assert refresh.due({0: Need(still)}, clock()) == [0]
    refresh.failed(0, clock())
    assert refresh.due({1: Need(still)}, clock()) == [1]
    refresh.forget()
    assert refresh.due({0: Need(still)}, clock()) == [0]
