"""A live session with the real engine: its start, its changes, its end, and what goes wrong."""

from __future__ import annotations

import itertools
import threading
from importlib.resources import as_file

import numpy as np
import psutil
import pytest

from masquerade import Engine, Identity, Settings
from masquerade.core.errors import (
    DeviceError,
    MasqueradeError,
    NoFaceInDonorError,
    OutputError,
    SettingsError,
)
from masquerade.engine.live import LiveSession
from masquerade.engine.live_options import LiveOptions
from masquerade.media.puppet import bundled_photo
from masquerade.testing import (
    FailingStage,
    NullSwap,
    PacedSource,
    WitnessSink,
    is_shown,
    no_leaked_threads,
    play,
)

SETTINGS = Settings(watermark=False, label="none")
PATIENT = LiveOptions(deadline_s=60)
QUICK = LiveOptions(deadline_s=60, warm_up=False, governed=False)
"""However busy the machine is, no frame is given up for being late."""


@pytest.fixture(scope="module")
def donors():
    def enrol(name):
        with as_file(bundled_photo(name)) as path:
            return Identity.from_photos(path)

    return {name: enrol(name) for name in ("mona_lisa", "astronaut")}


@pytest.fixture(scope="module")
def talk():
    """Pictures of a talking head, with its truth."""
    with play("talk", size_wh=(320, 240), rate=8) as source:
        pairs = list(source.pairs())
    return [frame.pixels for frame, _ in pairs], [truth for _, truth in pairs]


@pytest.fixture
def engine(donors):
    with no_leaked_threads(), Engine(donors["mona_lisa"], SETTINGS) as engine:
        yield engine


def place(frame, pictures):
    """Which of the pictures a frame of a PacedSource was."""
    period = 2 * len(pictures) - 2
    return min(frame.seq % period, period - frame.seq % period)


def seqs(sink):
    return [frame.seq for frame in sink.frames]


def test_frames_come_out_swapped_in_order_from_the_very_first(engine, talk):
    pictures, truths = talk
    sink = WitnessSink()
    source = PacedSource(pictures, rate=8, count=20)
    with LiveSession(engine, source, {"null": sink}, PATIENT) as session:
        assert session.wait(60)
    assert sink.state == "committed"
    assert all(a < b for a, b in itertools.pairwise(seqs(sink)))
    statistics = session.statistics()
    assert sink.count == statistics.frames
    assert statistics.frames + statistics.dropped == 20
    assert statistics.faces_swapped + statistics.faces_concealed == statistics.frames
    for frame in sink.frames:
        at = place(frame, pictures)
        assert not is_shown(pictures[at], frame.pixels, truths[at].heads[0])


def test_latency_of_the_session_is_what_a_sink_sees(engine, talk):
    sink = WitnessSink()
    with LiveSession(engine, PacedSource(talk[0], rate=5), {"null": sink}, QUICK) as session:
        sink.wait_for(12)
    seen = np.percentile(sink.latencies_s, 50) * 1000
    assert session.statistics().latency_ms.p50 == pytest.approx(seen, abs=15, rel=0.2)


