"""A live session in any order of orders: it stays a session, or ends as one.

Hypothesis makes up the orders. ``MASQUERADE_EXAMPLES`` says how many lives are lived.
"""

from __future__ import annotations

import os
import threading
from importlib.resources import as_file

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from masquerade import Engine, Identity, Settings
from masquerade.core.errors import DeviceError, MasqueradeError, OutputError, SettingsError
from masquerade.engine.live import LiveSession
from masquerade.engine.live_options import LiveOptions
from masquerade.media.puppet import bundled_photo
from masquerade.testing import NullSwap, PacedSource, WitnessSink, is_shown, play

LIVES = int(os.environ.get("MASQUERADE_EXAMPLES", "4"))
OPTIONS = LiveOptions(deadline_s=60, warm_up=False, drain_s=10)
NAMES = st.sampled_from(["one", "two", "three"])


class MortalSink(WitnessSink):
    """Takes frames until it is killed."""

    def __init__(self) -> None:
        super().__init__(keep=5)
        self.killed = threading.Event()

    def write(self, frame):
        if self.killed.is_set():
            raise OutputError("The sink was killed; start it again.")
        super().write(frame)


class OtherSwap(NullSwap):
    """Another swapper, which shows faces as they are and takes changes as every swapper must."""

    def configure(self, *_changes):
        """Whoever is drawn, nobody is."""


class MortalSource(PacedSource):
    """Gives frames until it is killed."""

    def __init__(self, pictures):
        super().__init__(pictures, rate=8)
        self.killed = threading.Event()

    def __iter__(self):
        for frame in super().__iter__():
            if self.killed.is_set():
                raise DeviceError("The camera was killed; plug it in again.")
            yield frame


@pytest.fixture(scope="module")
def stock():
    """Donors, and pictures of a talking head with their truths."""
    donors = []
    for name in ("mona_lisa", "astronaut"):
        with as_file(bundled_photo(name)) as path:
            donors.append(Identity.from_photos(path))
    with play("talk", size_wh=(160, 120), rate=8) as source:
        pairs = [pair for _, pair in zip(range(8), source.pairs(), strict=False)]
    return donors, [frame.pixels for frame, _ in pairs], [truth for _, truth in pairs]


class LiveLives(RuleBasedStateMachine):
    """What may be done with a session, and what has to hold whatever was done."""

    stock = None

    def __init__(self):
        super().__init__()
        self.donors, self.pictures, self.truths = self.stock
        self.threads = set(threading.enumerate())
        self.session = self.engine = self.source = None
        self.sinks, self.every_sink = {}, []
        self.doomed = self.bare = False

    running = precondition(lambda self: self.session is not None)

    @precondition(lambda self: self.session is None)
    @rule()
    def start(self):
        self.engine = Engine(self.donors[0], Settings(label="none"))
        self.source = MortalSource(self.pictures)
        self.sinks = {"first": MortalSink()}
        self.every_sink += self.sinks.values()
        self.doomed = self.bare = False
        self.session = LiveSession(self.engine, self.source, self.sinks, OPTIONS)
        self.session.__enter__()

    @running
    @rule()
    def let_it_run(self):
        """Until a frame has come, where one can."""
        alive = [sink for sink in self.sinks.values() if not sink.killed.is_set()]
        if alive and not self.session.paused and not self.doomed:
            alive[0].wait_for(alive[0].count + 1)

    @running
    @rule(number=st.integers(0, 1))
    def change_donor(self, number):
        self.session.change_donor(self.donors[number])

    @running
    @rule(
        changes=st.sampled_from(
            [{"strict": True}, {"shape": 0.2}, {"detect_every": 3}, {"many_faces": True}]
        )
    )
    def change_settings(self, changes):
        self.session.change_settings(**changes)

    @running
    @rule(changes=st.sampled_from([{"shape": 7}, {"no_such": 1}, {"model": "no-such-model"}]))
    def wrong_settings_change_nothing(self, changes):
        before = self.engine.settings
        with pytest.raises((MasqueradeError, TypeError)):
            self.session.change_settings(**changes)
        assert self.engine.settings == before

    @running
    @rule(name=st.sampled_from(["fast", "balanced", "quality"]))
    def change_preset(self, name):
        self.session.change_preset(name)

    @running
    @rule()
    def swap_the_model(self):
        """Another swapper takes over; this one shows the face as it is."""
        self.bare = True
        self.session.change_stage("swap", lambda old: OtherSwap())

    @running
    @rule(name=NAMES)
    def add_a_sink(self, name):
        sink = MortalSink()
        self.every_sink.append(sink)
        try:
            self.session.add_sink(name, sink)
        except (SettingsError, OutputError):
            assert name in self.sinks or self.doomed
            assert sink.state == "aborted"
        else:
            self.sinks[name] = sink

    @running
    @rule(name=NAMES)
    def remove_a_sink(self, name):
        sink = self.sinks.pop(name, None)
        try:
            self.session.remove_sink(name)
        except (SettingsError, OutputError):
            assert sink is None or sink.killed.is_set() or self.doomed
        else:
            assert sink is not None

    @running
    @rule(name=NAMES)
    def kill_a_sink(self, name):
        if name in self.sinks:
            self.sinks[name].killed.set()
            self.doomed |= all(sink.killed.is_set() for sink in self.sinks.values())

    @running
    @rule()
    def kill_the_source(self):
        self.source.killed.set()
        self.doomed = True

    @running
    @rule(on=st.booleans())
    def stand_still_or_go_on(self, on):
        self.session.pause() if on else self.session.resume()

    @running
    @rule()
    def ask_for_the_end(self):
        self.session.stop()
        self.doomed = True

    @running
    @rule()
    def stop(self):
        session, self.session = self.session, None
        try:
            session.__exit__(None, None, None)
        except (DeviceError, OutputError) as error:
            assert "killed" in str(error)
        session.stop()
        self.engine.close()
        assert all(sink.state != "open" for sink in self.every_sink)
        self.check_what_was_shown()

    def check_what_was_shown(self):
        """No sink has seen the face as it is, unless a swapper was put in that shows it."""
        if self.bare:
            return
        period = 2 * len(self.pictures) - 2
        for frame in (frame for sink in self.every_sink for frame in sink.frames):
            at = min(frame.seq % period, period - frame.seq % period)
            assert not is_shown(self.pictures[at], frame.pixels, self.truths[at].heads[0])
        self.every_sink.clear()

    @running
    @invariant()
    def it_can_be_looked_at(self):
        statistics = self.session.statistics()
        assert statistics.frames >= 0
        assert statistics.faces_passed == 0 or self.bare
        assert isinstance(self.session.notices, tuple)

    def teardown(self):
        if self.session is not None:
            self.stop()
        left = set(threading.enumerate()) - self.threads
        for thread in left:
            thread.join(5)
        assert not [thread.name for thread in left if thread.is_alive()]


@pytest.mark.slow
def test_a_session_takes_orders_in_any_order(stock):
    LiveLives.stock = stock
    LiveLives.TestCase.settings = settings(
        max_examples=LIVES,
        stateful_step_count=14,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    LiveLives.TestCase().runTest()
