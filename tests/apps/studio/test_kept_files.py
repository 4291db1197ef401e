"""What a studio keeps for its clients goes when it is told to, when nobody asks, and at the end."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from masquerade.apps.studio.live import files as live_files
from masquerade.apps.studio.live.files import LiveFile, LiveFiles
from masquerade.core.errors import MissingInputError, OutputError


class Shelf:
    """Live files and a clock that stands still until it is moved."""

    def __init__(self, folder: Path) -> None:
        self.now_s = 0.0
        self.folder = folder
        self.files = LiveFiles(folder, 100, lambda: self.now_s)

    def keep(self) -> LiveFile:
        file = self.files.place("picture.png", "image/png")
        file.path.write_bytes(b"picture")
        self.files.add(file)
        return file


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    return Shelf(tmp_path / "live")


def test_files_are_private_and_their_names_tell_nothing(shelf):
    file = shelf.keep()
    assert file.path.name == f"{file.id}.png"
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert shelf.files.find(file.id) is file


def test_what_nobody_asks_for_is_deleted(shelf):
    asked, forgotten = shelf.keep(), shelf.keep()
    shelf.now_s = 90
    shelf.files.find(asked.id)
    shelf.now_s = 120
    assert shelf.files.sweep() == 1
    assert asked.path.exists()
    assert not forgotten.path.exists()
    with pytest.raises(MissingInputError):
        shelf.files.find(forgotten.id)


def test_a_file_that_is_gone_already_is_no_trouble(shelf):
    file = shelf.keep()
    file.path.unlink()
    assert file.bytes == 0
    shelf.files.remove(file.id)
    with pytest.raises(MissingInputError):
        shelf.files.remove(file.id)


def test_one_file_is_removed_once_however_many_ask(shelf):
    file, outcomes = shelf.keep(), []

    def remove() -> None:
        try:
            shelf.files.remove(file.id)
            outcomes.append("removed")
        except MissingInputError:
            outcomes.append("gone")

    threads = [threading.Thread(target=remove) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["gone"] * 7 + ["removed"]


def test_too_many_are_refused_and_the_new_one_does_not_stay(shelf, monkeypatch):
    monkeypatch.setattr(live_files, "_MOST_FILES", 1)
    shelf.keep()
    with pytest.raises(OutputError, match="too many"):
        shelf.keep()
    assert len(list(shelf.folder.rglob("*.png"))) == 1


def test_nothing_is_left_at_the_end(shelf):
    shelf.keep()
    shelf.files.close()
    shelf.files.close()
    assert not list(shelf.folder.iterdir())
