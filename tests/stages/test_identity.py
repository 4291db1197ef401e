from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from donor_photos import donor

from masquerade.core.errors import (
    CorruptMediaError,
    InputError,
    MasqueradeError,
    MissingInputError,
    OutputError,
    UnsupportedMediaError,
)
from masquerade.stages.identity import Identity


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("identity") / "mona.mqid"
    donor("mona").save(path)
    return path


def _rewritten(saved: Path, path: Path, compress: int = zipfile.ZIP_STORED, **changed) -> Path:
    """A copy of the file with some entries replaced or, with None, left out."""
    with zipfile.ZipFile(saved) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries.update({key.replace("__", "."): value for key, value in changed.items()})
    with zipfile.ZipFile(path, "w", compress) as archive:
        for name, data in entries.items():
            if data is not None:
                archive.writestr(name, data)
    return path


def _header(saved: Path, **changed) -> bytes:
    with zipfile.ZipFile(saved) as archive:
        return json.dumps(json.loads(archive.read("header.json")) | changed).encode()


def test_round_trip(saved):
    before, after = donor("mona"), Identity.load(saved)
    for field in ("mesh", "texture", "coverage", "iris"):
        assert np.array_equal(getattr(before, field), getattr(after, field))
    assert np.array_equal(before.attributes.embedding_unit, after.attributes.embedding_unit)
    for field in ("name", "teeth", "photos", "advice", "fingerprint"):
        assert getattr(before, field) == getattr(after, field)
    assert after.attributes.age == pytest.approx(before.attributes.age)


def test_equal_identities_make_equal_files(saved, tmp_path):
    again = tmp_path / "again.mqid"
    Identity.load(saved).save(again)
    assert again.read_bytes() == saved.read_bytes()


def test_nothing_else_is_left_in_the_folder(saved):
    assert [entry.name for entry in saved.parent.iterdir()] == [saved.name]


def test_the_fingerprint_is_of_the_face_and_not_of_its_name():
    identity = donor("mona")
    renamed = dataclasses.replace(identity, name="somebody", advice=("words",))
    assert renamed.fingerprint == identity.fingerprint
    assert donor("hopper").fingerprint != identity.fingerprint
    bent = dataclasses.replace(identity, mesh=identity.mesh + np.float32(0.001))
    assert bent.fingerprint != identity.fingerprint


def test_arrays_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        donor("mona").texture[0, 0] = 1


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingInputError, match="no file"):
        Identity.load(tmp_path / "nobody.mqid")


def test_an_unwritable_folder_is_named(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        donor("mona").save(tmp_path / "no" / "folder.mqid")


def _png(shape: tuple[int, ...]) -> bytes:
    return cv2.imencode(".png", np.zeros(shape, np.uint8))[1].tobytes()


HOSTILE = {
    "other names": lambda s, p: _rewritten(s, p, texture__png=None, evil__png=b"x"),
    "path traversal": lambda s, p: _rewritten(s, p, **{"../../evil": b"x"}),
    "missing entry": lambda s, p: _rewritten(s, p, floats__bin=None),
    "compressed": lambda s, p: _rewritten(s, p, zipfile.ZIP_DEFLATED),
    "bomb": lambda s, p: _rewritten(s, p, zipfile.ZIP_DEFLATED, floats__bin=bytes(200_000_000)),
    "oversized entry": lambda s, p: _rewritten(s, p, header__json=b" " * 100_000),
    "wrong picture size": lambda s, p: _rewritten(s, p, texture__png=_png((64, 64, 3))),
    "picture bomb": lambda s, p: _rewritten(
        s,
        p,
        coverage__png=_png((1024, 1024))[:16] + b"\0\1\0\0\0\1\0\0" + _png((1024, 1024))[24:],
    ),
    "cut picture": lambda s, p: _rewritten(s, p, texture__png=_png((1024, 1024, 3))[:60]),
    "short floats": lambda s, p: _rewritten(s, p, floats__bin=bytes(100)),
    "odd floats": lambda s, p: _rewritten(s, p, floats__bin=bytes(101)),
    "NaN": lambda s, p: _rewritten(s, p, floats__bin=b"\xff" * (4 * (468 * 3 + 20 + 1024))),
    "no JSON": lambda s, p: _rewritten(s, p, header__json=b"{"),
    "deep JSON": lambda s, p: _rewritten(s, p, header__json=b"[" * 60_000),
    "JSON of another kind": lambda s, p: _rewritten(s, p, header__json=b"[1, 2]"),
    "name that is no text": lambda s, p: _rewritten(s, p, header__json=_header(s, name=[1])),
    "NaN teeth": lambda s, p: _rewritten(s, p, header__json=_header(s, teeth=float("nan"))),
    "newer version": lambda s, p: _rewritten(s, p, header__json=_header(s, version=99)),
    "another program's": lambda s, p: _rewritten(s, p, header__json=_header(s, kind="cat")),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_in_one_sentence(saved, tmp_path, kind):
    path = HOSTILE[kind](saved, tmp_path / "hostile.mqid")
    with pytest.raises(InputError) as caught:
        Identity.load(path)
    assert str(caught.value).rstrip().endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [0, 1, 100, 5_000, 500_000])
def test_truncated_files_are_refused(saved, tmp_path, size):
    path = tmp_path / "cut.mqid"
    path.write_bytes(saved.read_bytes()[:size])
    with pytest.raises(UnsupportedMediaError):
        Identity.load(path)


def test_damage_anywhere_never_escapes_the_error_tree(saved, tmp_path):
    data, rng = saved.read_bytes(), np.random.default_rng(1)
    path = tmp_path / "damaged.mqid"
    for place in rng.integers(0, len(data), 40):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        try:
            Identity.load(path)
        except MasqueradeError:
            continue


def test_a_name_must_fit():
    for name in ("", "x" * 256):
        with pytest.raises(InputError, match="characters"):
            dataclasses.replace(donor("mona"), name=name)


def test_the_longest_words_come_back(tmp_path):
    path = tmp_path / "long.mqid"
    long = dataclasses.replace(donor("mona"), name="ü" * 255, advice=("y" * 500,) * 100)
    long.save(path)
    assert Identity.load(path).name == long.name
    assert Identity.load(path).advice == long.advice


def test_an_encrypted_entry_is_refused(saved, tmp_path):
    data = bytearray(saved.read_bytes())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        place = archive.start_dir
    data[place + 8] |= 1  # general purpose flag of the first entry in the central directory
    path = tmp_path / "locked.mqid"
    path.write_bytes(bytes(data))
    with pytest.raises(CorruptMediaError):
        Identity.load(path)


def test_control_characters_do_not_reach_the_terminal(saved, tmp_path):
    header = _header(saved, name="\x1b[31mred\x07", advice=["one\ntwo"])
    loaded = Identity.load(_rewritten(saved, tmp_path / "loud.mqid", header__json=header))
    assert loaded.name == "[31mred"
    assert loaded.advice == ("onetwo",)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mesh", np.zeros((467, 3), np.float32)),
        ("mesh", np.full((468, 3), np.nan, np.float32)),
        ("mesh", np.full((468, 3), 1e9, np.float32)),
        ("texture", np.zeros((512, 512, 3), np.uint8)),
        ("coverage", np.zeros((1024, 1024), np.float32)),
        ("iris", np.full((10, 2), np.inf, np.float32)),
    ],
)
def test_nonsense_cannot_become_an_identity(field, value):
    with pytest.raises(InputError, match=field):
        dataclasses.replace(donor("mona"), **{field: value})
