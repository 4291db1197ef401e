"""``masquerade demo``: the main job on what the package itself carries."""

from __future__ import annotations

import argparse
from importlib.resources import as_file
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.apps.console import Console
from masquerade.apps.sinks import closing_down
from masquerade.core.errors import OutputError
from masquerade.core.settings import Settings
from masquerade.engine import Engine
from masquerade.engine.origin import state_origin
from masquerade.media.file import VideoOptions, VideoSource
from masquerade.media.image import Picture, read_image, write_image
from masquerade.media.open import open_sink
from masquerade.media.output_file import OutputFile
from masquerade.media.puppet import demo_source
from masquerade.media.sheet import before_after_sheet
from masquerade.stages.identity import Identity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.media.puppet import PuppetSource

__all__ = ["run"]

_SHOWN = 4


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Bring one bundled portrait to life, swap the other one in, and lay both side by side."""
    film, sheet = _outputs(Path(args.output or "masquerade-demo"), overwrite=args.overwrite)
    source, photo = demo_source("mona_lisa")
    settings, consents = Settings(), {"donor": "public-domain"}
    with as_file(photo) as path:
        donor = read_image(path)
    identity = Identity.from_photos(donor.pixels, "donor")
    with Engine(identity, settings) as engine, source, console.progress(film.name) as show:
        disclosure = state_origin(engine, consents=consents, size_wh=source.info.size_wh)
        sink = open_sink(
            film, source, VideoOptions(), disclosure=disclosure, overwrite=args.overwrite
        )
        with closing_down(sink):
            report = engine.run(source, sink, show)
    picture = before_after_sheet(*_pairs(source, film), donor.pixels, columns=_SHOWN)
    write_image(sheet, Picture(picture), picture, disclosure, args.overwrite)
    console.say(
        f"A talking Mona Lisa was given an astronaut's face, {report.frames} frames at "
        f"{report.fps:.0f} a second:\n  {film}\n  {sheet}"
    )
    return {"film": str(film), "sheet": str(sheet), "report": report.as_dict()}


def _outputs(folder: Path, *, overwrite: bool) -> tuple[Path, Path]:
    """Film and sheet, both known to be writable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be made ({error.strerror}).") from error
    film, sheet = folder / "swapped.mp4", folder / "before-after.png"
    for path in (film, sheet):
        OutputFile(path, overwrite=overwrite).abort()
    return film, sheet


def _pairs(
    source: PuppetSource, film: Path
) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
    """A few frames of the play, and the same frames of the film."""
    count = source.info.frame_count or 1
    shown = np.linspace(0.08 * count, 0.92 * count, _SHOWN).astype(int).tolist()
    before = [source.render(seq)[0].pixels for seq in shown]
    with VideoSource(film) as frames:
        return before, [frame.pixels for frame in frames if frame.seq in shown]
