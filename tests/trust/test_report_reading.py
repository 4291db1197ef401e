"""Run reports from anywhere."""

from __future__ import annotations

import copy
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masquerade.core.errors import InputError, UnsupportedMediaError
from masquerade.core.execution import Execution
from masquerade.core.settings import Settings
from masquerade.trust.report import Errand, hash_of, run_report
from masquerade.trust.report_reading import KnownFile, read_report


@pytest.fixture
def errand(tmp_path):
    for name in ("target.mp4", "anna.jpg", "who.jpg"):
        (tmp_path / name).write_bytes(name.encode())
    return Errand(
        target=tmp_path / "target.mp4",
        donors={"anna": [tmp_path / "anna.jpg"]},
        references={"anna": tmp_path / "who.jpg"},
        options={"video": {"quality": 80}},
    )


def _report(errand, **how):
    return run_report(Settings(), Execution(), (), {"frames": 1}, errand, **how)


def test_what_was_written_is_read(errand):
    text = json.dumps(_report(errand, with_paths=True)).encode()
    known = read_report(text, "it")
    assert known.target.path == errand.target.absolute()
    (donor,) = known.donors
    assert donor.files[0].sha256 == hash_of(errand.donors["anna"][0])
    assert donor.reference is not None
    assert known.options == {"video": {"quality": 80}}
    assert known.settings["shape"] == 0.75


def test_the_one_in_credentials_names_nobody_and_no_place(errand):
    text = json.dumps(_report(errand))
    for word in ("anna", "who", "target.mp4", str(errand.target.parent), os.uname().nodename):
        assert word not in text
    known = read_report(text.encode(), "it")
    assert known.target.path is None


def test_another_file_is_refused(errand, tmp_path):
    known = read_report(json.dumps(_report(errand, with_paths=True)).encode(), "it")
    known.target.check(errand.target)
    errand.target.write_bytes(b"changed")
    for path in (errand.target, tmp_path, tmp_path / "missing"):
        with pytest.raises(InputError):
            known.target.check(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are POSIX's")
def test_a_pipe_or_a_device_is_never_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", type(tmp_path)("/dev/zero")):
        with pytest.raises(InputError):
            KnownFile("0" * 64).check(path)


def _broken(report: dict) -> list[dict]:
    """Copies of a report with one value of the wrong kind each."""
    found = []
    for path in (
        ("version",), ("job",), ("job", "target"), ("job", "donors"), ("job", "donors", 0),
        ("job", "donors", 0, "files"), ("job", "donors", 0, "files", 0),
        ("job", "donors", 0, "reference"), ("job", "donors", 0, "track"),
        ("job", "target", "sha256"), ("job", "target", "path"), ("settings",), ("execution",),
        ("models",), ("software",), ("device",),
    ):  # fmt: skip
        for value in (7.5, "x" * 5000, [[1]], {"a": 1}, True):
            other = copy.deepcopy(report)
            place = other
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
            if not isinstance(value, dict) or path[-1] not in (
                "settings", "execution", "software", "device",
            ):  # fmt: skip
                found.append(other)
    return found


def test_a_wrong_value_anywhere_is_refused(errand):
    report = _report(errand, with_paths=True)
    for other in _broken(report):
        with pytest.raises(UnsupportedMediaError) as caught:
            read_report(json.dumps(other).encode(), "the report")
        assert str(caught.value).count("\n") == 0


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_refused(text):
    with pytest.raises(UnsupportedMediaError):
        read_report(text, "it")


def test_nested_and_large_texts_are_refused():
    for text in (b"[" * 100_000, b'{"a":' * 100_000, b" " * 2_000_000, b"9" * 20_000):
        with pytest.raises(UnsupportedMediaError):
            read_report(text, "it")
