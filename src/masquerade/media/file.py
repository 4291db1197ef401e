"""Video files: a source that reads them and a sink that writes them."""

from __future__ import annotations

from masquerade.media.containers import VIDEO_EXTENSIONS
from masquerade.media.encoders import ENCODERS, PRESETS, VideoOptions, available_encoders
from masquerade.media.video_facts import VideoFacts
from masquerade.media.video_sink import VideoSink
from masquerade.media.video_source import VideoSource

__all__ = [
    "ENCODERS",
    "PRESETS",
    "VIDEO_EXTENSIONS",
    "VideoFacts",
    "VideoOptions",
    "VideoSink",
    "VideoSource",
    "available_encoders",
]
