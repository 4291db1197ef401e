"""Job files: what they mean, and mistakes named by line and field before anything begins."""

from __future__ import annotations

import shutil

import pytest

from masquerade.apps.farm.job_file import read_job_file
from masquerade.core.errors import MissingInputError, SettingsError


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
        ((), {"targest": '"x"'}, 6, "'targest' is unknown"),
        ((), {"segment_s": '"1"'}, 5, "segment_s is '1'; give a whole number or a number"),
        ((), {"segment_s": "0.1"}, 5, "give seconds from 1 to 3600"),
        ((), {"consent": '"mine"'}, 4, "consent is 'mine'"),
        ((), {"guardian": '"me"'}, 6, "guardian is 'me'"),
        ((), {"priority": "true"}, 6, "priority is True"),
        ((), {"priority": "5000"}, 6, "priority is 5000"),
        ((), {"output": '"out/{name}.mp4"'}, 2, "use {stem}, {suffix} and {number}"),
        ((), {"donor": '"nobody.jpg"'}, 3, "donor: there is no file"),
        ((), {"donor": "[]"}, 3, "donor is an empty list"),
        ((), {"donor": "[1]"}, 3, "donor is a path in quotes"),
        ((), {"reference": '"nobody.jpg"'}, 6, "reference: there is no file"),
        ((), {"targets": "[]"}, 1, "targets is an empty list"),
        ((), {"map": '"people.toml"'}, 6, "map and donor are both given"),
        ((), {"output": ""}, 1, "there is no output"),
        ((), {"targets": ""}, 1, "there is no targets"),
        (("[settings]", "strength = 0.5", "strenght = 1"), {}, 8, "settings.strenght"),
        (("[settings]", "strength = 5"), {}, 7, "settings.strength"),
        (("[video]", "quality = 500"), {}, 7, "video.quality"),
        (("[video]", 'quality = "much"'), {}, 7, "video.quality"),
        (("[video]", "bitrate = 1"), {}, 7, "video.bitrate"),
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


@pytest.mark.parametrize("text", ["targets = [", "\x00", "a = 1\na = 2", "[[job]", "job = 1"])
def test_what_is_no_job_file_is_a_sentence(tmp_path, text):
    path = tmp_path / "job.toml"
    path.write_text(text)
    with pytest.raises(SettingsError):
        read_job_file(path)


def test_a_job_file_that_is_not_there(tmp_path):
    with pytest.raises(MissingInputError, match="no job file"):
        read_job_file(tmp_path / "job.toml")
