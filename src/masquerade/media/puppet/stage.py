"""The play of ``masquerade demo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from masquerade.media.puppet.acting import Actor, Scene, Turn
from masquerade.media.puppet.portrait import bundled_photo
from masquerade.media.puppet.source import PuppetSource

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from masquerade.media.puppet.portrait import BundledName

__all__ = ["demo_source"]


def demo_source(
    target: BundledName = "astronaut",
    *,
    size_wh: tuple[int, int] = (640, 480),
    seconds: float = 6.0,
    rate: int = 25,
) -> tuple[PuppetSource, Traversable]:
    """A short talking portrait, and the photo of the other portrait as donor.

    Args:
        target: whose portrait is brought to life.
        size_wh: width and height of the frames in pixels.
        seconds: length.
        rate: frames per second.

    Returns:
        The source, and the donor's JPEG inside the package (``importlib.resources.as_file``
        gives its path).

    Raises:
        SettingsError: there is no such portrait.
    """
    donor: BundledName = "mona_lisa" if target == "astronaut" else "astronaut"
    bundled_photo(target)
    # The painting looks to the image's left already.
    right, left = (28, -12) if target == "mona_lisa" else (32, -30)
    actor = Actor(
        name=target,
        portrait=target,
        size=0.46,
        path=((0.0, 0.5, 0.43),),
        turns=(
            Turn(0.36 * seconds, 0.25 * seconds, right),
            Turn(0.68 * seconds, 0.22 * seconds, left),
        ),
    )
    scene = Scene(actors=(actor,), seconds=seconds, background=target)
    return PuppetSource([scene], size_wh=size_wh, rate=rate, seed=3), bundled_photo(donor)
