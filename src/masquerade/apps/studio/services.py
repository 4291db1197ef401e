"""What the routers of one studio share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from masquerade.apps.studio.access.streams import StreamRules
from masquerade.apps.studio.config import StudioConfig
from masquerade.apps.studio.live.casting import FindDonor, nobody
from masquerade.apps.studio.live.rooms import Rooms
from masquerade.apps.studio.machine import MachineGauge
from masquerade.apps.studio.private_folder import keep_private
from masquerade.apps.studio.uploads import Uploads

__all__ = ["Services", "open_services"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the routers of one studio share.

    Attributes:
        config: how the studio runs.
        uploads: files that clients sent.
        streams: which addresses clients may have this machine open.
        rooms: the live sessions that run, and the files that they made.
        find_donor: looks up an identity of the library for a live session.
        machine: what this process takes of the machine.
        clock: seconds, monotonic.
    """

    config: StudioConfig
    uploads: Uploads
    streams: StreamRules
    rooms: Rooms
    find_donor: FindDonor = nobody
    machine: MachineGauge = field(default_factory=MachineGauge)
    clock: Callable[[], float] = time.monotonic

    def close(self) -> None:
        """End everything and remove what was temporary. May be called twice."""
        self.rooms.close()
        self.uploads.close()
        self.machine.close()


def open_services(config: StudioConfig) -> Services:
    """Make the services of a studio.

    Raises:
        OutputError: the studio's folder cannot be written.
        SettingsError: a pattern of stream addresses is none.
    """
    keep_private(config.folder)
    return Services(
        config=config,
        streams=StreamRules(config.allow_streams),
        uploads=Uploads(config.folder / "uploads", config.limits),
        rooms=Rooms(config.limits, config.folder / "live"),
    )
