"""Swap a live stream and change how while it runs; here a film plays the camera.

python examples/live_stream.py me.jpg camera.mp4 recording.mp4
"""

from __future__ import annotations

import sys

from masquerade import (
    Engine,
    LiveSession,
    MasqueradeError,
    SinkOptions,
    SourceOptions,
    open_live_sink,
    open_live_source,
)

donor, camera, output = sys.argv[1:4]
try:
    with (
        Engine(donor) as engine,
        open_live_source(camera, SourceOptions(loop=True)) as source,
    ):
        # A sink is committed when the session ends; give as many as you like.
        recording = open_live_sink(output, source.info, SinkOptions(sound=source.sound))
        with LiveSession(engine, source, {"recording": recording}) as session:
            session.wait(2)
            session.change_settings(shape=0.2)
            session.wait(2)
except MasqueradeError as error:
    sys.exit(str(error))
statistics = session.statistics()
print(f"{statistics.frames} frames, latency {statistics.latency_ms.p50:.0f} ms")
