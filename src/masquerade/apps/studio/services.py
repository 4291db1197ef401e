"""What the routers of one studio share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from masquerade.apps.studio.config import StudioConfig
from masquerade.apps.studio.uploads import Uploads

__all__ = ["Services", "open_services"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the routers of one studio share.

    Attributes:
        config: how the studio runs.
        uploads: files that clients sent.
        clock: seconds, monotonic.
    """

    config: StudioConfig
    uploads: Uploads
    clock: Callable[[], float] = time.monotonic

    def close(self) -> None:
        """End everything and remove what was temporary. May be called twice."""
        self.uploads.close()


def open_services(config: StudioConfig) -> Services:
    """Make the services of a studio.

    Raises:
        OutputError: the studio's folder cannot be written.
    """
    return Services(config=config, uploads=Uploads(config.folder / "uploads", config.limits))
