"""In strict mode nobody at all is shown: not bystanders, nor whom the engine never found."""

from __future__ import annotations

from importlib.resources import as_file

import cv2
import numpy as np
import pytest

from masquerade import Engine, Identity, Settings
from masquerade.engine import staging as wiring
from masquerade.media.puppet import bundled_photo
from masquerade.stages.strict import Strict
from masquerade.testing import FailingStage, Rehearsal, play, untouched_share

STRICT = Settings(strict=True, label="none")


@pytest.fixture(scope="module")
def donor():
    with as_file(bundled_photo("mona_lisa")) as photo:
        return Identity.from_photos(photo)


def rehearse(donor, settings, name, rate=4, size_wh=(400, 300), witness=None):
    rehearsal = Rehearsal(play(name, size_wh=size_wh, rate=rate, noise=2.0), witness=witness)
    with Engine(donor, settings) as engine:
        report = engine.run(rehearsal.source, rehearsal.sink, allow_no_face=True)
    return rehearsal.exposure, report


@pytest.mark.parametrize("name", ["crossing", "far"])
def test_bystanders_and_small_faces(name, donor):
    counts, report = rehearse(donor, STRICT, name)
    assert counts.visible == counts.concealed > 20
    assert report.faces_swapped > 0, "who is meant is swapped all the same"


def test_without_strict_the_bystanders_are_seen(donor):
    counts, _ = rehearse(donor, STRICT.replace(strict=False), "crossing")
    assert counts.concealed < counts.visible


@pytest.mark.parametrize("name", ["profile", "fast"])
def test_whom_the_engine_misses_all_the_time(name, donor):
    settings = STRICT.replace(detect_score=0.99)
    counts, report = rehearse(donor, settings, name, rate=4, size_wh=(320, 240))
    assert counts.visible == counts.concealed
    assert report.faces_swapped < counts.visible / 2, "the engine was to miss them"


def test_a_finished_swap_is_not_blurred(donor):
    faces = {True: [], False: []}
    for strict, seen in faces.items():
        rehearse(
            donor,
            STRICT.replace(strict=strict),
            "talk",
            rate=3,
            size_wh=(320, 240),
            witness=lambda target, output, truth, seen=seen: seen.append(
                output[cv2.erode(truth.heads[0].face, np.ones((9, 9))) > 0]
            ),
        )
    for strict, plain in zip(*faces.values(), strict=True):
        assert (strict == plain).mean() > 0.99


def test_when_the_strict_search_fails_the_frame_is_concealed_as_a_whole(donor, monkeypatch):
    monkeypatch.setattr(
        wiring,
        "Strict",
        lambda *args: FailingStage(Strict(*args), lambda seq: seq % 3 == 1),
    )
    shown = []

    def witness(target, output, truth):
        shown.append(max(untouched_share(target, output, head) for head in truth.heads))

    counts, report = rehearse(
        donor, STRICT.replace(on_lost="blur"), "crossing", rate=3, witness=witness
    )
    assert counts.visible == counts.concealed
    assert report.frames_concealed == 4
    assert max(shown) < 0.2
