"""One picture or one video, from file to file, in one call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from masquerade.engine.donors import checked_picture
from masquerade.engine.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike

    from numpy.typing import NDArray

    from masquerade.core.disclosure import Disclosure
    from masquerade.core.execution import Execution
    from masquerade.core.settings import Settings
    from masquerade.engine.donors import Donor
    from masquerade.media.file import VideoOptions
    from masquerade.media.limits import MediaLimits
    from masquerade.pipeline.meter import Progress
    from masquerade.pipeline.report import Report
    from masquerade.trust.minors import Guardian

__all__ = ["swap_image", "swap_video"]


def swap_image(
    donor: Donor | Mapping[str, Donor],
    target: str | PathLike[str] | NDArray[np.uint8],
    output: str | PathLike[str] | None = None,
    *,
    settings: Settings | None = None,
    execution: Execution | None = None,
    overwrite: bool = False,
    allow_no_face: bool = False,
    disclosure: Disclosure | None = None,
    limits: MediaLimits | None = None,
    guardian: Guardian | Mapping[str, Guardian] | None = None,
) -> NDArray[np.uint8]:
    """Swap the faces of one picture.

    Args:
        donor: see :class:`Engine`.
        target: a file, or uint8 (H, W, 3) BGR.
        output: where to write; nothing is written without it. The extension chooses the format.
        settings: how to swap.
        execution: where brought networks run, and how much memory they may take.
        overwrite: whether an existing output may be replaced.
        allow_no_face: write the target as it is where it shows nobody to swap.
        disclosure: what the file says of its origin; the standard statement by default. The file
            is signed either way.
        limits: the largest picture that is read.
        guardian: what is stated of people who look under 18; see :class:`Engine`.

    Returns:
        uint8 (H, W, 3), BGR, upright: what was written, but for the invisible mark of files.

    Raises:
        FaceError: no face in the donor or in the target.
        InputError: a file is missing, damaged or no picture.
        OutputError: the output exists or cannot be written.
        ContentError: the content check refuses the target.
        ConsentError: a face must not be used.
    """
    from masquerade.media.image import Picture, read_image, write_image

    inputs: list[str | Path] = []
    if isinstance(target, np.ndarray):
        picture = Picture(checked_picture(target))
    else:
        inputs = [Path(target)]
        picture = read_image(Path(target), limits=limits)
    with Engine(donor, settings, execution=execution, guardian=guardian) as engine:
        pixels, report = engine.swap_picture(picture.pixels, allow_no_face=allow_no_face)
        if output is not None:
            own = not report.faces_swapped and not report.faces_concealed
            statement = None if own else _statement(engine, disclosure, inputs)
            write_image(Path(output), picture, pixels, statement, overwrite, inputs=inputs)
    return pixels


def swap_video(
    donor: Donor | Mapping[str, Donor],
    target: str | PathLike[str],
    output: str | PathLike[str],
    *,
    settings: Settings | None = None,
    execution: Execution | None = None,
    options: VideoOptions | None = None,
    overwrite: bool = False,
    allow_no_face: bool = False,
    progress: Callable[[Progress], None] | None = None,
    disclosure: Disclosure | None = None,
    limits: MediaLimits | None = None,
    guardian: Guardian | Mapping[str, Guardian] | None = None,
) -> Report:
    """Swap the faces of a video or an animation; sound, subtitles and timestamps are kept.

    Args:
        donor: see :class:`Engine`.
        target: a video file, an animated GIF, WebP or PNG.
        output: where to write; the extension chooses the container.
        settings: how to swap.
        execution: where brought networks run, and how much memory they may take.
        options: encoder, quality, preset, frame rate, stretch.
        overwrite: whether an existing output may be replaced.
        allow_no_face: write the video even if it shows nobody to swap.
        progress: called now and then with a :class:`Progress`.
        disclosure: what the file says of its origin; the standard statement by default. The file
            is signed either way.
        limits: the largest frame that is read.
        guardian: what is stated of people who look under 18; see :class:`Engine`.

    Raises:
        FaceError: no face in the donor or anywhere in the target; nothing is written.
        InputError: a file is missing, damaged or no video.
        OutputError: the output exists or cannot be written.
        ContentError: the content check refuses the target.
        ConsentError: a face must not be used.
        CancelledError: Ctrl-C was pressed; nothing is written.
    """
    from masquerade.media.open import open_sink, open_source

    with (
        Engine(donor, settings, execution=execution, guardian=guardian) as engine,
        open_source(Path(target), options, limits=limits) as source,
    ):
        sink = open_sink(
            Path(output),
            source,
            options,
            disclosure=_statement(engine, disclosure, [Path(target)], source.info.size_wh),
            overwrite=overwrite,
            limits=limits,
        )
        return engine.run(source, sink, progress, allow_no_face=allow_no_face)


def _statement(
    engine: Engine,
    disclosure: Disclosure | None,
    inputs: Sequence[str | Path],
    size_wh: tuple[int, int] | None = None,
) -> Disclosure:
    """The caller's statement or the standard one, signed."""
    from masquerade.engine.origin import sealed, state_origin

    target = Path(inputs[0]) if inputs else None
    if disclosure is not None:
        return sealed(disclosure, engine, target)
    return state_origin(engine, target=target, size_wh=size_wh)
