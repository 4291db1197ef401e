"""The terminal's status line."""

from __future__ import annotations

import dataclasses
import io
from dataclasses import replace

import pytest
from live_stand_ins import STATISTICS

from masquerade.apps.live.status_line import StatusLine, fit_line
from masquerade.apps.live.status_parts import Part, status_parts
from masquerade.pipeline.statistics import SinkState

BUSY = replace(
    STATISTICS,
    fps=22.1,
    eased={"search": 1},
    sinks=(
        SinkState("window", 90, 0),
        SinkState("films/evening.mp4", 90, 2),
        SinkState("rtmp://user:word@live.example/app/secret-key", 80, 0),
        SinkState("udp://127.0.0.1:9000", 80, 0, status="nobody listens"),
    ),
)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def line(statistics, columns: int | None = None, gpu: float | None = None) -> str:
    shown = dataclasses.replace(statistics, gpu=gpu)
    return fit_line(status_parts(shown, 3 * 2**20), columns)


def test_everything_that_is_known_is_in_the_line():
    assert line(BUSY, gpu=0.04) == (
        "22.1 fps (source 30.0)  41/55 ms  12 dropped  1 skipped  3 lagged  swap 14.2 ms  1 face  "
        "GPU 4%  eased search  420 MB +3  REC evening.mp4, 2 lost  to rtmp://live.example  "
        "udp://127.0.0.1: nobody listens"
    )


@pytest.mark.parametrize("columns", [1, 5, 12, 40, 79, 80, 119, 120, 300])
def test_the_line_fits_and_uses_its_room(columns):
    text = line(BUSY, columns, gpu=0.04)
    assert len(text) <= columns
    assert text.startswith("22.1 fps (source 30.0)"[: columns - 1])


def test_what_matters_least_goes_first():
    assert line(BUSY, 40, gpu=0.04) == "22.1 fps (source 30.0)  41/55 ms"
    text = line(BUSY, 80, gpu=0.04)
    assert "dropped" in text
    assert "nobody listens" in text
    assert "MB" not in text
    assert "evening.mp4" not in text


def test_wide_letters_take_two_columns():
    parts = [Part("摄像头不见了", 0), Part("x", 1)]
    assert fit_line(parts, 15) == "摄像头不见了  x"
    assert fit_line(parts, 14) == "摄像头不见了"
    assert fit_line(parts, 11) == "摄像头不见…"


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"paused": True}, "paused  41/55 ms"),
        ({"source": "waiting for the camera"}, "waiting for the camera  "),
        ({"frames": 0}, "looking for the first picture  420 MB"),
        ({"fps": 14.9, "source_fps": 15.0}, "14.9 fps (source 15.0)  "),
        ({}, "29.9 fps  41/55 ms  12 dropped"),
    ],
)
def test_the_state_of_the_stream_comes_first(changes, start):
    assert line(replace(STATISTICS, **changes)).startswith(start)


def test_a_secret_in_an_address_is_never_shown():
    stream = Terminal()
    failed = SinkState("rtmp://user:word@live.example/app/secret-key", 9, 0, error="It hung up.")
    status = StatusLine(stream, width=lambda: 200)
    status(replace(BUSY, sinks=(*BUSY.sinks, failed)))
    assert "rtmp://live.example" in stream.getvalue()
    assert "secret" not in stream.getvalue()
    assert "word" not in stream.getvalue()


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_terminal_gets_one_line_that_is_rewritten_and_removed(columns):
    stream, clock = Terminal(), Clock()
    with StatusLine(stream, clock=clock, width=lambda: columns) as status:
        for _ in range(100):
            clock.now_s += 0.1
            status(BUSY)
    text = stream.getvalue()
    assert "\n" not in text
    assert text.endswith("\r\x1b[K")
    shown = [part.removesuffix("\x1b[K") for part in text.split("\r")[1:-1]]
    assert 30 <= len(shown) <= 41
    assert {len(part) < columns for part in shown} == {True}


def test_a_file_gets_a_plain_line_every_ten_seconds():
    stream, clock = io.StringIO(), Clock()
    with StatusLine(stream, clock=clock) as status:
        for _ in range(31):
            clock.now_s += 1
            status(STATISTICS)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("29.9 fps  41/55 ms")
    assert "\x1b" not in stream.getvalue()


def test_alarms_and_failed_outputs_have_lines_of_their_own_once():
    stream, clock = Terminal(), Clock()
    status = StatusLine(stream, clock=clock, width=lambda: 80)
    alarm = "{} fps for 10 s, below 25; take a smaller input."
    failed = SinkState("films/evening.mp4", 9, 0, error="The disk is full; free some space.")
    for fps in (22.1, 21.7, 19):
        clock.now_s += 1
        status(replace(STATISTICS, alarms=(alarm.format(fps),), sinks=(failed,)))
    lines = stream.getvalue().splitlines()
    assert stream.getvalue().count("below 25") == 1
    assert stream.getvalue().count("free some space") == 1
    assert any(
        text.endswith("\x1b[K22.1 fps for 10 s, below 25; take a smaller input.") for text in lines
    )
    assert any("evening.mp4 ended: The disk is full" in text for text in lines)
    for _ in range(70):  # gone for a minute, then back
        clock.now_s += 1
        status(STATISTICS)
    status(replace(STATISTICS, alarms=(alarm.format(20),)))
    assert stream.getvalue().count("below 25") == 2


def test_an_alarm_is_told_at_once_where_lines_are_rare():
    stream, clock = io.StringIO(), Clock()
    StatusLine(stream, clock=clock)(replace(STATISTICS, alarms=("Memory grows.",)))
    assert stream.getvalue() == "Memory grows.\n"


def test_a_long_alarm_is_broken_between_words():
    stream = Terminal()
    status = StatusLine(stream, clock=Clock(), width=lambda: 40)
    alarm = "1 fps instead of 25: other programs take 96% of the processor; close them."
    status(replace(STATISTICS, alarms=(alarm,)))
    lines = stream.getvalue().removeprefix("\r\x1b[K").splitlines()
    assert lines[:2] == [
        "1 fps instead of 25: other programs take",
        "96% of the processor; close them.",
    ]


def test_words_are_printed_above_the_line_and_the_line_stays():
    stream = Terminal()
    status = StatusLine(stream, clock=Clock(), width=lambda: 31)
    status(STATISTICS)
    status.say("Saved a.png")
    status.say("")
    assert stream.getvalue().endswith("\r\x1b[KSaved a.png\n29.9 fps  41/55 ms  12 dropped")


def test_memory_is_compared_with_what_it_was_when_the_stream_was_steady():
    stream, clock = io.StringIO(), Clock()
    status = StatusLine(stream, clock=clock)
    for seconds, mib in ((1, 300), (11, 420), (60, 432), (600, 410)):
        clock.now_s += 20
        status(replace(STATISTICS, seconds=seconds, rss_bytes=mib * 2**20))
    memory = [text.rpartition("  ")[2] for text in stream.getvalue().splitlines()]
    assert memory == ["300 MB", "420 MB", "432 MB +12", "410 MB -10"]


def test_a_terminal_that_speaks_little_is_not_choked():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    status = StatusLine(stream, clock=Clock())
    status.say("Größe 摄")
    stream.seek(0)
    assert stream.read() == "Gr??e ?\n"


def test_quiet_writes_nothing():
    with StatusLine(None) as status:
        status(BUSY)
        status.say("words")
