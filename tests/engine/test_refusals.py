"""The engine refuses what must not be done, whoever calls it: the library is no way round."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "stages"))
from donor_photos import donor, photo

from masquerade import Engine, Settings, swap_image
from masquerade.core.errors import ConsentError, ContentError, GuardianError, LockedFaceError
from masquerade.engine.live import LiveSession
from masquerade.engine.locked_faces import BUILT_IN, LockedFaces, lock_face
from masquerade.engine.target_check import CHECK_IS_OFF
from masquerade.models.content import ContentNetwork
from masquerade.models.library import Library
from masquerade.models.opening import close_models
from masquerade.stages.identity import Identity
from masquerade.testing.live import PacedSource, WitnessSink
from masquerade.testing.networks.functional import fill_library
from masquerade.trust import minors
from masquerade.trust.audit import AuditLog
from masquerade.trust.deny_list import DenyList

SMALL = (slice(0, 300), slice(90, 390))
"""The astronaut's face in her photo, 300 pixels squared."""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def sexual(monkeypatch):
    """A stand-in of the same input and output that finds every picture sexual."""
    monkeypatch.setattr(ContentNetwork, "score", lambda _self, _crop: 0.95)


@pytest.fixture
def everybody_looks_young(monkeypatch):
    monkeypatch.setattr(minors, "ADULT_YEARS", 100.0)


def target():
    return np.ascontiguousarray(photo("astronaut")[SMALL])


def events():
    return [(entry.event, entry.facts) for entry in AuditLog().entries()]


# The content check


def test_the_real_network_lets_harmless_pictures_pass():
    with Engine(donor("mona")) as engine:
        for name in ("astronaut", "hopper"):
            engine.swap_picture(photo(name))
            assert engine.content["highest"] < 0.1
        assert engine.content["checked"] is True
        assert engine.notices == ()


def test_a_picture_is_refused_and_nothing_is_written(sexual, tmp_path):
    output = tmp_path / "out.png"
    with pytest.raises(ContentError):
        swap_image(donor("mona"), target(), output)
    assert not output.exists()
    ((event, facts),) = events()
    assert (event, facts["kind"]) == ("refused", "ContentError")


def test_frames_of_a_stream_are_refused(sexual):
    with Engine(donor("mona")) as engine:
        for _ in range(2):
            with pytest.raises(ContentError):
                engine.process(target())


def test_switched_off_it_is_told_and_stated(sexual, tmp_path):
    settings = Settings(content_check=False)
    with Engine(donor("mona"), settings) as engine:
        engine.swap_picture(target())
        assert CHECK_IS_OFF in engine.notices
        assert engine.content == {"checked": False, "threshold": 0.8}


def test_a_live_stream_is_hidden_and_then_ended(monkeypatch):
    monkeypatch.setattr(ContentNetwork, "score", lambda _self, crop: float(crop.mean() > 100))
    bright = np.full((240, 320, 3), 200, np.uint8)
    sink = WitnessSink()
    source = PacedSource([bright], rate=30)
    with (
        Engine(donor("mona")) as engine,
        pytest.raises(ContentError),
        LiveSession(engine, source, {"witness": sink}) as session,
    ):
        assert session.wait(30)
    assert sink.count > 10
    for frame in sink.frames:
        assert not (frame.pixels == 200).any()
    kinds = [event for event, _ in events()]
    assert kinds == ["live-began", "live-ended", "refused"]
    assert events()[1][1]["content"]["highest"] == 1.0


# People who look under 18


@pytest.mark.parametrize("name", ["astronaut", "hopper", "mona"])
def test_adults_of_the_portraits_look_like_adults(name):
    with Engine(donor(name)):
        pass
    assert donor(name).attributes.age > 25


def test_a_donor_who_looks_young_needs_an_answer(everybody_looks_young):
    with pytest.raises(GuardianError, match=r"The donor mona looks under 18, about \d+; state"):
        Engine(donor("mona"))
    with pytest.raises(GuardianError):
        Engine(donor("mona"), guardian={"somebody else": "adult"})
    with Engine(donor("mona"), guardian={"mona": "agreed"}):
        pass
    assert [event for event, _ in events()] == ["refused", "refused"]


