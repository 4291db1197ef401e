"""What the routers of one studio share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from masquerade.apps.jobs.preview import Previewer
from masquerade.apps.jobs.queue import JobQueue
from masquerade.apps.studio.access.streams import StreamRules
from masquerade.apps.studio.caster import Caster
from masquerade.apps.studio.config import StudioConfig
from masquerade.apps.studio.cpu_desk import CpuDesk
from masquerade.apps.studio.live.casting import FindDonor
from masquerade.apps.studio.live.rooms import Rooms
from masquerade.apps.studio.machine import MachineGauge
from masquerade.apps.studio.presets import Presets
from masquerade.apps.studio.private_folder import keep_private
from masquerade.apps.studio.pulls import Pulls
from masquerade.apps.studio.shelf import Shelf
from masquerade.apps.studio.uploads import Uploads
from masquerade.media.limits import MediaLimits

__all__ = ["Services", "open_services"]

_REST_S = 300.0
"""How long engines of previews are kept while nobody scrubs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the routers of one studio share.

    Attributes:
        config: how the studio runs.
        uploads: files that clients sent.
        streams: which addresses clients may have this machine open.
        rooms: the live sessions that run, and the files that they made.
        find_donor: looks up an identity of the shelf for a live session.
        shelf: donors that are kept.
        queue: files that are swapped in the background.
        previewer: single frames of files, swapped.
        desk: where requests have work done that takes the processor for long.
        pulls: models that are being fetched, and the library that they go to.
        presets: named settings.
        machine: what this process takes of the machine.
        ending: whether the studio is about to end.
        clock: seconds, monotonic.
    """

    config: StudioConfig
    uploads: Uploads
    streams: StreamRules
    rooms: Rooms
    find_donor: FindDonor
    shelf: Shelf
    queue: JobQueue
    previewer: Previewer
    presets: Presets
    desk: CpuDesk = field(default_factory=CpuDesk)
    pulls: Pulls = field(default_factory=Pulls)
    machine: MachineGauge = field(default_factory=MachineGauge)
    ending: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic

    @property
    def caster(self) -> Caster:
        """Makes jobs and engines of what clients ask for."""
        return Caster(
            self.shelf, self.uploads, MediaLimits(max_pixels=self.config.limits.picture_pixels)
        )

    def start(self) -> None:
        """Begin what runs in the background."""
        self.queue.start()

    def sweep(self) -> None:
        """Delete and give back what nobody has used for some time."""
        self.uploads.sweep()
        self.previewer.rest(_REST_S)

    def announce_end(self) -> None:
        """Let answers that go on and on, such as streams of events, come to their end."""
        self.ending.set()
        self.queue.wake()

    def close(self) -> None:
        """End everything and remove what was temporary. May be called twice."""
        self.announce_end()
        self.rooms.close()
        self.desk.close()
        self.previewer.close()
        self.pulls.close()
        self.queue.close()
        self.uploads.close()
        self.machine.close()


def open_services(config: StudioConfig) -> Services:
    """Make the services of a studio.

    Raises:
        OutputError: the studio's folder cannot be written.
        SettingsError: a pattern of stream addresses is none.
    """
    keep_private(config.folder)
    limits = MediaLimits(max_pixels=config.limits.picture_pixels)
    shelf = Shelf(config.folder / "identities", limits)
    return Services(
        config=config,
        streams=StreamRules(config.allow_streams),
        uploads=Uploads(config.folder / "uploads", config.limits),
        rooms=Rooms(config.limits, config.folder / "live"),
        find_donor=shelf.donor,
        shelf=shelf,
        queue=JobQueue(
            config.folder / "jobs",
            workers=config.limits.jobs_at_a_time,
            keep_s=config.limits.job_age_s,
        ),
        previewer=Previewer(limits),
        presets=Presets(config.folder / "presets"),
    )
