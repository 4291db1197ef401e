"""What a ``with`` block does to things that are closed, and to things that are committed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Closing", "Committing"]


class Closing(ABC):
    """Closed at the end of its ``with`` block, however that ends."""

    @abstractmethod
    def close(self) -> None:
        """Release what is held; may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()


class Committing(ABC):
    """Committed at the end of its ``with`` block; aborted where an error ends it."""

    @abstractmethod
    def commit(self) -> None:
        """Finish the work and put it in its place."""

    @abstractmethod
    def abort(self) -> None:
        """Remove what was begun; does nothing after a commit."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.abort()