def test_a_face_of_the_target_who_looks_young_needs_an_answer(everybody_looks_young):
    young = pytest.raises(GuardianError, match="A face of the target")
    with Engine(donor("mona"), guardian={"mona": "adult"}) as engine, young:
        engine.swap_picture(target())
    with Engine(donor("mona"), guardian={"mona": "adult", "": "agreed"}) as engine:
        assert engine.swap_picture(target())[1].faces_swapped == 1
    with Engine(donor("mona"), guardian="adult") as engine:
        assert engine.swap_picture(target())[1].faces_swapped == 1


def test_with_children_the_content_check_cannot_be_switched_off(everybody_looks_young, sexual):
    settings = Settings(content_check=False, content_threshold=0.99)
    with Engine(donor("mona"), settings, guardian="agreed") as engine:
        with pytest.raises(ContentError):
            engine.swap_picture(target())
        assert engine.content["checked"] is True
        assert CHECK_IS_OFF not in engine.notices
    with Engine(donor("mona"), settings, guardian="adult") as engine:
        engine.swap_picture(target())


# Locked faces


def test_a_locked_face_is_no_donor_and_no_target(home):
    locked = lock_face(photo("mona"), "Lisa")
    with pytest.raises(LockedFaceError, match="The donor mona looks like Lisa"):
        Engine(donor("mona"))
    with Engine(donor("hopper")) as engine:
        with pytest.raises(LockedFaceError, match="A face of the target looks like Lisa"):
            engine.swap_picture(photo("mona"))
        assert engine.swap_picture(target())[1].faces_swapped == 1
    assert DenyList().remove(locked.id)
    with Engine(donor("mona")):
        pass


def test_a_locked_face_is_hidden_live_and_the_others_are_swapped():
    lock_face(photo("astronaut"), "Eileen")
    sink = WitnessSink()
    with Engine(donor("mona")) as engine:
        with LiveSession(engine, PacedSource([target()], count=20), {"witness": sink}) as session:
            assert session.wait(30)
        assert any("Eileen" in sentence for sentence in engine.notices)
    facts = [fact for frame in sink.frames for fact in frame.faces]
    assert {fact.outcome for fact in facts} == {"concealed"}
    eyes = (slice(90, 130), slice(100, 160))
    for frame in sink.frames:
        assert np.abs(frame.pixels[eyes].astype(int) - target()[eyes]).mean() > 8


def test_a_locked_face_cannot_be_changed_to_either():
    lock_face(photo("mona"), "Lisa")
    with Engine(donor("hopper")) as engine:
        with pytest.raises(LockedFaceError):
            engine.change_donors(donor("mona"))
        assert list(engine.identities) == ["hopper"]


def test_a_damaged_list_lets_nobody_pass(home):
    lock_face(photo("mona"), "Lisa")
    path = DenyList().path
    for text in ("", "{", "[]", '{"version": 1, "faces": [{}]}', '{"version": 2, "faces": []}'):
        path.write_text(text)
        with pytest.raises(ConsentError, match="mend it"):
            Engine(donor("hopper"))


def test_what_is_kept_of_a_locked_face_suits_stronger_recognisers(home):
    face = lock_face(photo("mona"), "x" * 200)
    (read,) = DenyList().all()
    assert (read.id, read.portrait, len(read.name)) == (face.id, face.portrait, 100)
    assert np.array_equal(read.embedding_unit, face.embedding_unit)
    assert np.array_equal(read.kps, face.kps)
    assert DenyList().path.stat().st_mode & 0o777 == 0o600
    assert json.loads(DenyList().path.read_text())["version"] == 1


def test_the_strongest_recogniser_that_is_installed_decides(home):
    lock_face(photo("mona"), "Lisa")
    library = Library()
    assert LockedFaces().recogniser == BUILT_IN
    fill_library(library, ["w600k_mbf", "w600k_r50"])
    locked = LockedFaces()
    assert locked.recogniser.name == "w600k_r50"
    found = locked.like_identity(donor("mona"))
    assert found is not None
    assert found.name == "Lisa"
    with pytest.raises(LockedFaceError):
        Engine(donor("mona"))
    with Engine(donor("hopper")) as engine, pytest.raises(LockedFaceError):
        engine.swap_picture(photo("mona"))
    close_models()


def test_two_photos_of_one_person_are_one_person():
    locked = LockedFaces([lock_face(photo("mona"), "Lisa")])
    darker = (photo("mona") * 0.6).astype(np.uint8)[:, ::-1]
    assert locked.like_identity(Identity.from_photos(np.ascontiguousarray(darker))) is not None
    assert locked.like_identity(donor("hopper")) is None
