"""Donors of single faces and outputs that come and go, with the real engine."""

from __future__ import annotations

from importlib.resources import as_file

import numpy as np
import pytest

from masquerade import Engine, Identity, Settings
from masquerade.core.errors import SettingsError
from masquerade.engine.live import LiveSession
from masquerade.engine.live_options import LiveOptions
from masquerade.media.puppet import Actor, Scene, bundled_photo
from masquerade.testing import PacedSource, PuppetSource, WitnessSink, is_shown, no_leaked_threads

SETTINGS = Settings(label="none", many_faces=True)
QUICK = LiveOptions(deadline_s=60, warm_up=False, governed=False)
SIZE_WH = (480, 270)


@pytest.fixture(scope="module")
def donors():
    def enrol(name):
        with as_file(bundled_photo(name)) as path:
            return Identity.from_photos(path)

    return {name: enrol(name) for name in ("mona_lisa", "astronaut")}


@pytest.fixture(scope="module")
def pair():
    """Pictures of two heads beside each other, with their truth."""
    actors = tuple(
        Actor(name=f"{name}{x}", portrait=name, size=0.55, path=((0.0, x, 0.5),))
        for name, x in (("astronaut", 0.25), ("mona_lisa", 0.75))
    )
    source = PuppetSource([Scene(actors=actors, seconds=1)], size_wh=SIZE_WH, rate=6)
    found = list(source.pairs())
    return [frame.pixels for frame, _ in found], [truth for _, truth in found]


@pytest.fixture
def engine(donors):
    with no_leaked_threads(), Engine({"first": donors["mona_lisa"]}, SETTINGS) as engine:
        yield engine


def by_place(frame):
    """The facts of the left and of the right face."""
    assert len(frame.faces) == 2
    return sorted(frame.faces, key=lambda fact: fact.box[0])


def truth_of(frame, pair):
    pictures, truths = pair
    period = 2 * len(pictures) - 2
    at = min(frame.seq % period, period - frame.seq % period)
    heads = sorted(truths[at].heads, key=lambda head: head.name[-4:])
    return pictures[at], heads


def test_a_clicked_face_gets_its_own_donor_and_then_none(engine, donors, pair):
    sink = WitnessSink()
    with LiveSession(engine, PacedSource(pair[0], rate=6), {"null": sink}, QUICK) as session:
        sink.wait_for(5)
        left, right = by_place(sink.frames[-1])
        assert {left.outcome, right.outcome} == {"swapped"}
        assert (left.donor, right.donor) == ("first", "first")

        both = {"first": donors["mona_lisa"], "second": donors["astronaut"]}
        session.change_donor(both, by_hand={right.track_id: "second"})
        before = sink.count
        sink.wait_for(before + 5)
        after = by_place(sink.frames[-1])
        assert [fact.track_id for fact in after] == [left.track_id, right.track_id]
        assert [fact.donor for fact in after] == ["first", "second"]
        assert {fact.outcome for fact in after} == {"swapped"}

        session.change_settings(strength=0.9)
        sink.wait_for(sink.count + 4)
        assert [fact.donor for fact in by_place(sink.frames[-1])] == ["first", "second"]

        session.change_donor(both, by_hand={right.track_id: "second", left.track_id: None})
        sink.wait_for(sink.count + 5)
        out, swapped = by_place(sink.frames[-1])
        assert (out.outcome, out.donor) == ("passed", None)
        assert (swapped.outcome, swapped.donor) == ("swapped", "second")
    picture, _ = truth_of(sink.frames[-1], pair)
    half = SIZE_WH[0] // 2
    apart = np.abs(sink.frames[-1].pixels[:, :half].astype(int) - picture[:, :half])
    assert apart.max() <= 8, "the invisible mark changes no more"
    for frame in sink.frames[:before]:  # until then the left one was never seen
        original, heads = truth_of(frame, pair)
        assert not is_shown(original, frame.pixels, heads[0])


def test_a_donor_for_a_face_must_be_there(engine, donors, pair):
    sink = WitnessSink()
    with LiveSession(engine, PacedSource(pair[0], rate=6), {"null": sink}, QUICK) as session:
        sink.wait_for(1)
        with pytest.raises(SettingsError, match="no such donor"):
            session.change_donor({"first": donors["mona_lisa"]}, by_hand={0: "nobody"})
        sink.wait_for(sink.count + 2)


def test_outputs_come_and_go_while_it_runs(engine, pair):
    stays, comes = WitnessSink(), WitnessSink()
    with LiveSession(engine, PacedSource(pair[0], rate=10), {"page": stays}, QUICK) as session:
        stays.wait_for(2)
        session.add_sink("file", comes)
        comes.wait_for(3)
        assert [state.name for state in session.statistics().sinks] == ["page", "file"]
        session.remove_sink("file")
        assert comes.state == "committed"
        count = comes.count
        stays.wait_for(stays.count + 3)
        assert comes.count == count
        kept = WitnessSink()
        session.add_sink("file", kept)
        kept.wait_for(1)
    assert (stays.state, kept.state) == ("committed", "committed")
    assert [frame.seq for frame in comes.frames] == sorted(frame.seq for frame in comes.frames)


def test_the_governors_preset_is_changed_while_it_runs(engine, pair):
    sink = WitnessSink()
    governed = LiveOptions(deadline_s=60, warm_up=False)
    with LiveSession(engine, PacedSource(pair[0], rate=6), {"null": sink}, governed) as session:
        sink.wait_for(2)
        assert session.statistics().eased == {}
        session.change_preset("fast")
        now = session.statistics()
        assert (now.preset, now.eased) == ("fast", {"search": 1, "resolution": 1})
        with pytest.raises(SettingsError):
            session.change_preset("slow")
        sink.wait_for(sink.count + 2)
