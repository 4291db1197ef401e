"""Saved identities whose table of contents lies: sizes, places and kinds of entries."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from donor_photos import donor

from masquerade.core.errors import CorruptMediaError, InputError
from masquerade.stages.identity import Identity

ENTRY, END = b"PK\x01\x02", b"PK\x05\x06"
# Fields of an entry and of the table's end: APPNOTE.TXT, 4.3.12 and 4.3.16.
ENTRY_FIELDS = {
    "needed version": (6, "H"), "flags": (8, "H"), "method": (10, "H"), "checksum": (16, "I"),
    "packed size": (20, "I"), "size": (24, "I"), "length of the name": (28, "H"),
    "length of the extra": (30, "H"), "length of the comment": (32, "H"), "disk": (34, "H"),
    "place": (42, "I"),
}  # fmt: skip
END_FIELDS = {
    "entries": (10, "H"), "size of the table": (12, "I"), "place of the table": (16, "I"),
    "length of the comment": (20, "H"),
}  # fmt: skip
NOBODY_READS = {"disk", "entries", "length of the comment"}
EXTREMES = {"H": (0, 1, 8, 12, 14, 99, 0xFFFF), "I": (0, 1, 60_000, 2**31, 2**32 - 1)}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("identity") / "mona.mqid"
    donor("mona").save(path)
    return path.read_bytes()


def _entries(data: bytes) -> Iterator[int]:
    at = data.find(ENTRY)
    while at >= 0:
        yield at
        at = data.find(ENTRY, at + 4)


def _put(data: bytes, at: int, kind: str, value: int) -> bytes:
    packed = struct.pack(f"<{kind}", value)
    return data[:at] + packed + data[at + len(packed) :]


def _refused_or_read(path: Path, data: bytes) -> bool:
    path.write_bytes(data)
    try:
        Identity.load(path)
    except InputError:
        return True
    return False


@pytest.mark.parametrize("field", ENTRY_FIELDS)
def test_any_field_of_an_entry(data, tmp_path, field):
    offset, kind = ENTRY_FIELDS[field]
    first, *_, last = _entries(data)
    lies = [_put(data, at + offset, kind, n) for at in (first, last) for n in EXTREMES[kind]]
    refused = [_refused_or_read(tmp_path / "lie.mqid", lie) for lie in lies]
    assert any(refused) or field in NOBODY_READS


@pytest.mark.parametrize("field", END_FIELDS)
def test_any_field_of_the_end(data, tmp_path, field):
    offset, kind = END_FIELDS[field]
    lies = [_put(data, data.rfind(END) + offset, kind, value) for value in EXTREMES[kind]]
    refused = [_refused_or_read(tmp_path / "lie.mqid", lie) for lie in lies]
    assert any(refused) or field in NOBODY_READS


def _at_the_end(data: bytes, size: int) -> bytes:
    """The first entry moved into the comment behind everything, and said to be longer than that."""
    name_size = struct.unpack_from("<H", data, 26)[0]
    head = data[: 30 + name_size]
    end = data.rfind(END)
    moved = data[: end + 20] + struct.pack("<H", len(head) + 2)
    place, first = len(moved), next(_entries(data))
    moved += head + b"{}"
    for offset, value in ((20, size), (24, size), (42, place)):
        moved = _put(moved, first + offset, "I", value)
    return moved


def test_an_entry_that_ends_behind_the_file(data, tmp_path):
    (tmp_path / "lie.mqid").write_bytes(_at_the_end(data, 5000))
    with pytest.raises(CorruptMediaError):
        Identity.load(tmp_path / "lie.mqid")


def _far_away(data: bytes, place: int) -> bytes:
    """The first entry said to be at a place that takes eight bytes (APPNOTE.TXT, 4.5.3)."""
    at, end = next(_entries(data)), data.rfind(END)
    extra = struct.pack("<HHQ", 1, 8, place)
    name_size = struct.unpack_from("<H", data, at + 28)[0]
    table_size = struct.unpack_from("<I", data, end + 12)[0]
    lie = _put(data, end + 12, "I", table_size + len(extra))
    lie = _put(_put(lie, at + 42, "I", 2**32 - 1), at + 30, "H", len(extra))
    return lie[: at + 46 + name_size] + extra + lie[at + 46 + name_size :]


@pytest.mark.parametrize("place", [2**40, 2**63 - 1, 2**63, 2**64 - 1])
def test_an_entry_at_the_end_of_the_world(data, tmp_path, place):
    assert _refused_or_read(tmp_path / "lie.mqid", _far_away(data, place))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_nothing_is_ever_unpacked(data, tmp_path, method, monkeypatch):
    """So that no error of a packer has to be known: packed entries are not even begun."""
    monkeypatch.setattr(zipfile, "_get_decompressor", lambda _method: pytest.fail("unpacked"))
    lie = _put(data, next(_entries(data)) + ENTRY_FIELDS["method"][0], "H", method)
    assert _refused_or_read(tmp_path / "lie.mqid", lie)
