"""An encoder that root runs does not put us before everything else on the machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from clips import make_clip

from masquerade.media.encoders import VideoOptions, available_encoders
from masquerade.media.live_sinks.options import SinkOptions
from masquerade.media.live_sinks.recording import RecordingSink
from masquerade.media.scheduling import usual_priority
from masquerade.media.video_sink import VideoSink
from masquerade.media.video_source import VideoSource

if sys.platform != "linux" or os.geteuid() != 0:
    pytest.skip("only root on Linux gets ahead of others", allow_module_level=True)


def _policies() -> set[int]:
    """Of all threads of this process."""
    threads = Path("/proc/self/task").iterdir()
    return {os.sched_getscheduler(int(thread.name)) for thread in threads}


@pytest.fixture(autouse=True)
def _in_the_line() -> None:
    assert _policies() == {os.SCHED_OTHER}


def test_finding_out_what_there_is() -> None:
    assert "libsvtav1" in available_encoders.__wrapped__()
    assert _policies() == {os.SCHED_OTHER}


def test_a_film(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv")
    options = VideoOptions(encoder="libsvtav1")
    with VideoSource(clip) as source, VideoSink(tmp_path / "out.mp4", source, options) as sink:
        sink.write(next(iter(source)))
        assert _policies() == {os.SCHED_OTHER}


def test_a_recording(tmp_path: Path) -> None:
    with VideoSource(make_clip(tmp_path / "in.mkv")) as source:
        sink = RecordingSink(
            tmp_path / "live.mp4", source.info, SinkOptions(encoder="libsvtav1", preset="ultrafast")
        )
        sink.write(next(iter(source)))
        assert _policies() == {os.SCHED_OTHER}
        sink.commit()


def test_a_choice_of_ones_own_is_kept() -> None:
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        with usual_priority():
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99))
        assert os.sched_getscheduler(0) == os.SCHED_BATCH
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
