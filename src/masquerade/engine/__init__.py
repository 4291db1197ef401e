"""The library's front door: donors and settings in, swapped pictures and videos out."""

from __future__ import annotations

from masquerade.engine.donors import Donor, Photo, Reference
from masquerade.engine.engine import Engine
from masquerade.engine.files import swap_image, swap_video
from masquerade.engine.live import LiveSession
from masquerade.engine.live_options import LiveOptions
from masquerade.pipeline.report import Report
from masquerade.pipeline.statistics import LiveStatistics

__all__ = [
    "Donor",
    "Engine",
    "LiveOptions",
    "LiveSession",
    "LiveStatistics",
    "Photo",
    "Reference",
    "Report",
    "swap_image",
    "swap_video",
]
