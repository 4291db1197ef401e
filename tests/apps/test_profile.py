"""The machine's profile: written whole, read back the same, refused when damaged."""

from __future__ import annotations

import pytest

from masquerade.apps.profile import Profile, read_profile, write_profile
from masquerade.core.errors import OutputError, SettingsError


def test_it_comes_back_as_it_was_written(tmp_path):
    profile = Profile(threads=2, preset="fast", precision="int8", notes=("2 threads: 80 fps",))
    path = write_profile(profile, tmp_path / "new" / "profile.toml")
    assert read_profile(path) == profile
    assert [file.name for file in path.parent.iterdir()] == ["profile.toml"]


def test_without_a_file_nothing_is_set(tmp_path):
    assert read_profile(tmp_path / "none.toml").defaults() == {}


def test_defaults_have_the_names_of_options():
    assert Profile(threads=1, provider="openvino").defaults() == {
        "threads": 1,
        "execution_provider": "openvino",
    }


@pytest.mark.parametrize(
    "text",
    [
        "threads = [",
        "threads = 'two'",
        "threads = true",
        "unknown = 1",
        "notes = [1]",
        "notes = 'x'",
    ],
)
def test_a_damaged_file_says_what_to_do(tmp_path, text):
    path = tmp_path / "profile.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match="masquerade tune"):
        read_profile(path)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="MASQUERADE_HOME"):
        write_profile(Profile(threads=1), tmp_path / "file" / "profile.toml")
