"""Any frame of a file by its time, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.core.errors import SettingsError
from masquerade.media.animation import AnimationSource
from masquerade.media.encoders import VideoOptions
from masquerade.media.image import read_image
from masquerade.media.open import open_source, open_target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.media.limits import MediaLimits

__all__ = ["frame_at"]

_REACHES_S = (0.5, 10.0, 60.0)
"""How far before the wanted time a frame is looked for at first; it may have been shown since."""
_ROUNDING_S = 0.0005
_BEGINNING_S = 1e-6
"""A start other than 0, from which times count from the file's first moment without exception."""


def frame_at(path: Path, at_s: float, limits: MediaLimits | None = None) -> NDArray[np.uint8]:
    """The frame that is shown at a time: the last that begins at it or before.

    Args:
        path: a picture, which shows the same at all times, an animation or a video.
        at_s: seconds from the start of the file; before its first frame that one is taken, after
            its end the last.
        limits: the largest size that is decoded.

    Returns:
        uint8 (H, W, 3) BGR, upright.

    Raises:
        InputError: as :func:`masquerade.media.open.open_source`.
    """
    if open_target(path, limits=limits) == "image":
        return read_image(path, limits=limits).pixels
    for reach_s in _REACHES_S:
        if at_s > reach_s:
            found = _latest(path, at_s - reach_s, at_s, limits)
            if found is not None:
                return found
    found = _latest(path, _BEGINNING_S, at_s, limits)
    assert found is not None, "a video has a first frame"
    return found


def _latest(
    path: Path, start_s: float, at_s: float, limits: MediaLimits | None
) -> NDArray[np.uint8] | None:
    """The last frame from ``start_s`` on that begins at ``at_s`` or before; None without one."""
    try:
        source = open_source(path, VideoOptions(start_s=start_s), limits=limits)
    except SettingsError:  # nothing is shown anew from there on
        return None
    with source:
        if isinstance(source, AnimationSource):
            start_s = _BEGINNING_S  # it is always read from there
        latest: NDArray[np.uint8] | None = None
        for frame in source:
            late = start_s + frame.seconds > at_s + _ROUNDING_S
            if late and (latest is not None or start_s > _BEGINNING_S):
                break
            latest = frame.pixels
        return latest
