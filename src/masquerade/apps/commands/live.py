"""``masquerade live``: a camera in, the same stream with another face out, until it is stopped."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.apps.arguments import settings_changes
from masquerade.apps.console import Console
from masquerade.apps.donors import Donors, load_donors
from masquerade.apps.limit_arguments import limits_from
from masquerade.apps.live.controls import Controls
from masquerade.apps.live.keys import TerminalKeys
from masquerade.apps.live.log import open_log
from masquerade.apps.live.metrics import MetricsServer
from masquerade.apps.live.outputs import Outputs
from masquerade.apps.live.snapshot import Snapshots
from masquerade.apps.live.status_line import StatusLine
from masquerade.apps.network_arguments import execution_from
from masquerade.core.settings import Settings
from masquerade.engine import Engine
from masquerade.engine.asked import check_models
from masquerade.engine.asked_providers import check_providers
from masquerade.engine.live import LiveSession
from masquerade.engine.live_options import LiveOptions
from masquerade.engine.origin import state_origin
from masquerade.media.limits import MediaLimits
from masquerade.media.live.microphone import Microphone
from masquerade.media.live.open import open_live_source
from masquerade.media.live.options import SourceOptions
from masquerade.trust.report import Errand

if TYPE_CHECKING:
    from masquerade.apps.live.log import LiveLog
    from masquerade.core.disclosure import Disclosure
    from masquerade.core.protocols import Source
    from masquerade.media.sound import Sound
    from masquerade.pipeline.statistics import LiveStatistics
    from masquerade.stages.identity import Identity

__all__ = ["run"]

_LOOK_S = 0.25  # as often as the status line is written
_HERE = Path()


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Run the stream to its end and return its numbers."""
    settings = Settings().replace(**settings_changes(args))
    execution = execution_from(args)
    check_models(settings)
    check_providers(execution)
    limits = limits_from(args)
    outputs = Outputs(args)
    if settings.on_lost == "pass":
        console.note("Real faces are shown wherever a swap fails: --on-lost pass asks for that.")
    with ExitStack() as held:
        log = held.enter_context(open_log(args.log)) if args.log else None
        donors = load_donors(args, limits, console)
        shelf = _shelf(args, donors, limits, console)
        console.note(f"Opening {_in_words(args.camera)} ...")
        source = held.enter_context(open_live_source(args.camera, _source_options(args, limits)))
        sound = _sound(args, source, held)
        engine = held.enter_context(
            Engine(
                donors.identities,
                settings,
                execution=execution,
                references=donors.references or None,
                guardian=args.guardian or donors.guardians,
            )
        )
        disclosure = _origin(engine, donors)
        sinks = outputs.open(source.info, sound, disclosure, [*donors.files])
        options = LiveOptions(preset=args.preset or "balanced", alarm_fps=args.alarm_fps)
        session = LiveSession(engine, source, sinks, options)
        controls = Controls(
            session,
            engine,
            donors=shelf,
            has_window=outputs.has_window,
            snapshots=_snapshots(outputs, engine, donors),
        )
        _Show(session, controls, outputs, console, log, args).run()
    statistics = session.statistics()
    for notice in dict.fromkeys((*getattr(source, "notices", ()), *session.notices)):
        if notice not in statistics.notices:  # those were told when they came
            console.note(notice)
    return _result(statistics, console)


def _source_options(args: argparse.Namespace, limits: MediaLimits) -> SourceOptions:
    return SourceOptions(
        mirror=args.mirror,
        rotate=args.rotate,
        crop=args.crop,
        size_wh=args.size,
        rate=args.rate,
        loop=args.loop,
        limits=limits,
    )


def _sound(args: argparse.Namespace, source: Source, held: ExitStack) -> Sound | None:
    """What is heard: the microphone that was asked for, else what came with the pictures."""
    if args.no_audio:
        return None
    if args.microphone:
        origin_s: Callable[[], float | None] = lambda: getattr(source, "origin_s", None)  # noqa: E731
        return held.enter_context(Microphone(args.microphone, origin_s))
    return getattr(source, "sound", None)


