"""Where a live stream goes: the sinks that the command line asks for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.apps.live.screen import ensure_screen, has_display
from masquerade.apps.live.window_sink import WindowSink
from masquerade.core.addresses import without_secrets
from masquerade.core.errors import SettingsError
from masquerade.media.live_sinks.open import SINK_FORMS, open_live_sink
from masquerade.media.live_sinks.options import SinkOptions

if TYPE_CHECKING:
    from masquerade.apps.live.controls import Controls
    from masquerade.core.disclosure import Disclosure
    from masquerade.core.protocols import Sink, SourceInfo
    from masquerade.engine.live import LiveSession
    from masquerade.media.sound import Sound
    from masquerade.pipeline.statistics import LiveStatistics

__all__ = ["Outputs", "Window"]

_WINDOW = "window"


class Window:
    """The preview, in the thread that calls it."""

    def __init__(self, sink: WindowSink) -> None:
        self._sink = sink

    def show(
        self,
        session: LiveSession,
        controls: Controls,
        watch: Callable[[LiveStatistics], None],
    ) -> None:
        """Show the stream until the window is closed or the stream has ended."""
        from masquerade.apps.live.window import open_window
        from masquerade.apps.live.window_loop import run_window

        run_window(session, open_window(self._sink, controls), watch)


class Outputs:
    """The sinks of one stream.

    Args:
        args: what the command line says.

    Attributes:
        newest: keeps the newest finished frame, for the window and for snapshots; None where
            nobody can ask for one.
        window: the preview, None without one.

    Raises:
        SettingsError: no sink was named and there is no screen for a window; one is named twice.
        OutputError, RuntimeSetupError: a window was asked for and cannot be opened here.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._specs = list(args.sink or ())
        if not self._specs:
            if not has_display():
                raise SettingsError(
                    "There is no screen for a window here; say with --sink where the picture goes: "
                    f"{', '.join(SINK_FORMS[1:])}."
                )
            self._specs = [_WINDOW]
        twice = [spec for spec in self._specs if self._specs.count(spec) > 1]
        if twice:
            raise SettingsError(
                f"The sink {without_secrets(twice[0])} is given twice; once will do."
            )
        wants_window = _WINDOW in self._specs
        self.newest = WindowSink() if wants_window or sys.stdin.isatty() else None
        self.window = Window(self.newest) if self.newest and wants_window else None
        if self.window is not None:
            ensure_screen()

    @property
    def has_window(self) -> bool:
        """Whether there is a view to change."""
        return self.window is not None

    def open(
        self,
        info: SourceInfo,
        sound: Sound | None,
        disclosure: Disclosure,
        inputs: Sequence[Path],
    ) -> dict[str, Sink]:
        """Open them all, by the name that the user knows them by; or none.

        Raises:
            OutputError: one of them cannot be opened.
            SettingsError: there is no such sink.
        """
        options = self._options(sound, disclosure, inputs)
        sinks: dict[str, Sink] = {}
        try:
            for spec in self._specs:
                if spec != _WINDOW:
                    sinks[without_secrets(spec)] = open_live_sink(spec, info, options)
        except BaseException:
            for sink in sinks.values():
                sink.abort()
            raise
        if self.newest is not None:
            sinks[_WINDOW if self.has_window else "snapshots"] = self.newest
        return sinks

    def in_words(self, *, keys: bool) -> str:
        """What to tell the user when it starts."""
        how = "Q or Ctrl-C stops, H lists the keys" if keys or self.has_window else "Ctrl-C stops"
        return f"Live into {', '.join(map(without_secrets, self._specs))}. {how}."

    def _options(
        self, sound: Sound | None, disclosure: Disclosure, inputs: Sequence[Path]
    ) -> SinkOptions:
        args = self._args
        given = {
            "encoder": args.video_encoder,
            "quality": args.video_quality,
            "preset": args.video_preset,
            "bitrate": args.bitrate,
        }
        return SinkOptions(
            sound=sound,
            disclosure=disclosure,
            overwrite=args.overwrite,
            inputs=tuple(inputs),
            **{name: value for name, value in given.items() if value is not None},
        )
