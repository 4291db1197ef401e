"""Job files: what they mean, and mistakes named by line and field before anything begins."""

from __future__ import annotations

import shutil

import pytest
from PIL import Image

from masquerade.apps.farm.job_file import read_job_file
from masquerade.apps.farm.submission import make_specs
from masquerade.core.errors import (
    ConsentError,
    MissingInputError,
    NoFaceInDonorError,
    OutputError,
    SettingsError,
)


def test_a_job_file_is_read_relative_to_where_it_lies(job_file, film, tmp_path):
    shutil.copy(film, tmp_path / "second.mp4")
    path = job_file(
        "[settings]", "strength = 0.5", "[video]", "quality = 60",
        targets=f'["{film}", "second.mp4"]', output='"out/{number}-{stem}{suffix}"', priority="7",
    )  # fmt: skip
    one, two = read_job_file(path)
    assert one.target == film
    assert two.target == tmp_path / "second.mp4"
    assert (one.output, two.output) == (
        tmp_path / "out/1-film.mp4",
        tmp_path / "out/2-second.mp4",
    )
    assert (one.priority, one.segment_s, one.consent) == (7, 1, "public-domain")
    assert one.settings == {"strength": 0.5}
    assert one.video == {"quality": 60}


def test_patterns_and_folders_are_taken_in_natural_order(job_file, film, tmp_path):
    (tmp_path / "films").mkdir()
    for number in (10, 2, 1):
        shutil.copy(film, tmp_path / f"films/film{number}.mp4")
    (tmp_path / "films/notes.txt").write_text("no film")
    names = ["film1.mp4", "film2.mp4", "film10.mp4"]
    for targets in ('"films/*.mp4"', '["films"]'):
        assert [job.target.name for job in read_job_file(job_file(targets=targets))] == names


def test_what_stands_above_the_jobs_holds_for_all_of_them(job_file, film, tmp_path):
    shutil.copy(film, tmp_path / "second.mp4")
    path = job_file(
        "[settings]", "strength = 0.5", "[[job]]", f'targets = "{film}"', 'output = "a.mp4"',
        "[[job]]", 'targets = "second.mp4"', 'output = "b.mp4"', "[job.settings]", "shape = 0.1",
        targets="",
    )  # fmt: skip
    one, two = read_job_file(path)
    assert dict(one.settings) == {"strength": 0.5}
    assert dict(two.settings) == {"strength": 0.5, "shape": 0.1}
    assert two.people == one.people


