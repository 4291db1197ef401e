"""Variants of an installed model in less precision: made, measured, and refused when too coarse."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import ModelError, OutputError, SettingsError
from masquerade.models.arcface import ArcFace, JointArcFace
from masquerade.models.calibration import SwapperParts, calibration_feeds, output_span
from masquerade.models.converter import Converter
from masquerade.models.emap import read_emap
from masquerade.runtime.graph_facts import graph_facts
from masquerade.runtime.half_precision import write_half
from masquerade.runtime.parity import Parity, measure_parity
from masquerade.runtime.quantize import Feeds, quantize_int8
from masquerade.runtime.session import Session

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.models.donor_code import Portrait
    from masquerade.models.library import Library
    from masquerade.models.spec import ModelSpec

__all__ = ["LEAST_DB", "VariantReport", "make_variant"]

LEAST_DB = 30.0
"""Parity with the published file below which a variant is refused: about what a face carried
over twelve frames differs from a true one, so that the loss stays below what motion hides."""

_VARIANTS = ("int8", "fp16")
_COUNT, _LARGE_COUNT, _LARGE_PX = 24, 16, 512
"""How many inputs are calibrated with; fewer of large pictures, each of which says more."""
_HELD_OUT = 6
_FEEDS_BYTES = 256 * 1024**2
_OTHER_SEED = 1


@dataclass(frozen=True, slots=True)
class VariantReport:
    """A variant that was made.

    Attributes:
        path: of its file in the library.
        precision: int8 or fp16.
        psnr_db: against the published file on inputs that calibration has not seen; for pictures
            white is the peak, for other outputs their span. Of float16 it is an upper bound: a
            CPU computes between its nodes in float32, where a device rounds.
        worst_db: of the worst of these inputs.
        size_bytes: of the file.
        ms_before: median time of the published file, ONNX Runtime on the CPU.
        ms_after: of the variant; float16 gains on graphics processors only.
        detail: how it was made, one sentence.
    """

    path: Path
    precision: str
    psnr_db: float
    worst_db: float
    size_bytes: int
    ms_before: float
    ms_after: float
    detail: str


def make_variant(
    library: Library,
    name: str,
    precision: str,
    photos: Sequence[Portrait],
    progress: Callable[[float, float], None] | None = None,
    *,
    force: bool = False,
    threads: int = 0,
) -> VariantReport:
    """Make a variant of an installed model and take it into the library.

    Args:
        library: holds the model, and of a swapper its embedder and converter.
        name: of the model.
        precision: int8 or fp16. bf16 needs no file: OpenVINO computes in it by itself.
        photos: faces to calibrate and to measure with, at least one; with four or more, every
            fourth is kept for measuring.
        progress: called with what is done (0..1) and the seconds that are left.
        force: take it in whatever it lost.
        threads: of the networks.

    Raises:
        SettingsError: there is no such variant.
        ModelError: the model is not installed, cannot be run, or lost too much.
        LicenceError: its licence was not accepted.
        OutputError: the library cannot be written to.
    """
    if precision not in _VARIANTS:
        raise SettingsError(f"{precision!r} needs no file; choose one of {', '.join(_VARIANTS)}.")
    spec = library.spec(name)
    source = _source(library, name)
    calibration, held_out = _feeds(library, spec, source, photos, threads)
    span = output_span(spec)
    try:
        with tempfile.TemporaryDirectory(dir=source.parent, prefix=".variant-") as folder:
            made = Path(folder) / f"{precision}.onnx"
            if precision == "int8":
                parity, detail = _make_int8(
                    source, made, calibration, held_out, span, threads, progress
                )
            else:
                parity, detail = _make_half(source, made, held_out, span, threads)
            _judge(name, precision, parity, force)
            size_bytes = made.stat().st_size
            path = library.add_variant(name, precision, made)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"{source.parent} cannot be written to ({error.strerror}); check permissions and "
            "free space."
        ) from error
    return VariantReport(
        path,
        precision,
        parity.psnr_db,
        parity.worst_db,
        size_bytes,
        parity.ms_before,
        parity.ms_after,
        detail,
    )


def _source(library: Library, name: str) -> Path:
    """The installed file with most precision."""
    variants = library.variants(name)
    return next((variants[p] for p in ("fp32", "fp16") if p in variants), library.path(name))


def _feeds(
    library: Library, spec: ModelSpec, source: Path, photos: Sequence[Portrait], threads: int
) -> tuple[list[dict[str, NDArray[Any]]], list[dict[str, NDArray[Any]]]]:
    """Inputs to calibrate with, and others to measure with."""
    facts = graph_facts(source)
    ports = facts.inputs, facts.outputs
    count = _LARGE_COUNT if spec.size >= _LARGE_PX else _COUNT
    few = max(_HELD_OUT, min(count, _FEEDS_BYTES // (12 * max(spec.size, 64) ** 2)))
    seen, unseen = list(photos), list(photos)
    if len(photos) >= 4:
        unseen = list(photos[3::4])
        seen = [photo for index, photo in enumerate(photos) if index % 4 != 3]
    parts = _parts(library, spec, threads)
    calibration = calibration_feeds(spec, *ports, seen, few, parts=parts)
    held_out = calibration_feeds(spec, *ports, unseen, _HELD_OUT, parts=parts, seed=_OTHER_SEED)
    if parts.embedder is not None:
        parts.embedder.close()
    if parts.converter is not None:
        parts.converter.close()
    return calibration, held_out


def _parts(library: Library, spec: ModelSpec, threads: int) -> SwapperParts:
    if spec.role != "swapper" or spec.source is None:
        return SwapperParts()

    def opened(name: str) -> Session:
        return Session(library.path(name), threads=threads, label=name)

    names = [name for name in (spec.embedder, spec.second_embedder) if name]
    embedders = [ArcFace(library.spec(name), opened(name)) for name in names]
    emap = None
    if spec.source.kind == "latent":
        emap = read_emap(library.path(spec.emap_from or spec.name))
    return SwapperParts(
        JointArcFace(embedders) if len(embedders) > 1 else next(iter(embedders), None),
        Converter(library.spec(spec.converter), opened(spec.converter)) if spec.converter else None,
        emap,
    )


def _make_int8(
    source: Path,
    target: Path,
    calibration: list[dict[str, NDArray[Any]]],
    held_out: list[dict[str, NDArray[Any]]],
    span: float | None,
    threads: int,
    progress: Callable[[float, float], None] | None,
) -> tuple[Parity, str]:
    made = quantize_int8(
        source, target, calibration, held_out, peak=span, threads=threads, progress=progress
    )
    detail = (
        f"{made.integers} convolutions in eight bits, {made.single} with "
        f"{100 * made.work_single:.1f} % of the work left in float32; ranges by {made.rule} of "
        f"{len(calibration)} inputs."
    )
    return made.parity, detail


def _make_half(
    source: Path,
    target: Path,
    held_out: list[dict[str, NDArray[Any]]],
    span: float | None,
    threads: int,
) -> tuple[Parity, str]:
    count = write_half(source, target)
    before, after = Session(source, threads=threads), Session(target, threads=threads)
    parity = measure_parity(_fed(before), _fed(after), held_out, peak=span)
    before.close()
    after.close()
    return parity, f"{count} nodes in float16; normalisation left in float32."


def _fed(session: Session) -> Callable[[Feeds], list[NDArray[Any]]]:
    """A run that takes float32 whatever the file's inputs are, such as CodeFormer's float64."""
    types = {port.name: port.dtype for port in session.input_ports}
    return lambda feeds: session.run(
        {name: values.astype(types[name], copy=False) for name, values in feeds.items()}
    )


def _judge(name: str, precision: str, parity: Parity, force: bool) -> None:
    if parity.psnr_db < LEAST_DB and not force:
        raise ModelError(
            f"{name} in {precision} agrees with the published file to {parity.psnr_db:.1f} dB "
            f"only, below {LEAST_DB:.0f} dB. Keep the published file, or take it with --force."
        )
