"""From a face's first detection to the end of its scene, its own features never show.

The real engine swaps puppets whose truth is known. The audit compares what came out with what
went in, inside the true face: it does not ask the tracker where it thinks the face is.
"""

from __future__ import annotations

from importlib.resources import as_file

import numpy as np
import pytest

from masquerade import Engine, Settings
from masquerade.core.errors import MasqueradeError, ModelError
from masquerade.engine import finding
from masquerade.engine import staging as wiring
from masquerade.media.puppet import bundled_photo
from masquerade.models.embedder import Embedder
from masquerade.models.landmarker import Landmarker
from masquerade.testing import (
    Actor,
    FailingStage,
    PuppetSource,
    Rehearsal,
    Scene,
    likeness,
    play,
)

STAGE = {"size_wh": (320, 240), "rate": 8, "noise": 2.0}
SETTINGS = Settings(many_faces=True, label="none")
SAME_PICTURE = 0.8
"""Cosine of the embeddings of two pictures above which they show one and the same face; swaps
measure 0.38 to 0.62 against their own target."""


@pytest.fixture(scope="module")
def donor():
    with as_file(bundled_photo("mona_lisa")) as photo, Engine(photo, SETTINGS) as engine:
        yield next(iter(engine.identities.values()))


@pytest.fixture
def engine(donor):
    with Engine(donor, SETTINGS) as engine:
        yield engine


def rehearse(engine, source, witness=None):
    rehearsal = Rehearsal(source, witness=witness)
    report = engine.run(rehearsal.source, rehearsal.sink, allow_no_face=True)
    return rehearsal.exposure, report


@pytest.mark.parametrize(
    ("name", "rate"),
    [("occluded", 8), ("profile", 8), ("crossing", 8), ("cuts", 8), ("light", 8), ("fast", 8)],
)
def test_hard_plays(name, rate, engine):
    counts, _ = rehearse(engine, play(name, **{**STAGE, "rate": rate}))
    assert counts.leaks == ()
    assert counts.concealed + counts.before_first + counts.after_return == counts.visible
    assert counts.concealed > 0.9 * counts.visible


@pytest.mark.parametrize("name", ["occluded", "fast"])
def test_hard_plays_with_every_knob_turned_down(name, engine):
    for section in engine._line().sections:
        for stage in section._stages:
            for knob, value in {"every": 30, "looks": {"detect": 1}.get(stage.name, 2)}.items():
                if hasattr(stage, knob):
                    setattr(stage, knob, value)
            if stage.name == "swap":
                stage.resolution = 0.5
    counts, _ = rehearse(engine, play(name, **STAGE))
    assert counts.leaks == ()
    assert counts.concealed > 0.9 * counts.visible


def test_a_face_that_returns_is_found_within_a_few_frames(engine):
    counts, _ = rehearse(engine, play("leaves and returns", **STAGE))
    assert counts.leaks == ()
    assert counts.after_return <= 3


def test_far_faces_that_were_never_found_are_counted(engine):
    counts, _ = rehearse(engine, play("far", size_wh=(640, 480), rate=5))
    assert counts.leaks == ()
    assert counts.visible == 40
    assert counts.before_first <= 4


def test_the_first_frame_is_swapped_already(engine):
    source = PuppetSource([Scene(actors=(Actor(portrait="astronaut"),), seconds=0.25)], **STAGE)
    counts, _ = rehearse(engine, source)
    assert counts.visible == counts.concealed == 2


def test_a_recogniser_sees_somebody_else(engine, donor):
    embedder = Embedder()
    rows = []

    def witness(target, output, truth):
        head = truth.heads[0]
        if head.visible_part > 0.9 and truth.seq % 3 == 0:
            before, after = (
                embedder.describe(picture, [head.landmarks])[0].embedding_unit
                for picture in (target, output)
            )
            own, new = float(after @ before), float(after @ donor.attributes.embedding_unit)
            rows.append((own, new, float(before @ donor.attributes.embedding_unit)))

    counts, _ = rehearse(engine, play("talk", size_wh=(480, 360), rate=8), witness)
    own, new, untouched = np.array(rows).T
    assert counts.leaks == ()
    assert own.max() < SAME_PICTURE
    assert (new > untouched).all()
    assert new.mean() > own.mean()


class TestForcedFailures:
    """Networks and stages that raise cost a frame, never a face."""

    @pytest.fixture
    def source(self):
        return play("talk", **STAGE)

    @pytest.mark.parametrize("seqs", [{0, 1}, {3, 10, 17}, set(range(3, 22))])
    @pytest.mark.parametrize("name", ["Detect", "Track", "Select", "Swap", "Composite"])
    def test_a_stage(self, name, seqs, source, engine, monkeypatch):
        module = finding if name in ("Detect", "Track") else wiring
        real = getattr(module, name)

        def broken(*args, **options):
            stage = real(*args, **options)
            kind = {"Detect": _FailingDetect, "Track": _FailingTrack}.get(name, FailingStage)
            return kind(stage, seqs.__contains__)

        monkeypatch.setattr(module, name, broken)
        counts, report = rehearse(engine, source)
        assert counts.leaks == ()
        assert counts.concealed == counts.visible
        assert report.frames == source.info.frame_count

    @pytest.mark.parametrize(
        ("kind", "method"), [(Landmarker, "locate_many"), (Embedder, "describe")]
    )
    def test_a_network(self, kind, method, source, engine, monkeypatch):
        real, calls = getattr(kind, method), []

        def shaky(*args, **options):
            calls.append(None)
            if len(calls) % 5 == 4:
                raise ModelError("made to fail by a test")
            return real(*args, **options)

        monkeypatch.setattr(kind, method, shaky)
        counts, _ = rehearse(engine, source)
        assert counts.leaks == ()
        assert counts.concealed == counts.visible

    def test_a_stage_that_never_works_ends_the_run(self, engine, monkeypatch):
        monkeypatch.setattr(
            wiring,
            "Swap",
            lambda *args: FailingStage(_real_swap(*args), lambda seq: True),
        )
        rehearsal = Rehearsal(play("talk", size_wh=(320, 240), rate=16))
        with pytest.raises(MasqueradeError, match="'swap' failed"):
            engine.run(rehearsal.source, rehearsal.sink, allow_no_face=True)
        assert rehearsal.exposure.leaks == ()
        assert rehearsal.exposure.before_first == 0


class _FailingDetect(FailingStage):
    def search(self, job):
        self.stage.search(job)


class _FailingTrack(FailingStage):
    @property
    def wants_detection(self):
        return self.stage.wants_detection


_real_swap = wiring.Swap


@pytest.mark.parametrize("on_lost", ["hold", "blur", "blank"])
def test_what_is_shown_instead(on_lost, donor, monkeypatch):
    monkeypatch.setattr(
        wiring,
        "Swap",
        lambda *args: FailingStage(_real_swap(*args), lambda seq: seq > 3),
    )
    shown = []

    def witness(target, output, truth):
        shown.append(likeness(target, output, truth.heads[0]))

    with Engine(donor, SETTINGS.replace(on_lost=on_lost, hold_s=0.3)) as engine:
        counts, _ = rehearse(engine, play("talk", **STAGE), witness)
    assert counts.concealed == counts.visible
    assert max(shown[4:]) < 0.8
