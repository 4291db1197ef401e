"""How large an input may be before it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from masquerade.core.errors import MediaLimitError

__all__ = ["MediaLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """Limits against bombs: those of size are checked on the header, before anything is decoded;
    those of length while frames come, since no header needs to be believed.

    On the command line each has an option of the same name.

    Attributes:
        max_pixels: width times height of one picture or frame.
        max_animation_pixels: the same over all frames of an animated picture, whose writers
            keep every frame in memory.
        max_seconds: length of a video by its timestamps. A few bytes can hold two frames that are
            years apart, between which a constant frame rate would want billions.
        max_frames: of a video.
    """

    max_pixels: int = 100_000_000
    max_animation_pixels: int = 500_000_000
    max_seconds: float = 24 * 3600
    max_frames: int = 10_000_000

    def check_picture(self, width: int, height: int, name: str) -> None:
        """Refuse a picture of more than ``max_pixels``.

        Raises:
            MediaLimitError: too many pixels.
        """
        if width * height > self.max_pixels:
            raise MediaLimitError(
                f"{name} is {width}x{height} pixels, more than the limit of "
                f"{self.max_pixels / 1e6:g} million; make it smaller or raise --max-pixels."
            )

    def check_animation(self, width: int, height: int, frames: int, name: str) -> None:
        """Refuse an animation of more than ``max_animation_pixels``.

        Raises:
            MediaLimitError: too many pixels over all frames.
        """
        if width * height * frames > self.max_animation_pixels:
            raise MediaLimitError(
                f"{name} has {frames} frames of {width}x{height} pixels, more than the limit of "
                f"{self.max_animation_pixels / 1e6:g} million; convert it to a video or raise "
                "--max-animation-pixels."
            )

    def check_seconds(self, seconds: float | Fraction, name: object) -> None:
        """Refuse a video that has come to a moment later than ``max_seconds``.

        Raises:
            MediaLimitError: it lasts too long.
        """
        if seconds > self.max_seconds:
            raise MediaLimitError(
                f"{name} lasts longer than {self.max_seconds / 3600:g} hours by its timestamps; "
                "cut it with --trim-start and --trim-end, or raise --max-seconds."
            )

    def check_frames(self, frames: int, name: object) -> None:
        """Refuse a video of more than ``max_frames``.

        Raises:
            MediaLimitError: too many frames.
        """
        if frames > self.max_frames:
            raise MediaLimitError(
                f"{name} has more than {self.max_frames} frames; cut it with --trim-start and "
                "--trim-end, or raise --max-frames."
            )
