"""How many frames may be under way at once."""

from __future__ import annotations

import threading

from masquerade.core.errors import SettingsError
from masquerade.pipeline.channel import ChannelCancelled

__all__ = ["Permits"]


class Permits:
    """A counting lock whose limit can be changed while threads wait on it.

    Args:
        limit: permits that may be held at once, at least 1.

    Raises:
        SettingsError: the limit is below 1.

    >>> permits = Permits(2)
    >>> permits.acquire(); permits.acquire(); permits.held
    2
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise SettingsError(f"{limit} frames alive are too few; give at least 1.")
        self._limit = limit
        self._held = 0
        self._cancelled = False
        self._changed = threading.Condition()

    @property
    def held(self) -> int:
        """Permits held now."""
        return self._held

    @property
    def limit(self) -> int:
        """Permits that may be held at once. Lowered, it takes hold as permits come back."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        with self._changed:
            self._limit = max(1, limit)
            self._changed.notify_all()

    def acquire(self) -> None:
        """Take one, waiting for it.

        Raises:
            ChannelCancelled: the stream was stopped, also while waiting.
        """
        with self._changed:
            while self._held >= self._limit and not self._cancelled:
                self._changed.wait()
            if self._cancelled:
                raise ChannelCancelled
            self._held += 1

    def release(self) -> None:
        """Give one back."""
        with self._changed:
            self._held -= 1
            self._changed.notify()

    def cancel(self) -> None:
        """Wake everybody who waits, with ChannelCancelled."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()
