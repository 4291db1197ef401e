"""Left and right change places in a running stream: nobody's own face is seen for a moment."""

from __future__ import annotations

from importlib.resources import as_file

import cv2
import numpy as np
import pytest

from masquerade import Engine, Identity, Settings
from masquerade.engine.live import LiveSession
from masquerade.engine.live_options import LiveOptions
from masquerade.media.live.mirrored import MirroredSource
from masquerade.media.puppet import Actor, Scene, bundled_photo
from masquerade.testing import PacedSource, PuppetSource, WitnessSink, is_shown

SIZE_WH = (320, 240)


@pytest.fixture(scope="module")
def donor():
    with as_file(bundled_photo("mona_lisa")) as photo:
        return Identity.from_photos(photo)


@pytest.mark.parametrize("x", [0.25, 0.42, 0.5])
def test_no_real_face_is_shown_when_the_picture_is_mirrored(x, donor):
    actor = Actor(name="a", portrait="astronaut", size=0.5, path=((0.0, x, 0.5),))
    play = PuppetSource([Scene(actors=(actor,), seconds=1)], size_wh=SIZE_WH, rate=8)
    pairs = list(play.pairs())
    pictures = [frame.pixels for frame, _ in pairs]
    mirrored = [np.ascontiguousarray(picture[:, ::-1]) for picture in pictures]
    options = LiveOptions(deadline_s=60, warm_up=False, governed=False)
    sink = WitnessSink()
    engine = Engine(donor, Settings(label="none"))
    source = MirroredSource(PacedSource(pictures, rate=10))
    with engine, LiveSession(engine, source, {"null": sink}, options):
        for turn in range(6):
            sink.wait_for(sink.count + 4)
            source.mirror = turn % 2 == 0
    shown, turned = 0, 0
    period = 2 * len(pictures) - 2
    for frame in sink.frames:
        at = min(frame.seq % period, period - frame.seq % period)
        head = pairs[at][1].heads[0]
        upright = np.abs(frame.pixels.astype(int) - pictures[at]).mean()
        is_turned = np.abs(frame.pixels.astype(int) - mirrored[at]).mean() < upright
        view = np.ascontiguousarray(cv2.flip(frame.pixels, 1)) if is_turned else frame.pixels
        turned += is_turned
        shown += is_shown(pictures[at], view, head)
    assert turned >= 8
    assert shown == 0
