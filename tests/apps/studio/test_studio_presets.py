"""Named settings: three that stay, and one's own, whose names never reach the file system."""

from __future__ import annotations

import tomllib

import pytest
from studio_client import client_at

from masquerade.apps.settings_file import checked_changes
from masquerade.apps.studio.presets import BUILT_IN, Presets
from masquerade.core.errors import MissingInputError, OutputError, SettingsError
from masquerade.pipeline.presets import PRESETS


@pytest.fixture
def presets(tmp_path):
    return Presets(tmp_path / "presets")


def test_the_built_in_ones_are_valid_and_go_by_the_governor_s_names():
    for preset in BUILT_IN:
        assert checked_changes(preset.settings) is not None
        assert preset.name == preset.live
        assert preset.live in PRESETS


def test_a_preset_is_kept_found_replaced_and_deleted(presets, tmp_path):
    presets.save("Mine", "fast", {"shape": 1, "mask": ["box"]})
    again = Presets(tmp_path / "presets")
    assert [preset.name for preset in again.all()] == ["fast", "balanced", "quality", "Mine"]
    mine = again.all()[-1]
    assert (mine.live, mine.settings, mine.built_in) == (
        "fast",
        {"shape": 1.0, "mask": ["box"]},
        False,
    )
    again.save(" Mine  ", "quality", {})
    assert [(p.live, p.settings) for p in presets.all()[3:]] == [("quality", {})]
    (file,) = (tmp_path / "presets").glob("*.toml")
    assert tomllib.loads(file.read_text())["name"] == "Mine"
    presets.remove("Mine")
    assert len(presets.all()) == 3
    with pytest.raises(MissingInputError):
        presets.remove("Mine")


@pytest.mark.parametrize("name", ["", " ", "a/b", "../up", "x" * 61, "a\x00b", "fast", "a\u202eb"])
def test_names_that_cannot_be_used_are_refused(presets, name, tmp_path):
    with pytest.raises(SettingsError):
        presets.save(name, "fast", {})
    assert not list(tmp_path.rglob("*.toml"))


@pytest.mark.parametrize("name", ["..", "con", "naïve 日本", "a\\b", "%2e%2e", ".hidden", "a.toml"])
def test_any_other_name_is_a_name_and_no_path(presets, name, tmp_path):
    presets.save(name, "fast", {})
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.parent for path in files] == [tmp_path / "presets"]
    assert presets.all()[-1].name == name


def test_files_that_are_no_presets_are_left_out(presets, tmp_path):
    presets.save("Mine", "fast", {})
    for number, text in enumerate(("nonsense", "name = 1", 'name = "x"\nlive = "odd"\n[settings]')):
        (tmp_path / "presets" / f"{number}.toml").write_text(text)
    (tmp_path / "presets" / "bad.toml").write_bytes(b"\xff\xfe")
    wrong = 'name = "x"\nlive = "fast"\n[settings]\nshape = 9\n'
    (tmp_path / "presets" / "wrong.toml").write_text(wrong)
    assert [preset.name for preset in presets.all()[3:]] == ["Mine"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        Presets(tmp_path / "file" / "presets").save("Mine", "fast", {})


def test_presets_over_http(configure):
    with client_at(configure()) as studio:
        names = [preset["name"] for preset in studio.ask("GET", "/presets")]
        assert names == ["fast", "balanced", "quality"]
        body = {"name": "Mine é", "live": "fast", "settings": {"strength": 0.5}}
        kept = studio.ask("POST", "/presets", 201, json=body)
        assert kept == {**body, "built_in": False}
        assert studio.ask("GET", "/presets")[3] == kept
        wrong = {"name": "x", "settings": {"strength": 5}}
        assert studio.ask("POST", "/presets", 422, json=wrong)["code"] == "settings"
        assert studio.ask("POST", "/presets", 422, json={"name": "fast"})["code"] == "settings"
        studio.ask("DELETE", "/presets/fast", 422)
        studio.ask("DELETE", "/presets/Mine é", 204)
        assert studio.ask("DELETE", "/presets/Mine é", 404)["code"] == "missing_input"
        assert studio.http.delete("/presets/..%2F..%2Fetc%2Fpasswd").status_code in {404, 405}
