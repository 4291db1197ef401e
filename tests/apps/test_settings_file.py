"""Settings as TOML: written, read, checked, and taken by swap and live."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masquerade.apps.arguments import settings_changes
from masquerade.apps.parser import build_parser
from masquerade.apps.settings_file import (
    checked_changes,
    fill_in_settings,
    read_settings,
    write_settings,
)
from masquerade.core.errors import MissingInputError, SettingsError
from masquerade.core.settings import Settings

DEFAULTS = {item.name: item.default for item in dataclasses.fields(Settings)}


def test_every_setting_survives():
    assert read_settings(write_settings(DEFAULTS)) == DEFAULTS
    assert len(write_settings(DEFAULTS).splitlines()) == len(DEFAULTS) + 1


@given(
    st.floats(0, 1),
    st.booleans(),
    st.integers(0, 99),
    st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,20}", fullmatch=True), max_size=4),
)
def test_what_is_written_is_read(strength, many, index, effects):
    changes = {
        "strength": strength,
        "many_faces": many,
        "face_index": index,
        "effect": tuple(effects),
    }
    assert read_settings(write_settings(changes)) == changes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("strength = ", "no TOML"),
        ("strength = 2", "from 0 to 1"),
        ("strength = nan", "from 0 to 1"),
        ("strength = inf", "from 0 to 1"),
        ("strength = true", "give a number"),
        ("strength = '1'", "give a number"),
        ("face_index = 1.0", "give a whole number"),
        ("many_faces = 1", "give true or false"),
        ("model = 3", "give a text"),
        ("model = '../x'", "masquerade models list"),
        ("mask = 'box'", "a list of names"),
        ("mask = [1]", "a list of names"),
        ("mask = ['nothing']", "one of box"),
        ("label = 'large'", "choose one of"),
        ("age_min = 50\nage_max = 20", "age_min is above"),
        ("strengh = 1", "no setting 'strengh'"),
        ("[strength]\na = 1", "give a number"),
        ("strength = 1\nstrength = 1", "no TOML"),
        ("a = " + "[" * 5000, "no TOML|no setting"),
        ("strength = 1979-05-27", "give a number"),
    ],
)
def test_what_is_no_setting_is_refused(text, message):
    with pytest.raises(SettingsError, match=message):
        read_settings(text)


def test_json_is_checked_the_same_way():
    assert checked_changes({"shape": 1, "enhancer": ["a", "b"]}) == {
        "shape": 1.0,
        "enhancer": ("a", "b"),
    }
    with pytest.raises(SettingsError):
        checked_changes({"shape": None})


def changes_of(*words: str) -> dict[str, object]:
    args = build_parser().parse_args(["swap", "-s", "a.jpg", "-t", "b.jpg", "-o", "c", *words])
    fill_in_settings(args)
    return settings_changes(args)


class TestOption:
    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "mine.toml"
        path.write_text(
            'strength = 0.5\nmany_faces = true\nocclusion = false\nmask = ["box"]\nage_min = 20\n'
        )
        return str(path)

    def test_the_file_is_taken(self, file):
        assert changes_of("--settings", file) == {
            "strength": 0.5,
            "many_faces": True,
            "occlusion": False,
            "mask": ("box",),
            "age_min": 20,
        }

    def test_options_win(self, file):
        changes = changes_of("--settings", file, "--strength", "0.9", "--mask", "mesh")
        assert (changes["strength"], changes["mask"]) == (0.9, ("mesh",))
        assert changes["many_faces"] is True

    def test_age_wins_as_a_whole(self, file):
        changes = changes_of("--settings", file, "--age", "30-40")
        assert (changes["age_min"], changes["age_max"]) == (30, 40)

    def test_a_setting_without_an_option_of_the_command_counts(self, tmp_path):
        path = tmp_path / "s.toml"
        path.write_text("hold_s = 1.5\n")
        args = build_parser().parse_args(["live", "-s", "a.jpg", "--settings", str(path)])
        fill_in_settings(args)
        assert settings_changes(args) == {"hold_s": 1.5}

    def test_files_that_are_none(self, tmp_path):
        with pytest.raises(MissingInputError):
            changes_of("--settings", str(tmp_path / "missing.toml"))
        with pytest.raises(SettingsError, match="cannot be read"):
            changes_of("--settings", str(tmp_path))
        binary = tmp_path / "binary.toml"
        binary.write_bytes(b"\xff\xfe\x00")
        with pytest.raises(SettingsError, match="no text"):
            changes_of("--settings", str(binary))


def test_the_commands_take_it(run, workplace):
    (workplace / "s.toml").write_text("strength = 7\n")
    for words in (["swap", "-t", "b.jpg", "-o", "c.jpg"], ["live"]):
        outcome = run(*words, "-s", "a.jpg", "--settings", "s.toml")
        assert outcome.code == 2
        assert "strength is 7" in outcome.err
