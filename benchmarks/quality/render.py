"""Renders the judged set with the product: donors x target clips, without loss.

    python benchmarks/quality/render.py SET [--fast] [--variants default shape0]

Runs in the product's environment; judge.py then judges the folder SET in its own. A variant is a
set of settings: ``default`` is what people get, ``shape0`` keeps the target's own geometry, and
``--variant NAME key=value ...`` makes others for tuning. The visible label is off: it is judged
by eye. A puppet never gets a donor of its own portrait.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from clips import read_clip, write_clip
from material import DONORS, FAST_CLIPS, FAST_DONORS, lay_out, targets
from numpy.typing import NDArray

from masquerade import Engine, Settings

Picture = NDArray[np.uint8]
_VARIANTS: dict[str, dict[str, Any]] = {"default": {}, "shape0": {"shape": 0.0}}


def parse_setting(text: str) -> tuple[str, Any]:
    """A setting's name and value from "KEY=VALUE", the value as the default's type."""
    key, _, value = text.partition("=")
    default = getattr(Settings(), key)
    if isinstance(default, bool):
        return key, value.lower() in ("1", "true", "yes", "on")
    return key, type(default)(value)


def _swapped(engine: Engine, frames: list[Picture], times_ms: list[float]) -> Iterator[Picture]:
    for frame in frames:
        start = time.perf_counter()
        out = engine.process(frame)
        times_ms.append(1000 * (time.perf_counter() - start))
        yield out


def main() -> None:
    """Render the set named on the command line."""
    parser = argparse.ArgumentParser(description="Render the judged set.")
    parser.add_argument("set", type=Path, help="folder to write")
    parser.add_argument("--fast", action="store_true", help="2 donors x 3 clips, for tuning")
    parser.add_argument("--variants", nargs="+", choices=_VARIANTS, default=list(_VARIANTS))
    parser.add_argument(
        "--variant", nargs="+", metavar=("NAME", "KEY=VALUE"), help="one variant of your own"
    )
    parser.add_argument("--donors", nargs="+", help="only these donors")
    parser.add_argument("--clips", nargs="+", help="only these clips")
    parser.add_argument("--targets-only", action="store_true", help="lay out the set, swap nothing")
    options = parser.parse_args()

    donors = options.donors or list(FAST_DONORS if options.fast else DONORS)
    wanted = options.clips or (FAST_CLIPS if options.fast else None)
    clips = [item for item in targets() if wanted is None or item.name in wanted]
    lay_out(options.set, donors, clips)
    if options.targets_only:
        return
    variants = {name: _VARIANTS[name] for name in options.variants}
    if options.variant:
        variants = {options.variant[0]: dict(parse_setting(text) for text in options.variant[1:])}

    for name, changes in variants.items():
        settings = Settings(label="none").replace(**changes)
        for donor in donors:
            photo = options.set / "identities" / f"{donor}.png"
            with Engine(photo, settings=settings) as engine:
                for clip in clips:
                    if clip.suits(donor):
                        _render(engine, options.set, name, donor, clip.name)


def _render(engine: Engine, folder: Path, variant: str, donor: str, clip: str) -> None:
    times_ms: list[float] = []
    engine.reset()
    frames = read_clip(folder / "targets" / f"{clip}.mkv")
    write_clip(folder / variant / f"{donor}__{clip}.mkv", _swapped(engine, frames, times_ms))
    print(f"{variant}: {donor} on {clip}: {statistics.median(times_ms):.1f} ms/frame")


if __name__ == "__main__":
    main()
