"""How a live source is opened and how its pictures are turned."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from masquerade.core.errors import SettingsError
from masquerade.media.limits import MediaLimits

__all__ = ["SourceOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """What the user asks of a live source.

    The picture is cropped first, then turned, then mirrored, then scaled.

    Attributes:
        mirror: left and right change places.
        rotate: degrees clockwise: 0, 90, 180 or 270.
        crop: (x, y, width, height) in pixels of the source; of a screen, the region.
        size_wh: width and height of the frames. A device is asked for it; what has another size
            is scaled, with black bars where the shape differs.
        rate: frames a second. A device is asked for it, a file is played at it, and where more
            come they are thinned out.
        loop: begin again at the end of a file.
        stall_s: without a picture for so long, a source is opened anew.
        open_s: how long opening may take.
        limits: the largest frame that is decoded.

    Raises:
        SettingsError: a value that makes no sense.
    """

    mirror: bool = False
    rotate: int = 0
    crop: tuple[int, int, int, int] | None = None
    size_wh: tuple[int, int] | None = None
    rate: float | Fraction | None = None
    loop: bool = False
    stall_s: float = 5.0
    open_s: float = 10.0
    limits: MediaLimits = field(default_factory=MediaLimits)

    def __post_init__(self) -> None:
        if self.rotate not in (0, 90, 180, 270):
            raise SettingsError(f"rotate is {self.rotate}; choose 0, 90, 180 or 270.")
        if self.crop is not None and (min(self.crop[:2]) < 0 or min(self.crop[2:]) < 1):
            raise SettingsError(f"crop is {self.crop}; give x, y, width and height in pixels.")
        if self.size_wh is not None and min(self.size_wh) < 1:
            raise SettingsError(f"size is {self.size_wh}; give width and height in pixels.")
        if self.rate is not None and not 0 < self.rate <= 1000:
            raise SettingsError(f"rate is {self.rate}; choose one up to 1000 frames a second.")
        if min(self.stall_s, self.open_s) <= 0:
            raise SettingsError("A time-out of a source must be longer than 0 seconds.")

    @property
    def device_size_wh(self) -> tuple[int, int] | None:
        """The size to ask a device for, so that nothing need be scaled after turning."""
        if self.size_wh is None or self.crop is not None:
            return None
        return self.size_wh[::-1] if self.rotate in (90, 270) else self.size_wh

    @property
    def exact_rate(self) -> Fraction | None:
        """The rate as a fraction."""
        return None if self.rate is None else Fraction(self.rate).limit_denominator(1001)
