"""Who is who at the borders of segments: when they agree, and what is told when they do not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from masquerade.core.errors import InputError
from masquerade.engine.seam import Entry, Seams, Seen, disagreeing
from masquerade.media.segments import Segment, Stretch

LEAD_IN = Stretch(76, 100)


def segments(count: int = 3, *, cut_at: int | None = None) -> list[Segment]:
    """Of 100 frames each, one take but for a cut."""
    return [
        Segment(
            number,
            100 * number,
            100 * (number + 1),
            ()
            if number in (0, cut_at)
            else (Stretch(0, 20), Stretch(100 * number - 24, 100 * number)),
        )
        for number in range(count)
    ]


def seen(
    person: int, x: float = 10, donor: str | None = "d", opening: tuple[int, int] | None = (0, 20)
) -> Seen:
    box = (x, 10.0, x + 40, 50.0)
    found = Seen(person, box, donor)
    return replace(found, opening=Stretch(*opening), opening_box=box) if opening else found


def alone(*faces: Seen, corner: int = 0, stayed: int = 0) -> Seams:
    """A segment on all of whose borders these are."""
    return Seams(faces, faces, faces, (corner, corner), stayed)


ANN, BEN = seen(0), seen(1, x=200, donor=None, opening=None)


def test_segments_that_say_the_same_agree_whatever_numbers_they_use() -> None:
    other = [replace(BEN, person=5), replace(ANN, person=3, box=(12.0, 9.0, 50.0, 52.0))]
    assert not disagreeing(segments(), [alone(ANN, BEN), alone(*other), alone(ANN, BEN)])


DIFFERENT = {
    "nobody swapped": [replace(ANN, donor=None), BEN],
    "another donor": [replace(ANN, donor="e"), BEN],
    "the other one swapped": [replace(ANN, donor=None), replace(BEN, donor="d")],
    "not seen": [BEN],
    "elsewhere": [seen(0, x=90), BEN],
    "one more": [ANN, BEN, seen(7, x=400)],
    "other first frames": [seen(0, opening=(76, 95)), BEN],
    "first frames that come later": [seen(0, opening=(5, 25)), BEN],
}


@pytest.mark.parametrize("kind", DIFFERENT)
def test_a_segment_that_says_something_else_is_told(kind: str) -> None:
    right, wrong = alone(ANN, BEN, corner=2, stayed=9), alone(*DIFFERENT[kind], corner=2)
    entry = Entry((ANN, BEN), 2, 9)
    said = [right, wrong, alone(ANN, BEN, corner=2)]
    assert dict(disagreeing(segments(), said)) == {1: entry}


def test_who_was_told_is_not_told_for_ever() -> None:
    said = [alone(ANN), alone(replace(ANN, donor=None)), alone(ANN)]
    first = disagreeing(segments(), said)
    assert list(first) == [1]
    told = ["", first[1].to_json(), ""]
    assert not disagreeing(segments(), said, told)
    said[2] = said[1]  # of who came over two borders the first word holds
    assert list(disagreeing(segments(), said, told)) == [2]


def test_faces_that_nobody_swaps_are_no_matter() -> None:
    assert not disagreeing(segments(2), [alone(ANN, BEN), alone(ANN)])
    assert not disagreeing(segments(2), [alone(ANN), alone(ANN, BEN)])


def test_who_appeared_during_the_run_up_has_no_other_first_frames() -> None:
    new = seen(4, x=300, opening=(80, 99)), seen(2, x=300, opening=(84, 99))
    assert not disagreeing(segments(2), [alone(ANN, new[0]), alone(ANN, new[1])])


def test_a_label_that_stands_elsewhere_is_told() -> None:
    told = disagreeing(segments(2), [alone(ANN, corner=1, stayed=30), alone(ANN, corner=3)])
    assert told[1] == Entry((ANN,), 1, 30)


def test_over_a_cut_nothing_is_compared() -> None:
    said = [alone(ANN), alone(seen(0, x=300, donor="e")), alone(seen(0, x=300, donor="e"))]
    assert not disagreeing(segments(cut_at=1), said)


def test_all_that_follow_are_told_at_once_what_is_right() -> None:
    """The first one knows since when Cid is there; the others each think: since my lead-in."""
    cid = seen(2, x=400, opening=(50, 70))
    late = [alone(ANN, replace(cid, opening=Stretch(100 * n - 20, 100 * n))) for n in (1, 2)]
    told = disagreeing(segments(), [alone(ANN, cid), *late])
    assert list(told) == [1, 2]
    assert told[1].faces[1].opening == told[2].faces[1].opening == Stretch(50, 70)
    assert told[2].faces[1].opening_box == cid.opening_box


def test_the_run_up_of_who_is_told_of_has_everybodys_first_frames() -> None:
    segment = Segment(3, 300, 400, (Stretch(0, 20), Stretch(276, 300)))

    def run_up(*openings: tuple[int, int]) -> list[tuple[int, int | None]]:
        faces = tuple(seen(n, opening=item) for n, item in enumerate(openings))
        found = Entry(faces, 0, 0).run_up(segment)
        return [(item.start_pts, item.end_pts) for item in found]

    assert run_up() == [(276, 300)]
    assert run_up((0, 20), (150, 170)) == [(0, 20), (150, 170), (276, 300)]
    assert run_up((0, 20), (10, 40), (40, 60)) == [(0, 60), (276, 300)]
    assert run_up((0, 20), (5, 10)) == [(0, 20), (276, 300)]
    assert run_up((260, 290)) == [(260, 300)]
    assert run_up((280, 310)) == [(276, 300)]


def test_what_was_said_survives_as_text() -> None:
    said = alone(ANN, BEN, corner=2, stayed=9)
    assert Seams.of_dict(json.loads(json.dumps(said.as_dict()))) == said
    entry = Entry((ANN, BEN), 2, 9)
    assert Entry.from_json(entry.to_json()) == entry


FACE = json.loads(Entry((ANN,), 0, 0).to_json())["faces"][0]
WRONG: list[Any] = [
    None, 7, {}, {**FACE, "more": 1}, {**FACE, "person": "1"}, {**FACE, "person": 2**40},
    {**FACE, "box": [1, 2, 3]}, {**FACE, "box": [1, 2, 3, float("nan")]},
    {**FACE, "box": [1, 2, 3, True]}, {**FACE, "donor": 5}, {**FACE, "donor": "x" * 501},
    {**FACE, "opening": {"start_pts": 5, "end_pts": 5}}, {**FACE, "opening": {"start_pts": 5}},
    {**FACE, "opening": [1, 2]}, {**FACE, "opening_box": "abcd"},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_what_makes_no_sense_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError, match="begin the job anew"):
        Entry.from_json(json.dumps({"faces": [wrong], "corner": 0, "stayed": 0}))
    with pytest.raises(InputError, match="begin the job anew"):
        Seams.of_dict({**Seams().as_dict(), "after": [wrong]})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"faces": [], "corner": 1000, "stayed": 0}'])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="begin the job anew"):
        Entry.from_json(text)
    for plain in (None, [], {}, {**Seams().as_dict(), "corners": [1]}):
        with pytest.raises(InputError, match="begin the job anew"):
            Seams.of_dict(plain)