def _shelf(
    args: argparse.Namespace, donors: Donors, limits: MediaLimits, console: Console
) -> dict[str, Identity]:
    """The donors that can be chosen from while it runs; with a map there is nothing to choose."""
    if args.map:
        return {}
    shelf = dict(donors.identities)
    for photo in args.also or ():
        alone = {"source": [photo], "map": None, "reference": None}
        more = load_donors(argparse.Namespace(**{**vars(args), **alone}), limits, console)
        for name, identity in more.identities.items():
            shelf[f"{name} {len(shelf) + 1}" if name in shelf else name] = identity
        donors.consents.update(more.consents)
        donors.files.extend(more.files)
    return shelf


def _snapshots(outputs: Outputs, engine: Engine, donors: Donors) -> Snapshots | None:
    newest = outputs.newest
    if newest is None:
        return None
    return Snapshots(
        _HERE,
        lambda: newest.newest,
        lambda: _origin(engine, donors),
    )


def _origin(engine: Engine, donors: Donors) -> Disclosure:
    errand = Errand(donors=donors.photos)
    return state_origin(engine, errand=errand, consents=donors.consents, live=True)


class _Show:
    """The stream's life in front of the user."""

    def __init__(
        self,
        session: LiveSession,
        controls: Controls,
        outputs: Outputs,
        console: Console,
        log: LiveLog | None,
        args: argparse.Namespace,
    ) -> None:
        self._session, self._controls, self._outputs = session, controls, outputs
        self._console, self._log, self._args = console, log, args
        quiet = args.quiet or args.log == "-"
        self._status = StatusLine(None if quiet else sys.stderr)
        self._end_s = float("inf")
        self._told: set[str] = set()

    def run(self) -> None:
        """Start, show, stop; what the session raises passes through."""
        error: BaseException | None = None
        try:
            with _polite_end(self._session), self._session:
                self._watch_over()
        except BaseException as caught:
            error = caught
            raise
        finally:
            if self._log is not None and self._session.started:
                self._log.stopped(self._session.statistics(), error)

    def _watch_over(self) -> None:
        if self._args.duration is not None:
            self._end_s = time.monotonic() + self._args.duration
        with ExitStack() as held:
            held.enter_context(self._controls)
            if self._args.metrics:
                server = held.enter_context(MetricsServer(self._args.metrics, self._session))
                self._console.note(f"Metrics: {server.url}")
            held.enter_context(self._status)
            keys = held.enter_context(TerminalKeys(self._controls.press))
            self._controls.listen(self._status.say)
            self._console.note(self._outputs.in_words(keys=keys.listening))
            if self._outputs.window is not None:
                self._outputs.window.show(self._session, self._controls, self._tick)
                self._session.stop()
            else:
                while not self._session.wait(_LOOK_S):
                    self._tick(self._session.statistics())

    def _tick(self, statistics: LiveStatistics) -> None:
        if time.monotonic() >= self._end_s:
            self._session.stop()
        self._status(statistics)
        for notice in statistics.notices:
            if notice not in self._told:
                self._status.say(notice)
        self._told = set(statistics.notices)
        if self._log is not None:
            self._log.tick(statistics)


@contextmanager
def _polite_end(session: LiveSession) -> Iterator[None]:
    """The first Ctrl-C or request to end stops the stream as the key Q does: recordings are
    finished, and all is well. The second breaks off.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[signal.Signals, Any] = {}

    def stop(*_signal: object) -> None:
        session.stop()
        for sign, handler in before.items():
            signal.signal(sign, handler)

    for sign in (signal.SIGINT, signal.SIGTERM):
        before[sign] = signal.signal(sign, stop)
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def _in_words(camera: str) -> str:
    from masquerade.core.addresses import without_secrets

    return f"camera {camera}" if camera.isdecimal() else without_secrets(camera)


def _result(statistics: LiveStatistics, console: Console) -> dict[str, Any]:
    seconds = max(statistics.seconds, 1e-6)
    mean_fps = statistics.frames / seconds
    latency = statistics.latency_ms
    console.say(
        f"{statistics.frames} frames in {seconds:.1f} s ({mean_fps:.1f} fps), latency "
        f"{latency.p50:.0f} ms (p95 {latency.p95:.0f}, p99 {latency.p99:.0f}); "
        f"{statistics.lagged} lagged, {statistics.skipped} skipped, {statistics.dropped} dropped."
    )
    return statistics.as_dict() | {"fps": round(mean_fps, 3)}
