"""What is given up where networks do not fit into memory, in this order, each step said aloud:

1. the library of the processor that takes less memory: the same pixels, more slowly;
2. lower precision, where a variant of the model is installed (fp16, then int8);
3. smaller tiles, where whole pictures are enhanced;
4. smaller pictures inside: the swapped face at the model's own size, the smaller enhancer of a
   family;
5. no enhancer, first that of pictures, then that of faces.

What does not fit then is an error. All here is a pure function of sizes, so that it can be told
beforehand what a machine with so much memory would do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from masquerade.core.execution import Execution, Precision
    from masquerade.core.settings import Settings

__all__ = [
    "NO_UPSCALER",
    "SMALLEST_TILE",
    "Lowered",
    "Shelf",
    "expected_bytes",
    "fitting",
    "lowerings",
    "tile_bytes",
]

NO_UPSCALER = "none"
SMALLEST_TILE = 128

_LOWER: tuple[Precision, ...] = ("fp16", "int8")
_ORDER = ("fp32", "bf16", "fp16", "int8")
_LOADING = 1.3
"""What a network takes while it is loaded, over its weights as they are held."""
_BYTES_PER_PX = 512
"""What lies between the layers of a network that draws a picture: 32 channels, float32, four at a
time. Measured by the loader afterwards; here it only has to tell what is hopeless."""
_BYTES_PER_ENLARGED_PX = 1024
"""The same of upscalers for each pixel that comes out: 64 channels, four at a time. Measured with a
graph of Real-ESRGAN's kind: 620 to 910."""


