"""The command line as data: help, suggestions, values."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys

import pytest

from masquerade import Settings
from masquerade.apps.arguments import age_range, seconds, settings_changes
from masquerade.apps.parser import COMMANDS, build_parser
from masquerade.apps.parsing import UsageError

SWAP = ["swap", "-s", "me.jpg", "-t", "film.mp4", "-o", "out.mp4"]


@pytest.fixture(autouse=True)
def a_usual_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def parse(*words: str):
    return build_parser().parse_args([*SWAP, *words])


def help_of(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stop:
        build_parser().parse_args([*words, "--help"])
    assert stop.value.code == 0
    return capsys.readouterr().out


def test_help_fits_a_screen_and_names_every_command(capsys):
    text = help_of(capsys=capsys)
    assert len(text.splitlines()) <= 24
    assert max(map(len, text.splitlines())) <= 80
    for name in COMMANDS:
        assert re.search(rf"^  ([a-z]+, )*{name}[ ,:]", text, re.MULTILINE)


def test_h_is_short_where_help_is_long(capsys):
    with pytest.raises(SystemExit) as stop:
        build_parser().parse_args(["swap", "-h"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    assert len(text.splitlines()) <= 24
    assert text.endswith("All options: masquerade swap --help\n")
    assert len(help_of("swap", capsys=capsys).splitlines()) > 50


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_the_common_options(command, capsys):
    text = help_of(command, capsys=capsys)
    assert text.startswith(f"usage: masquerade {command}")
    for option in ("--json", "--quiet", "--debug"):
        assert option in text


def test_every_setting_has_an_option_with_its_default(capsys):
    text = " ".join(help_of("swap", capsys=capsys).split())
    for item in dataclasses.fields(Settings):
        flag = item.name.replace("_", "-")
        assert f"--{'no-' if item.default is True else ''}{flag} " in text
        if isinstance(item.default, tuple):
            assert f"({' '.join(item.default) or 'none'})" in text
        elif not isinstance(item.default, bool):
            assert f"({item.default})" in text


def test_help_comes_without_the_heavy_libraries():
    code = (
        "import sys; from masquerade.apps.parser import build_parser; build_parser().format_help();"
        "print(sorted({'numpy', 'cv2', 'av', 'onnxruntime', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_enters_none_of_the_working_rooms():
    code = (
        "import contextlib, sys; from masquerade.apps.cli import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "rooms = {name.split('.')[1] for name in sys.modules if name.startswith('masquerade.')};"
        "print(sorted(rooms & {'engine', 'stages', 'models', 'geometry', 'pipeline'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["swap", "--many-face"], "--many-face is unknown here (did you mean --many-faces?)"),
        ([*SWAP, "--many"], "(did you mean --many-faces?)"),
        ([*SWAP, "--videoencoder=x"], "(did you mean --video-encoder?)"),
        (["swpa"], "there is no 'swpa' here (did you mean swap?)"),
        (["identity", "mak"], "there is no 'mak' here (did you mean make?)"),
        (["swap", "-t", "a.mp4"], "still needed: -o/--output"),
        ([], "still needed: COMMAND"),
        ([*SWAP, "--shape", "2"], "--shape: '2' is not a number from 0 to 1"),
        ([*SWAP, "--face-index", "1.5"], "--face-index: '1.5' is not a whole number from 0 to 99"),
        ([*SWAP, "--shape", "nan"], "--shape: 'nan' is not a number"),
        ([*SWAP, "--gender", "boy"], "--gender: invalid choice: 'boy'"),
        ([*SWAP, "--trim-start", "soon"], "'soon' is not a time"),
        ([*SWAP, "--age", "40-20"], "'40-20' is not a range of ages"),
        ([*SWAP, "extra"], "extra is unknown here"),
    ],
)
def test_a_mistake_is_one_sentence_that_helps(words, message):
    with pytest.raises(UsageError) as caught:
        build_parser().parse_args(words)
    text = str(caught.value)
    assert message in text
    assert text.endswith("--help.")
    assert "\n" not in text


def test_options_are_not_abbreviated():
    with pytest.raises(UsageError):
        parse("--many")


def test_settings_come_from_the_options_that_were_given():
    args = parse("--shape", "0.5", "--many-faces", "--no-occlusion", "--gender", "female")
    assert settings_changes(args) == {
        "shape": 0.5,
        "many_faces": True,
        "occlusion": False,
        "gender": "female",
    }
    assert settings_changes(parse()) == {}


def test_age_sets_both_ends_and_excludes_them():
    assert settings_changes(parse("--age", "20-40")) == {"age_min": 20, "age_max": 40}
    with pytest.raises(ValueError, match="not both"):
        settings_changes(parse("--age", "20-40", "--age-min", "3"))


@pytest.mark.parametrize(("text", "value"), [("90", 90), ("1:30", 90), ("1:00:00.5", 3600.5)])
def test_times(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize(("text", "value"), [("30", (30, 30)), ("60-", (60, 100)), ("0-9", (0, 9))])
def test_ages(text, value):
    assert age_range(text) == value
