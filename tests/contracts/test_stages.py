"""One contract for every stage of the frame's way, on frames as the stages before leave them."""

from __future__ import annotations

import copy
from importlib.resources import as_file

import pytest

from masquerade import Identity, Settings
from masquerade.core.frame import FrameJob
from masquerade.media.puppet import bundled_photo
from masquerade.models.detector import Detector
from masquerade.models.embedder import Embedder
from masquerade.models.landmarker import Landmarker
from masquerade.stages.composite import Composite
from masquerade.stages.detect import Detect
from masquerade.stages.disclose import Disclose
from masquerade.stages.select import Select
from masquerade.stages.swap import Swap
from masquerade.stages.track import Track
from masquerade.testing import NullSwap, StandInStage, assert_stage_contract, play
from masquerade.trust.badge import make_badge

SETTINGS = Settings(many_faces=True)
NAMES = ("detect", "track", "select", "swap", "composite", "disclose")


@pytest.fixture(scope="module")
def way():
    """The stages in order, and the jobs of a few frames (with a cut) as each stage finds them."""
    with as_file(bundled_photo("mona_lisa")) as photo:
        donors = {"mona": Identity.from_photos(photo)}
    track = Track(Landmarker(), SETTINGS)
    stages = [
        Detect(Detector(), SETTINGS, wanted=lambda: track.wants_detection),
        track,
        Select(Embedder(), SETTINGS, donors, {}),
        Swap(donors, SETTINGS),
        Composite(SETTINGS),
        Disclose(make_badge("small")),
    ]
    source = play("cuts", size_wh=(320, 240), rate=5)
    jobs = [FrameJob(source.render(seq)[0]) for seq in range(4, 9)]
    found = {}
    # Stage by stage would starve Detect of what Track wants, so frames go through one by one.
    for job in jobs:
        for stage in stages:
            found.setdefault(stage.name, []).append(copy.deepcopy(job))
            stage.process(job)
    for stage in stages:
        stage.reset()
    return {stage.name: stage for stage in stages}, found


@pytest.mark.parametrize("name", NAMES)
def test_stages(name, way):
    stages, found = way
    assert_stage_contract(stages[name], lambda: copy.deepcopy(found[name]))


def test_the_way_is_complete(way):
    stages, found = way
    assert tuple(stages) == NAMES
    assert all(job.faces for job in found["select"])
    assert all(job.patches for job in found["composite"])


@pytest.mark.parametrize("stage", [NullSwap(), StandInStage()])
def test_stand_ins(stage, way):
    _, found = way
    assert_stage_contract(stage, lambda: copy.deepcopy(found["swap"]))
