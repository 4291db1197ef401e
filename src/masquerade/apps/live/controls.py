"""Does the actions: holds what they act on, and keeps slow ones off the threads that call them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Self

from masquerade.apps.live.actions import ACTIONS, Action
from masquerade.apps.live.view import View
from masquerade.core.errors import MasqueradeError
from masquerade.pipeline.channel import Channel, ChannelCancelled, WhenFull

if TYPE_CHECKING:
    from types import TracebackType

    from masquerade.apps.live.snapshot import Snapshots
    from masquerade.core.settings import Settings
    from masquerade.engine.donors import Donor
    from masquerade.engine.engine import Engine
    from masquerade.engine.live import LiveSession

__all__ = ["Controls"]

_WAITING = 8  # presses; of more, somebody holds a key down, and the newest count
_JOIN_S = 2.0


class Controls:
    """What keys act on. Use it as a context within the session's.

    Every method may be called from any thread and returns at once.

    Args:
        session: the stream.
        engine: the session's, for its settings.
        donors: those to choose from, by name; the first is being drawn.
        has_window: whether there is a view to change.
        snapshots: writes pictures; None offers none.
    """

    def __init__(
        self,
        session: LiveSession,
        engine: Engine,
        *,
        donors: Mapping[str, Donor] | None = None,
        has_window: bool = False,
        snapshots: Snapshots | None = None,
    ) -> None:
        self.session, self.snapshots, self.has_window = session, snapshots, has_window
        self.view = View()
        self._engine = engine
        self._donors = list((donors or {}).items())
        self._donor = 0
        self._listeners: tuple[Callable[[str], None], ...] = ()
        self._channel: Channel[Action] = Channel(_WAITING, WhenFull.NEWEST)
        self._thread = threading.Thread(target=self._work, name="masquerade-actions", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._channel.cancel()
        self._thread.join(_JOIN_S)

    @property
    def actions(self) -> tuple[Action, ...]:
        """Those that make sense here."""
        return tuple(action for action in ACTIONS if self._offers(action))

    @property
    def settings(self) -> Settings:
        """The swap's settings as they are now."""
        return self._engine.settings

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` after every action, from whatever thread did it.

        Args:
            listener: takes what is to be said, empty where only the view has changed.
        """
        self._listeners += (listener,)

    def say(self, text: str) -> None:
        """Tell all listeners."""
        for listener in self._listeners:
            listener(text)

    def press(self, key: str, *, repeated: bool = False) -> bool:
        """Do what ``key`` stands for.

        Args:
            key: as in :class:`Action`.
            repeated: the key is being held down.

        Returns:
            Whether it stands for anything here.
        """
        for action in self.actions:
            if key in action.keys:
                if action.repeats or not repeated:
                    self.do(action)
                return True
        return False

    def do(self, action: Action) -> None:
        """Do ``action``, now if it is quick, else as soon as those before it are done."""
        if not action.slow:
            self._run(action)
            return
        try:
            self._channel.put(action)
        except ChannelCancelled:
            return  # the stream has ended meanwhile

    def change_donor(self, by: int) -> str:
        """Draw the donor that is ``by`` places further on, around the end; returns the name.

        Raises:
            MasqueradeError: that donor cannot be drawn; the stream goes on with the old one, and
                the next change goes past the one that failed.
        """
        self._donor = (self._donor + by) % len(self._donors)
        name, donor = self._donors[self._donor]
        self.session.change_donor(donor)
        return name

    def _offers(self, action: Action) -> bool:
        if action.window and not self.has_window:
            return False
        if action.donors and len(self._donors) < 2:
            return False
        return action.name != "snapshot" or self.snapshots is not None

    def _run(self, action: Action) -> None:
        try:
            text = action.run(self)
        except MasqueradeError as error:
            text = str(error)
        except Exception as error:  # noqa: BLE001 - a key must not end what is on the air
            text = f"{action.name} failed ({type(error).__name__}: {error}); the stream goes on."
        self.say(text)

    def _work(self) -> None:
        try:
            for action in self._channel:
                self._run(action)
        except ChannelCancelled:
            return
