"""What ``--sink`` takes."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path

import pytest
from receivers import INFO, frame, free_port

from masquerade.core.errors import OutputError, SettingsError, StreamError
from masquerade.core.protocols import Sink, SourceInfo
from masquerade.media.live_sinks import SINK_FORMS, SinkOptions, open_live_sink
from masquerade.media.live_sinks.hls import HlsSink
from masquerade.media.live_sinks.mjpeg import MjpegSink
from masquerade.media.live_sinks.null import NullSink
from masquerade.media.live_sinks.recording import RecordingSink
from masquerade.media.live_sinks.stream import StreamSink
from masquerade.testing import no_leaked_threads


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("null", NullSink),
        ("FOLDER/a.mp4", RecordingSink),
        ("FOLDER/a.MKV", RecordingSink),
        ("FOLDER/null.webm", RecordingSink),
        ("FOLDER/a.m3u8", HlsSink),
        ("udp://127.0.0.1:PORT", StreamSink),
        ("UDP://127.0.0.1:PORT", StreamSink),
        ("http://127.0.0.1:PORT/cam", MjpegSink),
    ],
)
def test_every_form_finds_its_sink(spec: str, kind: type, tmp_path: Path) -> None:
    spec = spec.replace("FOLDER", str(tmp_path)).replace("PORT", str(free_port()))
    with no_leaked_threads():
        sink = open_live_sink(spec, INFO, SinkOptions())
        assert type(sink) is kind
        assert isinstance(sink, Sink)
        assert isinstance(sink.status, str)
        assert isinstance(sink.notices, tuple)
        sink.write(frame(0))
        sink.write(frame(1))
        sink.commit()
        sink.abort()


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("nul", "did you mean null?"),
        ("virtualcam", "did you mean virtual-camera?"),
        ("virtual-camera:", "There is no sink 'virtual-camera:'"),
        ("windw", "did you mean window?"),
        ("", "There is no sink ''"),
        ("rtmpt://h/x", "did you mean rtmp"),
        ("ftp://h/x", "cannot be sent by ftp://"),
        ("file:///etc/passwd", "cannot be sent by file://"),
        ("concat://a|b", "cannot be sent by concat://"),
    ],
)
def test_what_is_no_sink(spec: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_live_sink(spec, INFO, SinkOptions())
    assert told in str(caught.value)
    for form in SINK_FORMS:
        assert form in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("srt://127.0.0.1:5000", "SRT is not built in"),
        ("https://127.0.0.1:5000", "without encryption"),
        ("a.avi", "extension '.avi', which cannot be written; use .mp4"),
        ("a.jpg", "extension '.jpg'"),
    ],
)
def test_what_cannot_be_written(spec: str, told: str) -> None:
    with pytest.raises(OutputError) as caught:
        open_live_sink(spec, INFO, SinkOptions())
    assert told in str(caught.value)


@pytest.mark.parametrize("spec", ["rtmp://u:secret@h h/key", "rtsp://u:secret@:1/key"])
def test_no_message_shows_a_password(spec: str) -> None:
    with pytest.raises((SettingsError, StreamError)) as caught:
        open_live_sink(spec, INFO, SinkOptions())
    assert "secret" not in str(caught.value)
    assert "key" not in str(caught.value)


def test_the_null_sink_counts() -> None:
    sink = NullSink()
    for number in range(3):
        sink.write(frame(number))
    sink.abort()
    assert sink.frames == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"quality": 101},
        {"bitrate": 5},
        {"preset": "warp"},
        {"rate": Fraction(0)},
        {"connect_s": 0.0},
        {"camera_size_wh": (1, 1)},
    ],
)
def test_options_are_checked(wrong: dict) -> None:
    with pytest.raises(SettingsError):
        SinkOptions(**wrong)


@pytest.mark.parametrize(
    ("asked", "source", "rate"),
    [
        (None, Fraction(25), 25),
        (None, None, 30),
        (None, Fraction(90_000), 30),
        (Fraction(15), Fraction(25), 15),
    ],
)
def test_the_rate(asked: Fraction | None, source: Fraction | None, rate: int) -> None:
    info: SourceInfo = dataclasses.replace(INFO, rate=source)
    assert SinkOptions(rate=asked).frame_rate(info) == rate
