"""A section of an engine's line with something that watches what goes through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from masquerade.core.protocols import Stage
    from masquerade.pipeline.line import Section

__all__ = ["WatchedSection"]


class WatchedSection:
    """The engine's own section, for one segment; whoever derives from it says how to ``advance``.

    Args:
        inner: that one.
    """

    def __init__(self, inner: Section) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        """That of the engine's own section."""
        return self._inner.name

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Those of the engine's own section."""
        return self._inner.stages

    def reset(self) -> None:
        """There is nothing to forget: it is made for one segment."""
