"""The stage that swaps by networks, with stand-ins of them."""

from __future__ import annotations

import time

import donor_photos
import numpy as np
from carried_faces import SlowMaker, View

from masquerade.core.face import Face
from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.stages.awaited import Awaited
from masquerade.stages.composite import Composite
from masquerade.stages.network_swap import NetworkSwap
from masquerade.stages.swap import Swap


class Rig:
    """The stage with a stand-in of the networks, and frames to feed it."""

    def __init__(self, refresh: str, maker: SlowMaker | None = None, **options) -> None:
        self.donors = {name: donor_photos.donor(name) for name in ("astronaut", "mona")}
        self.settings = Settings(refresh=refresh)
        self.maker = SlowMaker() if maker is None else maker
        bridge = Swap(self.donors, self.settings)
        self.stage = NetworkSwap(self.donors, self.settings, self.maker, bridge, **options)
        self.seq = 0

    def frame(
        self, shown: View, *faces: Face, live: bool = False, scene: int = 0, on_lost: str = "blur"
    ) -> tuple[FrameJob, np.ndarray]:
        """Take one frame through the stage and the compositor."""
        captured_s = time.perf_counter() if live else None
        frame = Frame(shown.pixels, self.seq, 40 * self.seq, captured_s=captured_s)
        job = FrameJob(frame, list(faces) or [shown.face()], scene=scene)
        self.seq += 1
        Awaited().process(self.stage.process(job))
        Composite(Settings(on_lost=on_lost)).process(job)
        return job, job.output

    def until_made(self, shown: View, count: int) -> None:
        """Live frames until the network has finished so many faces."""
        end_s = time.monotonic() + 10
        while len(self.maker.made) < count or self.stage.gauges()["refreshes"] < count:
            assert time.monotonic() < end_s
            self.frame(shown, live=True)
            time.sleep(0.002)


def row(shown: View, count: int) -> list[Face]:
    """So many faces beside each other; the first is where the picture shows one."""
    faces = []
    for track_id in range(count):
        face, dx = shown.face(track_id, ("astronaut", "mona")[track_id % 2]), 40 * track_id
        face.landmarks = shown.landmarks + np.array([dx, 0, 0], np.float32)
        face.bbox = face.bbox + np.array([dx, 0, dx, 0], np.float32)
        faces.append(face)
    return faces
