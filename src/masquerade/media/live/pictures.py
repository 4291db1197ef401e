"""Decoded frames of a live stream, whatever their format, as pictures of one size."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from masquerade.media.colorimetry import BgrReader, ColorTags
from masquerade.media.orientation import Orientation

if TYPE_CHECKING:
    import av
    import numpy as np
    from av.sidedata.sidedata import SideData
    from numpy.typing import NDArray

    from masquerade.media.live.view import View

__all__ = ["Pictures"]


class Pictures:
    """Turns decoded frames into the pictures that are seen. Formats and sizes may change."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._kind: tuple[object, ...] = ()
        self._reader: BgrReader | None = None

    def of(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """The view of a frame, uint8 (H, W, 3) BGR.

        Raises:
            av.FFmpegError: the pixel format cannot be converted.
            SettingsError: a crop that lies outside the picture.
        """
        tags = ColorTags.of(frame)
        kind = (tags, frame.format.name, frame.width, frame.height)
        if self._reader is None or kind != self._kind:
            self._reader, self._kind = BgrReader(tags, frame.format.name), kind
        pixels = self._reader.read(frame)
        turn = cast("SideData | None", frame.side_data.get("DISPLAYMATRIX"))
        if turn is not None:
            pixels = Orientation.from_display_matrix(bytes(turn)).upright(pixels)
        return self._view.of(pixels)
