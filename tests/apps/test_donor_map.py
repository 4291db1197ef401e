"""The file of --map: what is read, and that a mistake is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from masquerade.apps.donor_map import MappedPerson, read_donor_map
from masquerade.core.errors import MissingInputError, SettingsError


def write(folder: Path, text: str) -> Path:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (folder / name).touch()
    path = folder / "map.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_map_is_read_with_paths_relative_to_it(tmp_path):
    path = write(
        tmp_path,
        """
        # two people
        [[person]]
        donor = ["a.jpg", "b.jpg"]
        reference = "c.jpg"

        [[person]]
        donor = "b.jpg"
        track = 1
        """,
    )
    assert read_donor_map(path) == (
        MappedPerson((tmp_path / "a.jpg", tmp_path / "b.jpg"), tmp_path / "c.jpg", None),
        MappedPerson((tmp_path / "b.jpg",), None, 1),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: it has no [[person]] entry"),
        ("person = 3", "line 1: it has no [[person]] entry"),
        ("\n[[people]]\n", "line 2: 'people' is unknown"),
        ("[[person]\n", "not valid TOML: Expected ']]'"),
        ("[[person]]\ntrack = 1", "line 1: this person has no donor"),
        ('[[person]]\ndonor = "a.jpg"', "line 1: say who is replaced"),
        ('[[person]]\ndonor = "a.jpg"\ntrack = 0\nreference = "b.jpg"', "line 1: say who"),
        ('[[person]]\ndonor = "a.jpg"\ntrack = true', "line 3: track is a whole number"),
        ('[[person]]\ndonor = "a.jpg"\ntrack = -1', "line 3: track is a whole number"),
        ("[[person]]\ntrack = 1\ndonor = 7", "line 3: donor is a path"),
        ("[[person]]\ntrack = 1\ndonor = []", "line 3: donor is a path"),
        ('[[person]]\ndonor = "a.jpg"\nrefrence = "b.jpg"', "line 3: 'refrence' is unknown"),
        (
            '[[person]]\ndonor = "a.jpg"\ntrack = 1\n\n[[person]]\ndonor = "b.jpg"\ntrack = 1',
            "line 5: this person is mapped on line 1 too",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(SettingsError) as caught:
        read_donor_map(write(tmp_path, text))
    assert message in str(caught.value)
    assert "map.toml" in str(caught.value)


def test_a_missing_photo_is_named_with_its_line(tmp_path):
    path = write(tmp_path, '[[person]]\ntrack = 2\ndonor = "nobody.jpg"')
    with pytest.raises(MissingInputError, match=r"line 3: there is no file .*nobody\.jpg"):
        read_donor_map(path)


def test_a_missing_map_and_one_that_is_no_text(tmp_path):
    with pytest.raises(MissingInputError, match="no map"):
        read_donor_map(tmp_path / "none.toml")
    (tmp_path / "map.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="UTF-8"):
        read_donor_map(tmp_path / "map.toml")
