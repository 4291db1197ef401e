"""What every live sink can be told."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.core.errors import SettingsError
from masquerade.media.encoders import PRESETS

if TYPE_CHECKING:
    from masquerade.core.disclosure import Disclosure
    from masquerade.core.protocols import SourceInfo
    from masquerade.media.sound import Sound

__all__ = ["SinkOptions"]

_USUAL_RATE = Fraction(30)


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkOptions:
    """How a live stream is put out; what a sink has no use for it leaves alone.

    Attributes:
        sound: what is muxed beside the picture; None for a silent output.
        disclosure: written into files, and as far as the format has room for it into streams.
        overwrite: whether an existing file may be replaced.
        quality: 0 to 100; 80 looks like the source.
        bitrate: bits a second of the picture; None chooses by quality, and for streams by size.
        encoder: name as FFmpeg knows it; None is libx264 (libvpx-vp9 for WebM).
        preset: one of PRESETS; None is ``veryfast`` for files and ``ultrafast`` for streams.
        rate: frames a second; None takes the source's, 30 where that is unknown.
        inputs: files that must not be the output.
        connect_s: how long a peer may take to answer at the start.
        camera_size_wh: size of the virtual camera in pixels; None takes the source's.

    Raises:
        SettingsError: a value is out of range.
    """

    sound: Sound | None = None
    disclosure: Disclosure | None = None
    overwrite: bool = False
    quality: int = 80
    bitrate: int | None = None
    encoder: str | None = None
    preset: str | None = None
    rate: Fraction | None = None
    inputs: tuple[Path, ...] = ()
    connect_s: float = 5.0
    camera_size_wh: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.quality <= 100:
            raise SettingsError(f"quality is {self.quality}; give a number from 0 to 100.")
        if self.bitrate is not None and self.bitrate < 10_000:
            raise SettingsError(
                f"The bit rate is {self.bitrate}; give 10000 bits a second or more."
            )
        if self.preset is not None and self.preset not in PRESETS:
            raise SettingsError(f"preset is {self.preset!r}; choose one of {', '.join(PRESETS)}.")
        if self.rate is not None and not 0 < self.rate <= 1000:
            raise SettingsError(f"The frame rate is {self.rate}; give a number from 1 to 1000.")
        if not 0 < self.connect_s <= 60:
            raise SettingsError(f"connect_s is {self.connect_s}; give a number from 0.1 to 60.")
        if self.camera_size_wh is not None and min(self.camera_size_wh) < 16:
            width, height = self.camera_size_wh
            raise SettingsError(
                f"The virtual camera's size is {width}x{height}; give at least 16x16."
            )

    def frame_rate(self, info: SourceInfo) -> Fraction:
        """Frames a second that an output of this source is announced with."""
        rate = self.rate or info.rate or _USUAL_RATE
        return rate if 1 <= rate <= 240 else _USUAL_RATE
