"""A survey's files: what is written is read again, and nothing else is believed."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masquerade.core.errors import InputError, MissingInputError
from masquerade.core.face import Face
from masquerade.core.frame import Failure
from masquerade.engine.survey import PartFacts, Person, Survey
from masquerade.engine.survey_part import read_part, write_part
from masquerade.engine.survey_record import FrameRecord, SurveyPart
from masquerade.media.cut_source import Stretch
from masquerade.stages.disclose import Standing


def face(number: int, *, lost: bool = False, donor: str | None = "Ann") -> Face:
    rng = np.random.default_rng(number)
    return Face(
        bbox=rng.uniform(0, 300, 4).astype(np.float32),
        score=0.5,
        kps=rng.uniform(0, 300, (5, 2)).astype(np.float32),
        landmarks=None if lost else rng.uniform(-50, 900, (478, 3)).astype(np.float32),
        track_id=number,
        state="lost" if lost else "measured",
        lost_frames=3 * lost,
        selected=donor is not None,
        donor=donor,
        seen_kps=None if lost else rng.uniform(0, 300, (5, 2)).astype(np.float32),
    )


def part() -> SurveyPart:
    frames = (
        FrameRecord(-5, 0, (face(0), face(1, donor="Bea"))),
        FrameRecord(40, 0, ()),
        FrameRecord(90, 1, (face(2, lost=True), face(3, donor=None)), (Failure("track", "hm"),)),
    )
    return SurveyPart(
        index=4,
        fingerprint="ab" * 32,
        stretches=(Stretch(-5, 41), Stretch(90, None)),
        skip=1,
        standing=Standing(0.25, (1, (320, 180)), 2, 7),
        seq=900,
        frames=frames,
    )


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and bool(np.array_equal(one, other))
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if hasattr(one, "__dataclass_fields__"):
        return all(same(getattr(one, k), getattr(other, k)) for k in one.__dataclass_fields__)
    return bool(one == other)


def test_a_part_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_part(part(), tmp_path / "a")
    write_part(part(), tmp_path / "b")
    assert same(read_part(tmp_path / "a"), part())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """The same file with its entries changed."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    path.write_bytes(data.getvalue())


HEADERS: list[dict[str, Any]] = [
    {"kind": "other"}, {"version": 2}, {"frames": 10**9}, {"faces": 10**9}, {"meshes": 99},
    {"frames": 2}, {"frames": True}, {"faces": -1}, {"skip": 4}, {"skip": -1}, {"index": "x"},
    {"stretches": [[0, None], [3, 4]]}, {"stretches": [[9, 10], [3, 4]]}, {"stretches": 7},
    {"standing": [None, [0, [0, 5]], 0, 0]}, {"standing": [1e300, None, 0, 0]}, {"standing": []},
    {"donors": []}, {"donors": ["x" * 501]}, {"donors": [None, None]},
    {"failures": [[3, "a", "b"]]}, {"failures": [[9, "a", "b", None]]},
    {"fingerprint": 5}, {"seq": -1},
]  # fmt: skip


@pytest.mark.parametrize("wrong", HEADERS, ids=str)
def test_headers_without_sense_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    path = tmp_path / "part"
    write_part(part(), path)

    def change(entries: dict[str, bytes]) -> None:
        entries["header.json"] = json.dumps(json.loads(entries["header.json"]) | wrong).encode()

    rewritten(path, change)
    with pytest.raises(InputError):
        read_part(path)


def test_numbers_without_sense_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "part"
    for name, value in (
        ("floats.bin", np.array([np.nan], "<f4")),
        ("floats.bin", np.array([3e38], "<f4")),
        ("times.bin", np.array([2**62], "<i8")),
        ("ints.bin", np.array([-7], "<i4")),
        ("ints.bin", np.array([0, 9], "<i4")),
    ):
        write_part(part(), path)

        def change(entries: dict[str, bytes], name: str = name, value: Any = value) -> None:
            entries[name] = value.tobytes() + entries[name][value.nbytes :]

        rewritten(path, change)
        with pytest.raises(InputError):
            read_part(path)


def test_more_or_less_than_announced_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "part"
    for change in (
        lambda entries: entries.update({"meshes.bin": bytes(50_000_000)}),
        lambda entries: entries.update({"extra": b""}),
        lambda entries: entries.pop("times.bin"),
        lambda entries: entries.update({"ints.bin": b""}),
        lambda entries: entries.update({"header.json": b"[" * 100_000}),
    ):
        write_part(part(), path)
        rewritten(path, change)
        with pytest.raises(InputError):
            read_part(path)
    with pytest.raises(MissingInputError):
        read_part(tmp_path / "none")
    with pytest.raises(InputError):
        read_part(tmp_path)


def test_damage_is_an_error_or_nothing(tmp_path: Path) -> None:
    path, rng = tmp_path / "part", random.Random(7)
    write_part(part(), path)
    good = path.read_bytes()
    for _ in range(1000):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data[: rng.randrange(len(data))] if rng.random() < 0.2 else data)
        try:
            found = read_part(path)
        except InputError:
            continue
        assert len(found.frames) == 3


def test_a_survey_is_read_as_it_was_written(tmp_path: Path) -> None:
    facts = (PartFacts(50, 0, 60, 50), PartFacts(48, 40, 50, 48))
    found = Survey(
        tmp_path, "cd" * 32, facts, (0, 900), (Person((0, 2), ("Ann",)), Person((1,), ()))
    )
    found.save()
    assert Survey.load(tmp_path) == found
    assert (found.frames, found.faces_found, found.faces_selected) == (98, 110, 98)
    plain = json.loads((tmp_path / "survey.json").read_text())
    for wrong in (
        {"kind": "x"}, {"version": 9}, {"parts": [[1, 2, 3]]}, {"parts": [[1, 2, 3, -4]]},
        {"scenes": ["a"]}, {"people": [[[0]]]}, {"people": 5}, {"fingerprint": None},
    ):  # fmt: skip
        (tmp_path / "survey.json").write_text(json.dumps(plain | wrong))
        with pytest.raises(InputError):
            Survey.load(tmp_path)
    (tmp_path / "survey.json").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError):
        Survey.load(tmp_path)
