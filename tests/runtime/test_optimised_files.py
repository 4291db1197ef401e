from __future__ import annotations

import os
from pathlib import Path

import pytest

from masquerade.core.errors import ModelError
from masquerade.runtime.file_hash import hash_file
from masquerade.runtime.optimised_files import OptimisedFiles, entry_key, machine_facts
from masquerade.runtime.remembered import Remembered


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_700_000_000.0

    def __call__(self) -> float:
        self.now_s += 10
        return self.now_s


class Filling:
    """Writes a file and counts how often it was asked to."""

    def __init__(self, content: bytes = b"weights") -> None:
        self.content, self.count = content, 0

    def __call__(self, folder: Path) -> None:
        self.count += 1
        (folder / "model.onnx").write_bytes(self.content)


@pytest.fixture
def kept(tmp_path: Path) -> OptimisedFiles:
    return OptimisedFiles(tmp_path / "networks", clock=Clock())


def test_an_entry_is_made_once(kept: OptimisedFiles) -> None:
    fill = Filling()
    assert kept.find("a") is None
    first = kept.get("a", fill)
    assert kept.get("a", fill) == first == kept.find("a")
    assert fill.count == 1
    assert (first / "model.onnx").read_bytes() == b"weights"
    assert [path.name for path in kept.folder.iterdir()] == ["a"]


@pytest.mark.parametrize("harm", ["changed", "shorter", "gone", "list", "no list"])
def test_a_damaged_entry_is_made_anew(kept: OptimisedFiles, harm: str) -> None:
    fill = Filling()
    entry = kept.get("a", fill)
    model, listed = entry / "model.onnx", entry / "files.json"
    if harm == "changed":
        model.write_bytes(b"Weights")
    elif harm == "shorter":
        model.write_bytes(b"weight")
    elif harm == "gone":
        model.unlink()
    elif harm == "list":
        listed.write_text('{"model.onnx": 7}')
    else:
        listed.unlink()
    assert kept.find("a") is None
    assert (kept.get("a", fill) / "model.onnx").read_bytes() == b"weights"
    assert fill.count == 2


def test_what_fails_leaves_nothing(kept: OptimisedFiles) -> None:
    def fail(folder: Path) -> None:
        (folder / "half.onnx").write_bytes(b"x")
        raise ModelError("It does not fit.")

    with pytest.raises(ModelError, match="does not fit"):
        kept.get("a", fail)
    assert list(kept.folder.iterdir()) == []


def test_the_longest_unused_goes_first(tmp_path: Path) -> None:
    kept = OptimisedFiles(tmp_path / "networks", limit_bytes=25, clock=Clock())
    for key in ("a", "b"):
        kept.get(key, Filling(bytes(10)))
    kept.find("a")
    kept.get("c", Filling(bytes(10)))
    assert {path.name for path in kept.folder.iterdir()} == {"a", "c"}
    kept.get("large", Filling(bytes(100)))
    assert {path.name for path in kept.folder.iterdir()} == {"large"}


def test_what_another_process_left_behind_goes_after_a_day(tmp_path: Path) -> None:
    clock = Clock()
    kept = OptimisedFiles(tmp_path / "networks", clock=clock)
    for name, age_s in (("old", 90_000), ("new", 60)):
        folder = kept.folder / f".making-{name}"
        folder.mkdir(parents=True)
        os.utime(folder, (clock.now_s - age_s, clock.now_s - age_s))
    kept.get("a", Filling())
    assert {path.name for path in kept.folder.iterdir()} == {"a", ".making-new"}


def test_two_that_make_the_same_agree(kept: OptimisedFiles) -> None:
    def fill(folder: Path) -> None:
        Filling(b"first")(folder)
        if kept.find("a") is None:
            kept.get("a", Filling(b"other"))

    assert (kept.get("a", fill) / "model.onnx").read_bytes() == b"other"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"cannot be written .*MASQUERADE_HOME"):
        OptimisedFiles(tmp_path / "file").get("a", Filling())


def test_keys_depend_on_every_part_and_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    key = entry_key(file="1", winograd=False)
    assert key == entry_key(winograd=False, file="1")
    assert key != entry_key(file="1", winograd=True)
    assert key != entry_key(file="2", winograd=False)
    assert "onnxruntime" in machine_facts()
    monkeypatch.setattr("masquerade.runtime.optimised_files.machine_facts", lambda: "another")
    assert key != entry_key(file="1", winograd=False)


def test_a_hash_follows_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert hash_file(path).startswith("ba7816bf8f01cfea")  # FIPS 180-2, appendix B.1
    path.write_bytes(b"abd")
    assert not hash_file(path).startswith("ba7816bf8f01cfea")


def test_facts_are_remembered_and_damage_forgets_them(tmp_path: Path) -> None:
    facts = Remembered("ab" * 32, tmp_path)
    assert facts.get("ms") is None
    facts.put("ms", 12.5)
    facts.put("fault", "")
    again = Remembered("ab" * 32, tmp_path)
    assert (again.get("ms"), again.get("fault")) == (12.5, "")
    assert Remembered("cd" * 32, tmp_path).get("ms") is None
    (file,) = (tmp_path / "facts").iterdir()
    file.write_text("[")
    assert again.get("ms") is None
    again.put("ms", 1.0)
    assert again.get("ms") == 1.0


def test_facts_are_lost_and_not_an_error_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    facts = Remembered("ab" * 32, tmp_path / "file")
    facts.put("ms", 1.0)
    assert facts.get("ms") is None
