"""A finished frame kept as a picture."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.core.errors import OutputError, OutputExistsError
from masquerade.media.image import Picture, write_image

if TYPE_CHECKING:
    from masquerade.core.disclosure import Disclosure
    from masquerade.core.frame import Frame

__all__ = ["Snapshots"]

_SAME_SECOND = 100


class Snapshots:
    """Writes frames as PNG files named by the time; a file that is there is never replaced.

    Args:
        folder: where they go; made when the first is written.
        newest: the newest finished frame, with its label; None before the first.
        disclosure: the statement of origin for one more file.
        now: local time; a test gives its own.
    """

    def __init__(
        self,
        folder: Path,
        newest: Callable[[], Frame | None],
        disclosure: Callable[[], Disclosure],
        *,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._folder, self._newest, self._disclosure, self._now = folder, newest, disclosure, now

    def save(self) -> Path | None:
        """Write the newest frame and return its file; None where there is no frame yet.

        Raises:
            OutputError: the folder cannot be written to, or the disk is full.
        """
        frame = self._newest()
        if frame is None:
            return None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder {self._folder} cannot be made ({error.strerror}); choose another."
            ) from error
        stem = f"masquerade-{self._now():%Y-%m-%d-%H%M%S}"
        picture, disclosure = Picture(frame.pixels), self._disclosure()
        for number in range(1, _SAME_SECOND):
            path = self._folder / (f"{stem}-{number}.png" if number > 1 else f"{stem}.png")
            try:
                write_image(path, picture, frame.pixels, disclosure)
            except OutputExistsError:
                continue
            return path
        raise OutputError(f"There are too many pictures named {stem}; wait a second.")
