"""What ``masquerade live`` leaves behind is signed: recordings, streams as files, snapshots."""

from __future__ import annotations

import numpy as np

from masquerade.apps.live.snapshot import Snapshots
from masquerade.core.frame import Frame
from masquerade.engine import Engine
from masquerade.engine.origin import state_origin
from masquerade.trust.inspection import inspect_file


def test_recordings_and_a_stream_of_one_session(run, mona, workplace):
    words = ["live", "-s", mona, "-c", "puppet", "--size", "320x240", "--duration", "2"]
    sinks = ["one.mp4", "two.mkv", "three.webm", "four.mov", "web/five.m3u8"]
    given = [word for sink in sinks for word in ("--sink", sink)]
    done = run(*words, *given, "--preset", "fast", "--consent", "public-domain", "--json", "-q")
    assert done.code == 0, done.err
    for sink in sinks:
        found = inspect_file(workplace / sink)
        assert (sink, found.state) == (sink, "trusted")
        assert found.latest is not None
        assert found.latest.actions == ("c2pa.created",)
        assert found.latest.statements["consent"]["bases"] == ["public-domain"]
        assert found.latest.statements["report"]["figures"]["faces_swapped"] > 0


def test_a_snapshot(mona, workplace):
    frame = Frame(np.full((64, 64, 3), 90, np.uint8), 0, 0)
    with Engine(mona) as engine:
        shots = Snapshots(workplace, lambda: frame, lambda: state_origin(engine, live=True))
        path = shots.save()
    assert path is not None
    assert inspect_file(path).state == "trusted"
