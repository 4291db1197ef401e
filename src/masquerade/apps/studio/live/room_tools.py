"""What the rooms of one client are made with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from masquerade.apps.studio.access.streams import StreamRules
    from masquerade.apps.studio.live.casting import FindDonor
    from masquerade.apps.studio.live.files import LiveFiles
    from masquerade.apps.studio.live.host_devices import HostDevices
    from masquerade.apps.studio.live.sources import SourceOpener

__all__ = ["RoomTools"]


@dataclass(frozen=True, slots=True)
class RoomTools:
    """What rooms of one client are made with.

    Attributes:
        find_donor: looks identities up.
        files: where recordings and snapshots go.
        opener: opens sources.
        devices: what the client may use of the host.
        streams: which addresses may be opened.
        remote: whether the client is on another machine.
    """

    find_donor: FindDonor
    files: LiveFiles
    opener: SourceOpener
    devices: HostDevices
    streams: StreamRules
    remote: bool
