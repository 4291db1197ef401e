"""A frame of a file as a swap would show it, while somebody scrubs and tries settings."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.core.lifetimes import Closing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.engine import Engine
    from masquerade.media.limits import MediaLimits

__all__ = ["Previewer", "at_most_wide"]

_ENGINES = 2
_FRAMES = 4
_QUALITY = 88


class Previewer(Closing):
    """Keeps the latest engines and frames, so that scrubbing opens no network and trying settings
    decodes no film. Threads take turns.

    A preview shows one frame for itself: what a swap learns of a face over time, such as its mean
    shape, it cannot know.

    Args:
        limits: the largest frame that is decoded.
        clock: seconds, monotonic.
    """

    def __init__(
        self, limits: MediaLimits | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits, self._clock = limits, clock
        self._asked_s = clock()
        self._turn = threading.RLock()
        self._engines: OrderedDict[Hashable, Engine] = OrderedDict()
        self._frames: OrderedDict[tuple[Path, float], NDArray[np.uint8]] = OrderedDict()

    def original(self, target: Path, at_s: float) -> NDArray[np.uint8]:
        """The frame as it is, uint8 (H, W, 3) BGR; see ``frame_at``. Not to be changed."""
        with self._turn:
            return self._frame(target, at_s)

    def swapped(
        self, target: Path, at_s: float, key: Hashable, make: Callable[[], Engine]
    ) -> NDArray[np.uint8]:
        """The frame with the donors' faces and the label; as it is where nobody is to be swapped.

        Args:
            target: picture, animation or video.
            at_s: seconds from its start.
            key: stands for donors, references and settings: the same key, the same engine.
            make: makes the engine, where it is not there yet.

        Returns:
            uint8 (H, W, 3) BGR.

        Raises:
            MasqueradeError: the file, a donor or a setting cannot be used.
        """
        with self._turn:
            frame = self._frame(target, at_s)
            pixels, _report = self._engine(key, make).swap_picture(frame, allow_no_face=True)
            return pixels

    def swapped_jpeg(
        self, target: Path, at_s: float, key: Hashable, make: Callable[[], Engine], width: int
    ) -> bytes:
        """The same as a JPEG that says where it comes from and is signed, as every output:
        whoever sees it can save it.

        Args:
            target, at_s, key, make: as for :meth:`swapped`.
            width: of the picture at most, in pixels.

        Raises:
            MasqueradeError: the file, a donor or a setting cannot be used; nothing can be signed.
        """
        from masquerade.engine.origin import state_origin
        from masquerade.media.image import Picture, write_image

        with self._turn:
            pixels = at_most_wide(self.swapped(target, at_s, key, make), width)
            engine = self._engine(key, make)
            figures = engine.ledger.figures()
            changed = figures["faces_swapped"] or figures["faces_concealed"]
            disclosure = state_origin(engine, live=True) if changed else None
            with tempfile.TemporaryDirectory(prefix="masquerade-") as folder:
                file = Path(folder) / "preview.jpg"
                write_image(file, Picture(pixels), pixels, disclosure, quality=_QUALITY)
                return file.read_bytes()

    def rest(self, idle_s: float) -> None:
        """Give everything back if nothing was asked for this many seconds."""
        if self._clock() - self._asked_s >= idle_s:
            self.close()

    def close(self) -> None:
        """Give everything back; may be called twice, and the next question opens it again."""
        with self._turn:
            self._frames.clear()
            while self._engines:
                self._engines.popitem()[1].close()

    def _frame(self, target: Path, at_s: float) -> NDArray[np.uint8]:
        self._asked_s = self._clock()
        place = (target, round(at_s, 3))
        if place not in self._frames:
            from masquerade.apps.jobs.frames import frame_at  # FFmpeg is opened for it

            self._frames[place] = frame_at(target, at_s, self._limits)
            if len(self._frames) > _FRAMES:
                self._frames.popitem(last=False)
        self._frames.move_to_end(place)
        return self._frames[place]

    def _engine(self, key: Hashable, make: Callable[[], Engine]) -> Engine:
        if key not in self._engines:
            # The new one first: networks that both use are not opened again then.
            self._engines[key] = make()
            if len(self._engines) > _ENGINES:
                self._engines.popitem(last=False)[1].close()
        self._engines.move_to_end(key)
        return self._engines[key]


def at_most_wide(pixels: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """The picture, uint8 (H, W, 3), made smaller where it is wider than ``width`` pixels."""
    if pixels.shape[1] <= width:
        return pixels
    import cv2

    height = max(1, round(pixels.shape[0] * width / pixels.shape[1]))
    small: Any = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return small  # type: ignore[no-any-return]