class TestChanges:
    def test_after_a_change_of_donor_no_frame_shows_the_old_one(self, engine, donors, talk):
        pictures, _ = talk
        sink = WitnessSink()
        with LiveSession(engine, PacedSource(pictures, rate=8), {"null": sink}, QUICK) as session:
            sink.wait_for(6)
            session.change_donor(donors["astronaut"])
            before = sink.count
            sink.wait_for(before + 8)
        drawn = {name: self.drawn(donor, pictures) for name, donor in donors.items()}

        def nearest(frame):
            at = place(frame, pictures)
            apart = {
                name: np.abs(frame.pixels.astype(int) - stills[at]).mean()
                for name, stills in drawn.items()
            }
            likeliest, other = sorted(apart, key=apart.get)
            return likeliest if apart[likeliest] < 0.7 * apart[other] else "neither: concealed"

        # One more may have been on its way into the sink when the change returned.
        shown = [nearest(frame) for frame in sink.frames]
        assert "mona_lisa" in shown[:before]
        assert "astronaut" not in shown[:before]
        assert "mona_lisa" not in shown[before + 1 :]
        assert shown.count("astronaut") >= 5

    def drawn(self, donor, pictures):
        """Each picture with that donor's face."""
        with Engine(donor, SETTINGS) as engine:
            return [engine.swap_picture(picture)[0].astype(int) for picture in pictures]

    def test_settings_hold_from_one_frame_on(self, engine, talk):
        sink = WitnessSink()
        with LiveSession(engine, PacedSource(talk[0], rate=8), {"null": sink}, QUICK) as session:
            sink.wait_for(4)
            session.change_settings(strength=0.0, shape=0.0)
            sink.wait_for(sink.count + 6)
        last = sink.frames[-1]
        target = talk[0][place(last, talk[0])]
        assert np.abs(last.pixels.astype(int) - target).max() <= 2
        assert engine.settings.strength == 0

    def test_another_stage_takes_over_without_a_frame_of_the_old_one(self, engine, talk):
        sink = WitnessSink()
        with LiveSession(engine, PacedSource(talk[0], rate=8), {"null": sink}, QUICK) as session:
            sink.wait_for(4)
            session.change_stage("swap", lambda _stage: NullSwap((0, 0, 255)))
            before = sink.count
            sink.wait_for(before + 5)

        def is_red(frame):
            return bool((frame.pixels == (0, 0, 255)).all(axis=2).sum() > 200)

        red = [is_red(frame) for frame in sink.frames]
        assert not any(red[:before])
        assert all(red[before + 1 :])

    def test_knobs_that_were_turned_do_not_outlive_the_session(self, engine, talk):
        fast = LiveOptions(deadline_s=60, warm_up=False, preset="fast")
        sink = WitnessSink()
        with LiveSession(engine, PacedSource(talk[0], rate=8), {"null": sink}, fast) as session:
            sink.wait_for(3)
            assert session.statistics().eased == {"search": 1, "resolution": 1}
        alone = Engine(engine.identities, SETTINGS)
        frames = talk[0][:3]
        for frame in frames:
            assert np.array_equal(engine.process(frame), alone.process(frame))

    def test_a_wrong_setting_or_photo_changes_nothing(self, engine, talk):
        sink = WitnessSink()
        with LiveSession(engine, PacedSource(talk[0], rate=8), {"null": sink}, QUICK) as session:
            sink.wait_for(2)
            with pytest.raises(SettingsError):
                session.change_settings(strength=7)
            with pytest.raises(NoFaceInDonorError):
                session.change_donor(np.zeros((64, 64, 3), np.uint8))
            sink.wait_for(sink.count + 3)
        assert engine.settings.strength == 1
        assert session.statistics().faces_swapped == sink.count

    def test_paused_it_emits_nothing(self, engine, talk):
        sink = WitnessSink()
        with LiveSession(engine, PacedSource(talk[0], rate=20), {"null": sink}, QUICK) as session:
            sink.wait_for(2)
            session.pause()
            count = sink.count
            assert session.statistics().paused
            assert not session.wait(0.4)
            assert sink.count <= count + 1
            session.resume()
            sink.wait_for(count + 3)


