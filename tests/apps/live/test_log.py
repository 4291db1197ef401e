"""Every line of the log is one JSON object, and tells what happened between two looks."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masquerade.apps.live.log import LiveLog, open_log
from masquerade.core.errors import OutputError
from masquerade.pipeline.statistics import LatencyMs, LiveStatistics, SinkState

START = LiveStatistics(
    seconds=0.0,
    frames=0,
    fps=0.0,
    source_fps=0.0,
    latency_ms=LatencyMs(0.0, 0.0, 0.0),
    lagged=0,
    skipped=0,
    dropped=0,
    faces=0,
    faces_swapped=0,
    faces_concealed=0,
    stages_ms={},
    busiest="",
    busy=0.0,
    rss_bytes=1,
    peak_rss_bytes=1,
    sinks=(SinkState("window", 0, 0),),
)


class Clock:
    now_s = 1_700_000_000.25

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def tell(*looks, every_s=0.0):
    """The lines for these looks, each a change of the one before, without time and level."""
    stream, now = io.StringIO(), START
    log = LiveLog(stream, every_s=every_s)
    log.tick(now)
    for changes in looks:
        now = dataclasses.replace(now, **changes)
        log.tick(now)
    return [
        {name: value for name, value in line.items() if name != "time"} for line in lines(stream)
    ][1:]


def test_the_life_of_a_stream(clock):
    stream = io.StringIO()
    log = LiveLog(stream, every_s=10, clock=clock)
    clock.now_s += 60  # donors are read and cameras opened meanwhile
    log.tick(START)
    clock.now_s += 1
    log.tick(dataclasses.replace(START, frames=20, seconds=0.75))
    clock.now_s += 9
    log.tick(dataclasses.replace(START, frames=250, seconds=10.0))
    clock.now_s += 1
    log.stopped(dataclasses.replace(START, frames=260, seconds=11.0))
    seen = lines(stream)
    assert [line["event"] for line in seen] == ["started", "first_frame", "statistics", "stopped"]
    assert [line["level"] for line in seen] == ["info"] * 4
    assert seen[0]["time"] == "2023-11-14T22:14:20.250Z"
    assert seen[0]["sinks"] == ["window"]
    assert seen[1]["seconds"] == 0.75
    assert seen[2]["frames"] == 250
    assert (seen[3]["frames"], seen[3]["latency_ms"]) == (260, {"p50": 0, "p95": 0, "p99": 0})
    times = [datetime.fromisoformat(line["time"]) for line in seen]
    assert times[3] - times[0] == timedelta(seconds=11)


def test_turns_of_the_governor():
    seen = tell({"eased": {"search": 1}}, {"eased": {"search": 1, "resolution": 2}}, {"eased": {}})
    assert [(line["event"], line["knob"], line["from"], line["to"]) for line in seen] == [
        ("turn", "search", 0, 1),
        ("turn", "resolution", 0, 2),
        ("turn", "search", 1, 0),
        ("turn", "resolution", 2, 0),
    ]


def test_alarms_are_raised_and_cleared_once():
    seen = tell({"alarms": ("Slow.",)}, {}, {"alarms": ("Slow.", "Leak.")}, {"alarms": ("Leak.",)})
    assert seen == [
        {"level": "warning", "event": "alarm_raised", "text": "Slow."},
        {"level": "warning", "event": "alarm_raised", "text": "Leak."},
        {"level": "info", "event": "alarm_cleared", "text": "Slow."},
    ]


def test_a_source_is_lost_and_comes_back():
    seen = tell({"source": "reconnecting"}, {"source": "reconnecting (2)"}, {"source": ""})
    assert seen == [
        {"level": "warning", "event": "source_lost", "status": "reconnecting"},
        {"level": "info", "event": "source_back"},
    ]


def test_a_sink_is_lost_comes_back_and_dies():
    seen = tell(
        {"sinks": (SinkState("window", 0, 0, status="waiting"),)},
        {"sinks": (SinkState("window", 5, 0),)},
        {"sinks": (SinkState("window", 5, 0, error="It was closed."),)},
        {"sinks": (SinkState("window", 5, 0, error="It was closed."),)},
    )
    assert seen == [
        {"level": "warning", "event": "sink_lost", "sink": "window", "status": "waiting"},
        {"level": "info", "event": "sink_back", "sink": "window"},
        {"level": "error", "event": "sink_lost", "sink": "window", "error": "It was closed."},
    ]


def test_changes_of_preset_and_pause():
    seen = tell({"preset": "fast"}, {"paused": True}, {"paused": False})
    assert [{**line} for line in seen] == [
        {"level": "info", "event": "change", "preset": "fast"},
        {"level": "info", "event": "change", "paused": True},
        {"level": "info", "event": "change", "paused": False},
    ]


def test_what_the_main_loop_tells_itself():
    stream = io.StringIO()
    log = LiveLog(stream)
    log.event("change", donor="mona.jpg", event="spoof", time="never")
    (line,) = lines(stream)
    assert (line["event"], line["donor"]) == ("change", "mona.jpg")
    assert line["time"] != "never"


def test_an_error_at_the_end_is_told():
    stream = io.StringIO()
    LiveLog(stream).stopped(START, OutputError("rtsp://a:b@host is gone; look after it."))
    (line,) = lines(stream)
    assert (line["level"], line["kind"]) == ("error", "OutputError")
    assert line["error"] == "rtsp://...@host is gone; look after it."


def test_secrets_of_addresses_are_in_no_line():
    names = [
        "rtmp://me:hunter2@live.example/app/hunter2",
        "rtsp://hunter2@camera.lan/",
        "https://host/stream?token=hunter2&x=1",
        "RTMPS://live.example:443/app/hunter2?bandwidthtest=true",
        "rtsp://me:hunter2/with@slash@host/x",
        "rtsp://me:what?hunter2@host/x",
        "https://host/x?mail=me@hunter2",
        "whip+https://me:hunter2@host/x",
    ]
    sinks = tuple(SinkState(name, 1, 0, status=f"to {name}", error=f"No {name}.") for name in names)
    stream = io.StringIO()
    log = LiveLog(stream, every_s=0.001)
    log.tick(dataclasses.replace(START, sinks=sinks, source=names[0], alarms=tuple(names)))
    log.stopped(dataclasses.replace(START, sinks=sinks))
    assert len(lines(stream)) > 10
    assert "hunter2" not in stream.getvalue()
    assert "camera.lan" in stream.getvalue()


anything = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


@given(st.dictionaries(st.text('abc\n"\0\ud800é', min_size=1, max_size=6), anything, max_size=4))
@settings(max_examples=40, deadline=None)
def test_whatever_is_told_is_one_line_of_strict_json(fields):
    def refuse(word):
        raise AssertionError(word)

    stream = io.StringIO()
    LiveLog(stream).event("odd", **fields)
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().isascii()
    line = json.loads(stream.getvalue(), parse_constant=refuse)
    assert line["event"] == "odd"
    assert set(fields) - {"time", "event"} <= set(line)


def test_numbers_that_are_none_are_null():
    stream = io.StringIO()
    LiveLog(stream).event("odd", a=math.nan, b=[math.inf], c=1.5)
    assert lines(stream)[0].items() >= {"a": None, "b": [None], "c": 1.5}.items()


def test_files_are_added_to_and_a_line_that_was_cut_off_is_closed(tmp_path):
    path = tmp_path / "live.log"
    path.write_text('{"event": "first"}\n{"event": "cut of')
    for _ in range(2):
        with open_log(str(path)) as log:
            log.event("next")
    text = path.read_text().splitlines()
    assert len(text) == 4
    assert [json.loads(line)["event"] for line in text[2:]] == ["next", "next"]


def test_a_log_that_cannot_be_opened_is_told(tmp_path):
    for path in (str(tmp_path), str(tmp_path / "none/live.log"), "a\0b"):
        with pytest.raises(OutputError, match="choose another place with --log FILE"):
            open_log(path)


def test_a_dash_is_stderr(capsys):
    with open_log("-") as log:
        log.event("started")
    assert json.loads(capsys.readouterr().err)["event"] == "started"
    assert not sys.stderr.closed


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="has no full device")
def test_a_full_disk_silences_the_log_and_nothing_else():
    log = open_log("/dev/full")
    log.event("started")
    assert log.broken
    log.tick(START)
    log.close()
    log.close()


FULL_AMID_A_LINE = """
import resource, sys
from masquerade.apps.live.log import open_log
log = open_log(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for number in range(100):
    log.event("change", number=number)
print(log.broken)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_a_disk_that_fills_amid_a_line_leaves_whole_lines(tmp_path):
    path = tmp_path / "live.log"
    done = subprocess.run(
        [sys.executable, "-c", FULL_AMID_A_LINE, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() not in ("", "None")
    seen = [json.loads(line)["number"] for line in path.read_text().splitlines()]
    assert 5 < len(seen) < 20
    assert seen == list(range(len(seen)))


def test_a_reader_that_left_silences_the_log():
    stream = io.StringIO()
    stream.close()
    log = LiveLog(stream)
    log.tick(START)
    assert log.broken
