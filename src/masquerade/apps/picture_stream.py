"""Many pictures, one after the other: the next is read while the engine is at the one before it.

However many there are, two are in memory at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from masquerade.apps.plan import Work
from masquerade.core.errors import MasqueradeError
from masquerade.media.image import read_image, write_image
from masquerade.media.limits import MediaLimits
from masquerade.media.open import open_target
from masquerade.media.picture import Picture

if TYPE_CHECKING:
    from masquerade.core.disclosure import Disclosure
    from masquerade.engine import Engine, Report

__all__ = ["Found", "read_ahead", "swap_still"]

Found = Picture | None | MasqueradeError
"""What a target is: a still picture, something that moves, or nothing that can be done."""


def read_ahead(
    works: Iterable[Work], check: Callable[[Work], None], limits: MediaLimits
) -> Iterator[tuple[Work, Found]]:
    """Look at targets in order, one ahead of whoever asks for them; stills are read.

    Args:
        works: the targets and where each goes.
        check: called in another thread before a target is read; an error that it raises is what is
            found of it.
        limits: the largest target that is read.
    """
    with ThreadPoolExecutor(1, "picture-reader") as reader:
        waiting = None
        for work in works:
            coming = reader.submit(_find, work, check, limits)
            if waiting is not None:
                yield waiting[0], waiting[1].result()
            waiting = work, coming
        if waiting is not None:
            yield waiting[0], waiting[1].result()


def _find(work: Work, check: Callable[[Work], None], limits: MediaLimits) -> Found:
    try:
        check(work)
        if open_target(work.target, limits=limits) != "image":
            return None
        return read_image(work.target, limits=limits)
    except MasqueradeError as error:
        return error


def swap_still(
    engine: Engine,
    work: Work,
    picture: Picture,
    state: Callable[[bool], Disclosure],
    *,
    allow_no_face: bool,
    overwrite: bool,
) -> Report:
    """Swap the faces of a still that was read, and write it.

    Args:
        engine: of the donors and the settings.
        work: what the picture was read from, and where it goes.
        picture: what was read.
        state: makes the statement of origin, given whether anything was drawn.
        allow_no_face: write the picture as it is where there is nobody to swap.
        overwrite: whether a file that is there may be replaced.

    Raises:
        MasqueradeError: as :meth:`Engine.swap_picture` and :func:`write_image`.
    """
    pixels, report = engine.swap_picture(picture.pixels, allow_no_face=allow_no_face)
    statement = state(bool(report.faces_swapped or report.faces_concealed))
    write_image(work.output, picture, pixels, statement, overwrite, inputs=[work.target])
    return report
