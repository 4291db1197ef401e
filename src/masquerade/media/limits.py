"""How large an input may be before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from masquerade.core.errors import MediaLimitError

__all__ = ["MediaLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """Limits against picture bombs; checked on the header, before anything is decoded.

    Attributes:
        max_pixels: width times height of one picture or frame.
        max_animation_pixels: the same over all frames of an animated picture, whose writers
            keep every frame in memory.
    """

    max_pixels: int = 100_000_000
    max_animation_pixels: int = 500_000_000

    def check_picture(self, width: int, height: int, name: str) -> None:
        """Refuse a picture of more than ``max_pixels``.

        Raises:
            MediaLimitError: too many pixels.
        """
        if width * height > self.max_pixels:
            raise MediaLimitError(
                f"{name} is {width}x{height} pixels, more than the limit of "
                f"{self.max_pixels / 1e6:g} million; make it smaller or raise max_pixels."
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
                "max_animation_pixels."
            )
