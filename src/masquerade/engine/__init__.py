"""The library's front door: donors and settings in, swapped pictures and videos out."""

from __future__ import annotations

from masquerade.engine.donors import Donor, Photo, Reference
from masquerade.engine.engine import Engine
from masquerade.engine.files import swap_image, swap_video
from masquerade.pipeline.report import Report

__all__ = ["Donor", "Engine", "Photo", "Reference", "Report", "swap_image", "swap_video"]
