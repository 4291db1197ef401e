"""The machine's profile: written whole, read back the same, refused when damaged."""

from __future__ import annotations

import argparse

import pytest

from masquerade.apps.execution_arguments import execution_from
from masquerade.apps.parser import build_parser
from masquerade.apps.profile import Profile, read_profile, write_profile
from masquerade.core.errors import OutputError, SettingsError
from masquerade.models.library import Library
from masquerade.testing.networks.functional import fill_library


def test_it_comes_back_as_it_was_written(tmp_path):
    profile = Profile(threads=2, preset="fast", precision="int8", notes=("2 threads: 80 fps",))
    path = write_profile(profile, tmp_path / "new" / "profile.toml")
    assert read_profile(path) == profile
    assert [file.name for file in path.parent.iterdir()] == ["profile.toml"]


def test_without_a_file_nothing_is_set(tmp_path):
    assert read_profile(tmp_path / "none.toml").defaults() == {}


def test_options_that_nobody_gave_are_filled_in():
    given = {"preset": "quality", "model": "mesh"}
    args = argparse.Namespace(
        threads=None, execution_threads=None, execution_provider=None, **given
    )
    Profile(threads=1, provider="openvino", preset="fast", precision="int8").fill_in(args)
    assert vars(args) == {
        "threads": 1,
        "execution_threads": 0,
        "execution_provider": [("openvino", "auto")],
        "preset": "quality",
        "model": "mesh",
    }


def test_threads_of_small_networks_are_not_those_of_brought_ones():
    """One thread may be best for the built-in networks, and never is for inswapper."""
    parser = build_parser()
    swap = ["swap", "-s", "a.jpg", "-t", "b.jpg", "-o", "c.jpg"]
    for words, threads, of_brought in (
        ([], 1, 0),
        (["--threads", "3"], 3, 3),
        (["--execution-threads", "2"], 1, 2),
    ):
        args = parser.parse_args([*swap, *words])
        Profile(threads=1).fill_in(args)
        assert (args.threads, execution_from(args).threads) == (threads, of_brought)


def test_a_precision_is_taken_where_the_model_has_it(tmp_path, monkeypatch):
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path))
    fill_library(Library(), ["inswapper_128"])
    profile = Profile(precision="int8")
    args = argparse.Namespace(precision=None, model="inswapper_128")
    profile.fill_in(args)
    assert args.precision is None
    path = Library().path("inswapper_128")
    eight = tmp_path / "eight.onnx"
    eight.write_bytes(path.read_bytes())
    Library().add_variant("inswapper_128", "int8", eight)
    profile.fill_in(args)
    assert args.precision == "int8"


def test_the_command_line_works_by_the_profile(run, mona, two_people, tmp_path, monkeypatch):
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "home"))
    write_profile(Profile(provider="coreml"))
    swap = ("swap", "-s", mona, "-t", two_people, "-o", "out.png", "--consent", "public-domain")
    done = run(*swap)
    assert done.code == 0, done.err
    assert "The provider 'coreml' is not installed here, so another is used." in done.err
    done = run(*swap, "--overwrite", "--profile", "none")
    assert (done.code, "coreml" in done.err) == (0, False)
    done = run(*swap, "--overwrite", "--execution-provider", "coreml")
    assert done.code == 8, "what is typed is insisted on"
    (tmp_path / "home" / "profile.toml").write_text("threads = [")
    done = run("swap", "-s", mona, "-t", two_people, "-o", "out.png")
    assert (done.code, "masquerade tune" in done.err) == (2, True)


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
