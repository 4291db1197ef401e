"""What the terminal shows."""

from __future__ import annotations

import io
import json

import pytest

from masquerade.apps.console import Console, ProgressLine, clock_time
from masquerade.apps.table import table
from masquerade.pipeline.meter import Progress

HALF = Progress(done=50, total=100, fps=25.0, eta_s=2.0)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_terminal_gets_one_line_that_is_rewritten_and_removed():
    stream, clock = Terminal(), Clock()
    with ProgressLine("film.mp4", stream, clock=clock) as show:
        for _ in range(5):
            clock.now_s += 0.2
            show(HALF)
    text = stream.getvalue()
    assert text.count("\rfilm.mp4") == 5
    assert "#" * 10 + "-" * 10 + "  50%  50/100 frames  25 fps  0:02 left" in text
    assert text.endswith("\r\x1b[K")
    assert "\n" not in text


def test_a_terminal_is_not_flooded():
    stream, clock = Terminal(), Clock()
    show = ProgressLine("film.mp4", stream, clock=clock)
    for _ in range(1000):
        clock.now_s += 0.001
        show(HALF)
    assert 5 <= stream.getvalue().count("\r") <= 11


def test_a_file_gets_a_plain_line_now_and_then():
    stream, clock = io.StringIO(), Clock()
    with ProgressLine("film.mp4", stream, clock=clock) as show:
        for _ in range(30):
            clock.now_s += 1
            show(Progress(done=9, total=None, fps=8.6, eta_s=None))
    assert stream.getvalue() == "film.mp4  9 frames  9 fps\n" * 3


def test_quiet_shows_neither_progress_nor_advice(capsys):
    console = Console(quiet=True)
    clock = Clock()
    show = console.progress("film.mp4")
    clock.now_s = 100
    show(HALF)
    console.note("advice")
    console.say("result")
    console.close({"ok": True})
    assert capsys.readouterr() == ("result\n", "")


def test_json_has_stdout_for_itself(capsys):
    console = Console(json=True)
    console.say("result")
    console.note("advice")
    console.close({"ok": True, "name": "Zoë"})
    out, err = capsys.readouterr()
    assert json.loads(out) == {"ok": True, "name": "Zoë"}
    assert out.count("\n") == 1
    assert err == "result\nadvice\n"


@pytest.mark.parametrize(
    ("value_s", "text"), [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (7322, "2:02:02")]
)
def test_clock_times(value_s, text):
    assert clock_time(value_s) == text


def test_a_table_lines_up():
    assert table(("a", "b"), [("long", "x"), ("y", "z")]) == "a     b\nlong  x\ny     z"


def test_names_from_elsewhere_give_the_terminal_no_orders(capsys) -> None:
    name = "film\x1b[2J\x9b31m\u202e\udcff.mp4"
    Console().say(f"{name}\nand a second line")
    Console(json=True).close({"name": name})
    first, second, line = capsys.readouterr().out.splitlines()
    assert first == r"film\x1b[2J\x9b31m\u202e\udcff.mp4"
    assert second == "and a second line"
    assert line.isascii()
    assert json.loads(line) == {"name": name}