class Shelf(Protocol):
    """What is installed on this machine."""

    def sizes(self, name: str) -> Mapping[str, int]:
        """Bytes of a model's installed files by precision; empty where it is not installed."""
        ...

    def side(self, name: str) -> int:
        """Side in pixels of the picture that a model draws."""
        ...

    def scale(self, name: str) -> int:
        """How many times an upscaler enlarges the sides of a picture."""
        ...

    def leaner(self, execution: Execution) -> Execution | None:
        """The same with the library that takes less memory; None where it is that already."""
        ...

    def smaller(self, name: str) -> str | None:
        """The next smaller installed enhancer of the same family; None where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Lowered:
    """What is to be opened.

    Attributes:
        settings: with the networks that are left.
        execution: as it was asked for, but for the library.
        precision: the variant that is taken of each network that has it; the others run as they
            were asked for.
        sentences: what was given up, in order; none at first.
    """

    settings: Settings
    execution: Execution
    precision: Precision
    sentences: tuple[str, ...] = ()

    def execution_of(self, name: str, shelf: Shelf) -> Execution:
        """How one of the networks runs."""
        if self.precision == self.execution.precision or self.precision not in shelf.sizes(name):
            return self.execution
        return replace(self.execution, precision=self.precision)


def lowerings(settings: Settings, execution: Execution, shelf: Shelf) -> Iterator[Lowered]:
    """What was asked for, then step by step what takes less memory.

    Args:
        settings: names of networks and sizes are read.
        execution: precision is read.
        shelf: what is installed.
    """
    now = Lowered(settings, execution, execution.precision)
    yield now
    leaner = shelf.leaner(execution)
    if leaner is not None:
        said = "networks run on ONNX Runtime, which takes less than OpenVINO"
        now = _step(replace(now, execution=leaner), said=said)
        yield now
    for precision in _LOWER:
        if _has(precision, now, shelf):
            now = _step(now, precision=precision, said=f"networks compute in {precision}")
            yield now
    while now.settings.enhance_frame != NO_UPSCALER and (tile := now.settings.tile) > SMALLEST_TILE:
        half = max(SMALLEST_TILE, tile // 2)
        said = f"pictures are enhanced in tiles of {half} pixels instead of {tile}"
        now = _step(now, settings=now.settings.replace(tile=half), said=said)
        yield now
    if settings.model != "mesh" and settings.swap_size > shelf.side(settings.model) > 0:
        side = shelf.side(settings.model)
        said = f"faces are swapped at {side} pixels instead of {settings.swap_size}"
        now = _step(now, settings=now.settings.replace(swap_size=0), said=said)
        yield now
    while (smaller := _smaller_enhancers(now.settings.enhancer, shelf)) != now.settings.enhancer:
        said = f"{' and '.join(smaller)} enhances instead of {' and '.join(now.settings.enhancer)}"
        now = _step(now, settings=now.settings.replace(enhancer=smaller), said=said)
        yield now
    if now.settings.enhance_frame != NO_UPSCALER:
        said = f"{now.settings.enhance_frame} is left out"
        now = _step(now, settings=now.settings.replace(enhance_frame=NO_UPSCALER), said=said)
        yield now
    if now.settings.enhancer:
        said = f"{' and '.join(now.settings.enhancer)} is left out"
        yield _step(now, settings=now.settings.replace(enhancer=()), said=said)


def fitting(
    settings: Settings, execution: Execution, shelf: Shelf, free_bytes: int
) -> Iterator[Lowered]:
    """The steps of :func:`lowerings` from the first that is expected to fit; the last in any case.

    Args:
        settings: see :func:`lowerings`.
        execution: see :func:`lowerings`.
        shelf: see :func:`lowerings`.
        free_bytes: what may be taken.
    """
    steps = list(lowerings(settings, execution, shelf))
    first = next(
        (i for i, step in enumerate(steps) if expected_bytes(step, shelf) <= free_bytes),
        len(steps) - 1,
    )
    yield from steps[first:]


def expected_bytes(wanted: Lowered, shelf: Shelf) -> int:
    """About what the swapper and the enhancers take, at the largest moment of loading them."""
    settings, held = wanted.settings, []
    for name in _names(settings):
        working = _BYTES_PER_PX * shelf.side(name) ** 2
        if name == settings.enhance_frame:
            working = tile_bytes(settings.tile**2, shelf.scale(name))
        held.append(working + _weight_bytes(name, wanted.execution_of(name, shelf), shelf))
    # They are loaded one after the other.
    return round(sum(held) + (_LOADING - 1) * max(held, default=0))


def tile_bytes(tile_px: int, scale: int) -> int:
    """About what lies between the layers of an upscaler that is fed tiles of so many pixels."""
    return _BYTES_PER_ENLARGED_PX * tile_px * scale**2


def _names(settings: Settings) -> list[str]:
    """Networks that draw."""
    names = [settings.model] if settings.model != "mesh" else []
    upscaler = [settings.enhance_frame] if settings.enhance_frame != NO_UPSCALER else []
    return [*names, *settings.enhancer, *upscaler]


def _weight_bytes(name: str, execution: Execution, shelf: Shelf) -> int:
    sizes = shelf.sizes(name)
    precision = _chosen(execution.precision, sizes)
    weights = sizes.get(precision, 0)
    if precision == "fp16" and set(execution.providers) <= {"cpu", "openvino", "auto"}:
        weights *= 2  # the processor computes in fp32
    return weights


def _chosen(asked: str, sizes: Mapping[str, int]) -> str:
    """The variant that is taken: the one that was asked for, else the most exact."""
    if asked in sizes:
        return asked
    return next((precision for precision in _ORDER if precision in sizes), "fp32")


def _has(precision: Precision, now: Lowered, shelf: Shelf) -> bool:
    """Whether a network of these has a smaller file of that precision than the one it would use."""
    if _rank(now.precision) >= _rank(precision):
        return False
    for name in _names(now.settings):
        sizes = shelf.sizes(name)
        before = sizes.get(_chosen(now.precision, sizes), 0)
        if sizes.get(precision, before) < before:
            return True
    return False


def _rank(precision: str) -> int:
    return _ORDER.index(precision) if precision in _ORDER else 0


def _smaller_enhancers(names: tuple[str, ...], shelf: Shelf) -> tuple[str, ...]:
    """The largest of them replaced by its next smaller sibling; the same where none has one."""
    options = [name for name in names if shelf.smaller(name) is not None]
    if not options:
        return names
    largest = max(options, key=shelf.side)
    return tuple(shelf.smaller(name) or name if name == largest else name for name in names)


def _step(
    now: Lowered,
    *,
    settings: Settings | None = None,
    precision: Precision | None = None,
    said: str,
) -> Lowered:
    return Lowered(
        settings or now.settings,
        now.execution,
        precision or now.precision,
        (*now.sentences, f"To fit into memory, {said}."),
    )
