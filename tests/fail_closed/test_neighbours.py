"""What is drawn for one face never uncovers another."""

from __future__ import annotations

import numpy as np

from masquerade import Settings
from masquerade.core.face import Face
from masquerade.core.frame import FrameJob, Patch
from masquerade.stages.composite import Composite
from masquerade.testing import Actor, PuppetSource, Scene, is_shown


def test_a_patch_does_not_uncover_the_concealed_head_beside_it():
    actors = (
        Actor(name="lost", portrait="astronaut", size=0.4, path=((0, 0.3, 0.45),)),
        Actor(name="near", size=0.4, path=((0, 0.7, 0.45),)),
    )
    frame, truth = PuppetSource([Scene(actors=actors, seconds=0.2)], size_wh=(400, 240)).render(0)
    lost, near = truth.heads
    job = FrameJob(frame)
    job.faces = [
        Face(lost.bbox, 0.9, track_id=0, state="lost", lost_frames=1, selected=True),
        Face(near.bbox, 0.9, landmarks=near.landmarks, track_id=1, selected=True),
    ]
    # As large as patches can be: the swapped face, and the target's own pixels all around it.
    pixels = frame.pixels.copy()
    pixels[near.face > 0] = 90
    job.patches = [Patch(1, (0, 0, 400, 240), pixels, np.full((240, 400), 255, np.uint8))]
    output = Composite(Settings()).process(job).output
    assert not is_shown(frame.pixels, output, lost)
    assert not is_shown(frame.pixels, output, near)
    assert (output[near.face > 0] == 90).mean() > 0.97