class TestEnds:
    def test_stopping_finishes_what_is_under_way(self, engine, talk):
        sink, source = WitnessSink(), PacedSource(talk[0], rate=10)
        with LiveSession(engine, source, {"null": sink}, QUICK) as session:
            sink.wait_for(3)
            session.stop()
            assert session.wait(5)
        assert sink.state == "committed"

    def test_the_end_of_the_source_is_the_end_of_the_session(self, engine, talk):
        sink = WitnessSink()
        source = PacedSource(talk[0], rate=10, count=3)
        with LiveSession(engine, source, {"null": sink}, QUICK) as session:
            assert session.wait(30)
        assert (seqs(sink)[0], sink.state) == (0, "committed")

    def test_a_camera_that_is_gone_for_good_is_said_and_what_was_recorded_is_kept(
        self, engine, talk
    ):
        class Gone(PacedSource):
            def __iter__(self):
                yield from super().__iter__()
                raise DeviceError("The camera was unplugged; plug it in again.")

        sink = WitnessSink()
        with (
            pytest.raises(DeviceError, match="unplugged"),
            LiveSession(engine, Gone(talk[0], rate=10, count=4), {"file": sink}, QUICK) as session,
        ):
            assert session.wait(30)
        assert sink.state == "committed"
        assert sink.count >= 1

    def test_a_sink_that_fails_is_told_at_the_end_and_the_others_are_whole(self, engine, talk):
        class Full(WitnessSink):
            def write(self, frame):
                if frame.seq >= 2:
                    raise OutputError("The disk is full; free some space.")
                super().write(frame)

        good, full = WitnessSink(), Full()
        source = PacedSource(talk[0], rate=10)
        with (
            pytest.raises(OutputError, match="disk is full"),
            LiveSession(engine, source, {"full": full, "good": good}, QUICK) as session,
        ):
            good.wait_for(8)
            assert "disk is full" in session.statistics().sinks[0].error
        assert (good.state, full.state) == ("committed", "aborted")

    def test_when_every_sink_has_failed_it_ends_by_itself(self, engine, talk):
        class Broken(WitnessSink):
            def write(self, frame):
                raise OutputError("gone")

        with (
            pytest.raises(OutputError, match="gone"),
            LiveSession(engine, PacedSource(talk[0]), {"a": Broken()}, QUICK) as session,
        ):
            assert session.wait(30)

    def test_a_stage_that_never_works_ends_it(self, engine, talk):
        sink = WitnessSink()

        def broken(stage):
            return FailingStage(stage, lambda seq: True)

        with (
            pytest.raises(MasqueradeError, match="'swap' failed"),
            LiveSession(engine, PacedSource(talk[0], rate=60), {"a": sink}, QUICK) as session,
        ):
            session.change_stage("swap", broken)
            assert session.wait(60)
        assert sink.state == "committed"

    def test_an_error_of_the_caller_ends_it_too(self, engine, talk):
        sink = WitnessSink()
        with (
            pytest.raises(LookupError),
            LiveSession(engine, PacedSource(talk[0]), {"a": sink}, QUICK),
        ):
            raise LookupError
        assert sink.state == "committed"

    def test_a_sink_that_cannot_start_leaves_nothing(self, engine, talk, monkeypatch):
        def refuse(*_args, **_options):
            raise MasqueradeError("no")

        monkeypatch.setattr(engine, "live_line", refuse)
        sink, source = WitnessSink(), PacedSource(talk[0])
        with pytest.raises(MasqueradeError), LiveSession(engine, source, {"a": sink}, QUICK):
            pass
        assert sink.state == "aborted"


@pytest.mark.parametrize("times", [30, pytest.param(200, marks=pytest.mark.long)])
def test_starts_and_stops_leave_nothing(times, donors, talk):
    process = psutil.Process()
    small = [picture[::4, ::4].copy() for picture in talk[0][:2]]
    with Engine(donors["mona_lisa"], SETTINGS) as engine:

        def start_and_stop():
            sink = WitnessSink(keep=0)
            with LiveSession(engine, PacedSource(small, rate=200), {"null": sink}, QUICK):
                sink.wait_for(1)
            assert sink.state == "committed"

        start_and_stop()
        before = threading.active_count(), process.num_fds()
        for _ in range(times):
            start_and_stop()
        assert (threading.active_count(), process.num_fds()) == before
