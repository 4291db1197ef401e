"""What a job would be given of the memory that is free now: frames, tiles, networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from masquerade.apps.doctor.finding import Finding
from masquerade.core.execution import Execution
from masquerade.core.settings import Settings
from masquerade.engine.library_shelf import LibraryShelf
from masquerade.engine.strategy import choose_strategy, frames_under_way

if TYPE_CHECKING:
    from masquerade.models.library import Library
    from masquerade.models.spec import ModelSpec

__all__ = ["look_at_plan"]

_FILM_WH, _LARGE_WH = (1280, 720), (3840, 2160)


def look_at_plan(library: Library, free_bytes: int) -> Finding:
    """How a film would be swapped with the first installed network of each kind.

    Args:
        library: what is installed.
        free_bytes: what may be taken.
    """
    installed = [item.spec for item in library.installed() if _accepted(library, item.spec)]
    settings = Settings(
        model=_first(installed, "swapper") or "mesh",
        enhancer=tuple(name for name in (_first(installed, "enhancer"),) if name),
        enhance_frame=_first(installed, "upscaler") or "none",
    )
    shelf = LibraryShelf(library)
    strategy = choose_strategy(settings, Execution(), shelf, free_bytes, _FILM_WH)
    large = frames_under_way(_LARGE_WH, free_bytes)
    found = (
        f"{free_bytes / 2**30:.1f} GB free: {strategy.sentence}; "
        f"{large} frames of {_LARGE_WH[0]}x{_LARGE_WH[1]}"
    )
    lowered = strategy.steps[0].sentences
    if lowered:
        return Finding("memory plan", "advice", f"{found}. {' '.join(lowered)}")
    return Finding("memory plan", "ok", found)


def _first(installed: Iterable[ModelSpec], role: str) -> str | None:
    return next((spec.name for spec in installed if spec.role == role), None)


def _accepted(library: Library, spec: ModelSpec) -> bool:
    """Whether the model may be used: its licence was accepted."""
    return library.licences.accepted(spec)
