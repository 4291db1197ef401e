"""A bounded channel between two threads.

Capacity, what happens when it is full, and who may end it are stated, never assumed. An error
names who caused it: the producer that finished (:class:`EndOfChannel`), the caller's own earlier
``close`` (:class:`ChannelClosed`), or somebody who stopped the whole stream
(:class:`ChannelCancelled`). Nobody polls: waiting threads sleep on a condition.
"""

from __future__ import annotations

import enum
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from masquerade.core.errors import SettingsError

__all__ = [
    "Channel",
    "ChannelCancelled",
    "ChannelClosed",
    "ChannelStatistics",
    "EndOfChannel",
    "WhenFull",
]

T = TypeVar("T")


class EndOfChannel(Exception):  # noqa: N818 - a signal between threads, like StopIteration
    """The producer closed the channel and everything in it was taken."""


class ChannelClosed(Exception):  # noqa: N818
    """An item was put after the same side had closed the channel: a mistake of the caller."""


class ChannelCancelled(Exception):  # noqa: N818
    """Somebody stopped the stream: what was waiting is gone and nothing more will pass."""


class WhenFull(enum.Enum):
    """What ``put`` does with a full channel."""

    WAIT = "wait"
    """Wait until there is room: files, where every frame counts."""
    NEWEST = "newest"
    """Throw the oldest item away: a live entrance, where a late frame is worth nothing."""


@dataclass(frozen=True, slots=True)
class ChannelStatistics:
    """A consistent picture of a channel at one moment.

    Attributes:
        capacity: items that fit.
        waiting: items in it now.
        peak_waiting: most items that were ever in it.
        put: items accepted so far.
        taken: items handed out so far.
        dropped: items thrown away to make room for a newer one, or taken out by ``clear``.
        discarded: items thrown away by ``cancel``.
    """

    capacity: int
    waiting: int
    peak_waiting: int
    put: int
    taken: int
    dropped: int
    discarded: int


class Channel(Generic[T]):
    """First in, first out, never more than ``capacity`` items.

    Args:
        capacity: items that fit, at least 1.
        when_full: see :class:`WhenFull`.

    Raises:
        SettingsError: the capacity is below 1.

    >>> channel = Channel(capacity=2, when_full=WhenFull.NEWEST)
    >>> [channel.put(number) for number in range(5)]
    [None, None, 0, 1, 2]
    >>> channel.close()
    >>> list(channel), channel.statistics().dropped
    ([3, 4], 3)
    """

    def __init__(self, capacity: int, when_full: WhenFull = WhenFull.WAIT) -> None:
        if capacity < 1:
            raise SettingsError(f"A channel's capacity is {capacity}; give at least 1.")
        self._capacity = capacity
        self._when_full = when_full
        self._items: deque[T] = deque()
        self._lock = threading.Lock()
        self._has_room = threading.Condition(self._lock)
        self._has_items = threading.Condition(self._lock)
        self._closed = False
        self._cancelled = False
        self._put = self._taken = self._dropped = self._discarded = self._peak = 0

    def put(self, item: T) -> T | None:
        """Add an item; waits or drops the oldest when full, as the channel was built.

        Returns:
            The item that was thrown away to make room, None as a rule.

        Raises:
            ChannelClosed: the channel was closed by its producer.
            ChannelCancelled: the stream was stopped, also while waiting.
        """
        with self._lock:
            while not self._may_add():
                self._has_room.wait()
            displaced = None
            if len(self._items) == self._capacity:
                displaced = self._items.popleft()
                self._dropped += 1
            self._items.append(item)
            self._put += 1
            self._peak = max(self._peak, len(self._items))
            self._has_items.notify()
            return displaced

    def get(self) -> T:
        """Take the oldest item, waiting for one when there is none.

        Raises:
            EndOfChannel: the producer has closed the channel and it is empty.
            ChannelCancelled: the stream was stopped, also while waiting.
        """
        with self._lock:
            while not self._items and not self._closed and not self._cancelled:
                self._has_items.wait()
            if self._cancelled:
                raise ChannelCancelled
            if not self._items:
                raise EndOfChannel
            item = self._items.popleft()
            self._taken += 1
            self._has_room.notify()
            return item

    def peek(self) -> T | None:
        """The oldest item, which stays where it is; None where there is none."""
        with self._lock:
            return self._items[0] if self._items else None

    def __iter__(self) -> Iterator[T]:
        """Take items until the producer closes the channel; ChannelCancelled passes through."""
        while True:
            try:
                item = self.get()
            except EndOfChannel:
                return
            yield item
            del item  # while it waits for the next one, nobody holds the last one

    def close(self) -> None:
        """Say that no more items will come; what is in the channel can still be taken."""
        with self._lock:
            self._closed = True
            self._has_items.notify_all()
            self._has_room.notify_all()

    def clear(self) -> list[T]:
        """Take out everything that waits; it counts as dropped."""
        with self._lock:
            items = list(self._items)
            self._items.clear()
            self._dropped += len(items)
            self._has_room.notify_all()
            return items

    def cancel(self) -> None:
        """Stop both sides at once and let go of everything inside."""
        with self._lock:
            self._cancelled = True
            self._discarded += len(self._items)
            self._items.clear()
            self._has_items.notify_all()
            self._has_room.notify_all()

    def statistics(self) -> ChannelStatistics:
        """Counts and peaks so far."""
        with self._lock:
            return ChannelStatistics(
                capacity=self._capacity,
                waiting=len(self._items),
                peak_waiting=self._peak,
                put=self._put,
                taken=self._taken,
                dropped=self._dropped,
                discarded=self._discarded,
            )

    def _may_add(self) -> bool:
        """Whether an item fits now, or displaces one; the lock is held."""
        if self._cancelled:
            raise ChannelCancelled
        if self._closed:
            raise ChannelClosed
        return len(self._items) < self._capacity or self._when_full is WhenFull.NEWEST