@pytest.mark.parametrize(
    ("more", "changes", "where", "what"),
    [
        ((), {"targest": '"x"'}, 6, "'targest' is unknown; write targets"),
        ((), {"source": '"x"'}, 6, "'source' is unknown; write donor"),
        ((), {"colour": '"x"'}, 6, "'colour' is unknown; use one of targets, output"),
        ((), {"strength": "0.5"}, 6, "'strength' is unknown here; write it below [settings]"),
        ((), {"quality": "50"}, 6, "'quality' is unknown here; write it below [video]"),
        (("[[jobs]]",), {}, 6, "write [[job]], with two brackets"),
        (("[job]",), {}, 6, "write [[job]], with two brackets"),
        ((), {"consent": "true"}, 4, "consent is true; give one of self"),
        ((), {"reference": "1"}, 6, "reference is 1; give a photo"),
        ((), {"donor": '"."'}, 3, "is a folder; name the file in it"),
        ((), {"targets": '"clips/*.mp4"'}, 1, "No picture and no video matches"),
        ((), {"targets": '"~nobody-at-all/film.mp4"'}, 1, "targets: there is no such home"),
        ((), {"donor": f'"{"a" * 300}.jpg"'}, 3, "cannot be used (File name too long)"),
        ((), {"output": f'"{"a" * 300}.mp4"'}, 2, "cannot be used (File name too long)"),
        ((), {"targets": f'"{"a" * 300}.mp4"'}, 1, "cannot be used (File name too long)"),
        ((), {"donor": '"a\\u0000.jpg"'}, 3, "donor: 'a\\x00.jpg' cannot be used"),
        ((), {"output": '"out/"'}, 2, 'output is a folder; write output = "out/{stem}{suffix}"'),
        ((), {"output": '"."'}, 2, 'write output = "./{stem}{suffix}"'),
        ((), {"output": '"out/{stem}"'}, 2, "has no extension; end it with {suffix} or .mp4"),
        ((), {"map": '"people.toml"', "donor": ""}, 5, "map: there is no file"),
        ((), {"segment_s": '"1"'}, 5, "segment_s is '1'; give a whole number or a number"),
        ((), {"segment_s": "0.1"}, 5, "give seconds from 1 to 3600"),
        ((), {"consent": '"mine"'}, 4, "consent is 'mine'"),
        ((), {"guardian": '"me"'}, 6, "guardian is 'me'"),
        ((), {"priority": "true"}, 6, "priority is true"),
        ((), {"priority": "5000"}, 6, "priority is 5000"),
        ((), {"output": '"out/{name}.mp4"'}, 2, "use {stem}, {suffix} and {number}"),
        ((), {"donor": '"nobody.jpg"'}, 3, "donor: there is no file"),
        ((), {"donor": "[]"}, 3, "donor is an empty list"),
        ((), {"donor": "[1]"}, 3, "donor is a path in quotes"),
        ((), {"reference": '"nobody.jpg"'}, 6, "reference: there is no file"),
        ((), {"targets": "[]"}, 1, "targets is an empty list"),
        ((), {"map": '"people.toml"'}, 6, "map and donor are both given"),
        ((), {"output": ""}, 1, "output is missing"),
        ((), {"targets": ""}, 1, "targets is missing"),
        (("[settings]", "strength = 0.5", "strenght = 1"), {}, 8, "settings.strenght"),
        (("[settings]", "strength = 5"), {}, 7, "settings.strength"),
        (("[video]", "quality = 500"), {}, 7, "video.quality"),
        (("[video]", 'quality = "much"'), {}, 7, "video.quality"),
        (("[video]", "bitrate = 1"), {}, 7, "video.bitrate: there is no such key; use one of"),
        (("[video]", "start = 1"), {}, 7, "video.start: there is no such key; write start_s"),
        (("[video]", 'encoder = "h264"'), {}, 7, "there is no encoder 'h264'; use one of libx264"),
        (("[settings]", "quality = 1"), {}, 7, "write it below [video]"),
        (("[settings]", "overwrite = true"), {}, 7, "overwrite stands above the tables"),
        (("[execution]", 'providers = "cuda"'), {}, 7, 'write providers = ["cuda"]'),
        (("[execution]", 'providers = ["cudda"]'), {}, 7, "execution.providers"),
        (("[execution]", "threads = [1]"), {}, 7, "execution.threads"),
        (("[[job]]", 'donor = "nobody.jpg"'), {}, 7, "donor: there is no file"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_field(job_file, more, changes, where, what):
    path = job_file(*more, **changes)
    with pytest.raises((SettingsError, MissingInputError)) as caught:
        read_job_file(path)
    assert f"{path}, line {where}: " in str(caught.value)
    assert what in str(caught.value)


def test_a_missing_target_among_many_is_named_with_its_line(job_file, film):
    path = job_file(targets=f'[\n  "{film}",\n  "gone.mp4",\n]')
    with pytest.raises(MissingInputError, match=r"line 3: targets: .*gone\.mp4"):
        read_job_file(path)


def test_two_targets_with_one_output_are_refused(job_file, film, tmp_path):
    shutil.copy(film, tmp_path / "second.mp4")
    path = job_file(targets=f'["{film}", "second.mp4"]', output='"out.mp4"')
    with pytest.raises(SettingsError, match="would both become"):
        read_job_file(path)


def test_an_output_that_is_a_target_is_refused(job_file, film):
    with pytest.raises(SettingsError, match="inputs are never overwritten"):
        read_job_file(job_file(output=f'"{film}"'))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("targets = film.mp4", "texts stand in quotes"),
        ("targets = \u201cfilm.mp4\u201d", "write straight quotes"),
        ('targets = "C:\\films\\a.mp4"', "write paths with / or in single quotes"),
        ("overwrite = True", "write true or false"),
        ("overwrite = yes", "write true or false"),
        ("priority = 1", "it stands there twice"),
        ('{"targets": "film.mp4"}', "write lines such as targets"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line_and_the_likely_reason(tmp_path, line, said):
    path = tmp_path / "job.toml"
    path.write_text(f"priority = 1\n{line}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=f"line 2: it is no TOML .*; {said}"):
        read_job_file(path)


def test_a_file_of_a_windows_editor_and_a_path_at_home_are_read(
    job_file, film, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(film.parent))
    path = job_file(targets=f'"~/{film.name}"')
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_job_file(path)[0].target == film


def test_a_file_that_is_too_large_is_not_read_in_part(tmp_path):
    path = tmp_path / "job.toml"
    path.write_bytes(b"# a line\n" * 500_000)
    with pytest.raises(SettingsError, match="more than 4 MB"):
        read_job_file(path)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"donor": '"wall.jpg"'}, NoFaceInDonorError, "line 3: donor: The donor photo shows no"),
        ({"output": '"out/{stem}.xyz"'}, OutputError, "line 2: output: .* cannot be written"),
        ({"consent": ""}, ConsentError, 'add a line such as consent = "given"'),
    ],
)
def test_what_only_a_look_at_the_files_shows_has_its_line_too(
    job_file, tmp_path, changes, error, said
):
    Image.new("RGB", (200, 200), "white").save(tmp_path / "wall.jpg")
    with pytest.raises(error, match=said):
        make_specs(read_job_file(job_file(**changes)))


@pytest.mark.parametrize("text", ["targets = [", "\x00", "a = 1\na = 2", "[[job]", "job = 1"])
def test_what_is_no_job_file_is_a_sentence(tmp_path, text):
    path = tmp_path / "job.toml"
    path.write_text(text)
    with pytest.raises(SettingsError):
        read_job_file(path)


def test_a_job_file_that_is_not_there(tmp_path):
    with pytest.raises(MissingInputError, match="no job file"):
        read_job_file(tmp_path / "job.toml")
