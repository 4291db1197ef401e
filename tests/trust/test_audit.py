"""The audit log: whole with many writers, and every change of it is found."""

from __future__ import annotations

import json
import os
import random
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from masquerade.core.errors import OutputError
from masquerade.trust.audit import AuditLog

WRITER = """
import sys
from pathlib import Path
from masquerade.trust.audit import AuditLog
log = AuditLog(Path(sys.argv[1]))
for number in range(25):
    log.append("output", {"writer": sys.argv[2], "number": number})
"""


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    log = AuditLog(tmp_path)
    for number in range(12):
        log.append("output", {"number": number, "name": "Zoë"})
    return log


def test_lines_are_chained_and_read_back(log: AuditLog) -> None:
    entries = list(log.entries())
    assert [entry.number for entry in entries] == list(range(1, 13))
    assert [entry.facts["number"] for entry in entries] == list(range(12))
    assert [entry.previous for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]
    assert log.verify() is None


def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    assert AuditLog(tmp_path / "none").verify() is None
    assert list(AuditLog(tmp_path / "none").entries()) == []


def test_many_processes_write_one_chain(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(number)])
        for number in range(4)
    ]
    assert [writer.wait(120) for writer in writers] == [0] * 4
    log = AuditLog(tmp_path)
    assert log.verify() is None
    entries = list(log.entries())
    assert len(entries) == 100
    for writer in "0123":
        own = [entry.facts["number"] for entry in entries if entry.facts["writer"] == writer]
        assert own == list(range(25))


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits are POSIX")
def test_its_files_are_for_their_owner_alone(log: AuditLog) -> None:
    modes = {stat.S_IMODE(path.stat().st_mode) for path in log.path.parent.iterdir()}
    assert modes == {0o600}


def test_one_changed_byte_is_found_wherever_it_is(log: AuditLog) -> None:
    data, chance = log.path.read_bytes(), random.Random(1)
    for _ in range(100):
        place = chance.randrange(len(data))
        changed = bytearray(data)
        changed[place] ^= 1 << chance.randrange(7)
        log.path.write_bytes(changed)
        fault = log.verify()
        assert fault is not None, (place, data[place], changed[place])
    log.path.write_bytes(data)
    assert log.verify() is None


def _without(lines: list[bytes], number: int) -> list[bytes]:
    return lines[:number] + lines[number + 1 :]


def _swapped(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], lines[5], lines[4], *lines[6:]]


def _rewritten(lines: list[bytes]) -> list[bytes]:
    entry = json.loads(lines[3])
    entry["facts"]["number"] = 99
    return [*lines[:3], json.dumps(entry).encode() + b"\n", *lines[4:]]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: _without(lines, 0), 1),
        (lambda lines: _without(lines, 5), 6),
        (_swapped, 5),
        (_rewritten, 4),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4),
        (lambda lines: lines[:-1], 12),
        (lambda _lines: [], 1),
    ],
    ids=["first gone", "one gone", "swapped", "rewritten", "doubled", "last gone", "all gone"],
)
def test_changed_lines_are_found(
    log: AuditLog, change: Callable[[list[bytes]], list[bytes]], line: int
) -> None:
    log.path.write_bytes(b"".join(change(log.path.read_bytes().splitlines(keepends=True))))
    fault = log.verify()
    assert fault is not None
    assert fault.line == line
    assert fault.reason


def test_a_change_stays_found_when_the_log_goes_on(log: AuditLog) -> None:
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:-2]))
    log.append("output", {})
    fault = log.verify()
    # The two that were cut off cannot be known any more, but somebody who has kept the hash of
    # the newest line, as every output does, sees that it is gone.
    assert fault is not None or json.loads(lines[-1])["hash"] not in {
        entry.hash for entry in log.entries()
    }


def test_what_a_crash_has_left_of_a_line_is_no_change(log: AuditLog) -> None:
    with log.path.open("ab") as file:
        file.write(b'{"number": 13, "at": "20')
    log.append("output", {"number": 12})
    assert log.verify() is None
    assert [entry.facts["number"] for entry in log.entries()] == list(range(13))


def test_a_damaged_last_line_is_not_covered_up(log: AuditLog) -> None:
    data = log.path.read_bytes()
    log.path.write_bytes(data[:-10] + b"rubbish..\n")
    log.append("output", {})
    fault = log.verify()
    assert fault is not None
    assert fault.line == 12


def test_long_lines_are_chained_too(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    for size in (10, 9000, 4096, 50_000, 3):
        log.append("output", {"text": "x" * size})
    assert log.verify() is None


def test_a_full_disk_is_told_and_leaves_no_torn_line(
    log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:20]))
    with pytest.raises(OutputError, match="nothing is done"):
        log.append("output", {})
    monkeypatch.undo()
    log.append("output", {"number": 12})
    assert log.verify() is None
    assert [entry.facts["number"] for entry in log.entries()] == list(range(13))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="MASQUERADE_HOME"):
        AuditLog(tmp_path / "file" / "home").append("output", {})
