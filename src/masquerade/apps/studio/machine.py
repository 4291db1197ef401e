"""The machine that the studio runs on, and what the studio takes of it."""

from __future__ import annotations

import importlib.util
import os
import threading
from typing import TYPE_CHECKING

import psutil
from pydantic import BaseModel, Field

from masquerade.core.lifetimes import Closing

if TYPE_CHECKING:
    from masquerade.runtime.gauges import GaugeReading, ProcessGauge

__all__ = ["Machine", "MachineGauge", "MachineLoad", "has_webrtc", "writes_h264"]


class Machine(BaseModel):
    """What the machine has."""

    cores: int
    memory_bytes: int
    gpu: str | None = Field(description="name of the first graphics device that can be read")


class MachineLoad(BaseModel):
    """What the studio takes of the machine."""

    rss_bytes: int
    cpu: float = Field(description="share of the cores that it may use, 0 to 1")
    gpu: float | None = Field(description="share of the busiest graphics device, 0 to 1")


class MachineGauge(Closing):
    """Reads the machine for any number of clients; the gauge is made when the first one asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gauge: ProcessGauge | None = None

    def machine(self) -> Machine:
        """What the machine has."""
        gpus = self._read().gpus or ()
        return Machine(
            cores=os.cpu_count() or 1,
            memory_bytes=psutil.virtual_memory().total,
            gpu=gpus[0].name if gpus else None,
        )

    def load(self) -> MachineLoad:
        """What the process takes now."""
        reading = self._read()
        gpus = reading.gpus or ()
        return MachineLoad(
            rss_bytes=reading.rss_bytes,
            cpu=reading.cpu,
            gpu=max((gpu.use for gpu in gpus), default=None),
        )

    def close(self) -> None:
        """Let the driver go; may be called twice."""
        with self._lock:
            if self._gauge is not None:
                self._gauge.close()

    def _read(self) -> GaugeReading:
        from masquerade.runtime.gauges import ProcessGauge

        with self._lock:
            if self._gauge is None:
                self._gauge = ProcessGauge()
            return self._gauge.read()


def has_webrtc() -> bool:
    """Whether the extra for WebRTC is installed."""
    return importlib.util.find_spec("aiortc") is not None


def writes_h264() -> bool:
    """Whether an encoder for H.264 is at hand."""
    from masquerade.core.errors import EncoderError
    from masquerade.media.encoders import find_encoder

    try:
        find_encoder("libx264", "mp4")
    except EncoderError:
        return False
    return True
