"""``masquerade models quantize``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from masquerade.apps.console import clock_time
from masquerade.apps.donors import make_identity
from masquerade.apps.models.sizes import megabytes
from masquerade.media.limits import MediaLimits
from masquerade.media.puppet import demo_source
from masquerade.models.library import Library
from masquerade.models.precision_variants import make_variant
from masquerade.stages.identity import Identity

if TYPE_CHECKING:
    from masquerade.apps.console import Console
    from masquerade.models.donor_code import Portrait
    from masquerade.models.precision_variants import VariantReport

__all__ = ["run"]

_PUPPETS: tuple[Literal["mona_lisa", "astronaut"], ...] = ("mona_lisa", "astronaut")
_FRAMES = 4
"""Frames of each puppet's play that are looked at."""


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Make a variant, measure it against the published file, and take it in."""
    library = Library()
    library.path(args.model)  # before any face is looked for
    faces = list(_photos(args.photos) if args.photos else _puppets())
    with console.progress(args.model) as line:

        def show(share: float, left_s: float) -> None:
            line.show(
                lambda: f"{args.model}  {line.bar(share)}{share:4.0%}  {clock_time(left_s)} left"
            )

        report = make_variant(library, args.model, args.precision, faces, show, force=args.force)
    console.say(_told(args.model, report))
    return {
        "name": args.model,
        "path": str(report.path),
        "precision": report.precision,
        "psnr_db": round(report.psnr_db, 2),
        "worst_db": round(report.worst_db, 2),
        "size_bytes": report.size_bytes,
        "ms_before": round(report.ms_before, 2),
        "ms_after": round(report.ms_after, 2),
        "detail": report.detail,
    }


def _told(name: str, report: VariantReport) -> str:
    times = ""
    if report.ms_after > 0:
        times = (
            f"\n  {report.ms_before:.1f} ms before, {report.ms_after:.1f} ms after: "
            f"{report.ms_before / report.ms_after:.1f} times as quick (ONNX Runtime, CPU)"
        )
    return (
        f"{name} in {report.precision}: {report.path}, {megabytes(report.size_bytes)}\n"
        f"  parity {report.psnr_db:.1f} dB, worst {report.worst_db:.1f} dB, with the published "
        f"file{times}\n  {report.detail}"
    )


def _photos(paths: list[str]) -> Iterator[Portrait]:
    """The largest face of each photo."""
    for path in paths:
        yield from make_identity([Path(path)], MediaLimits()).portraits


def _puppets() -> Iterator[Portrait]:
    """Faces of the bundled portraits while they act."""
    for name in _PUPPETS:
        source, _ = demo_source(name)
        with source:
            count = source.info.frame_count or 1
            for seq in np.linspace(0.1 * count, 0.9 * count, _FRAMES).astype(int).tolist():
                pixels = source.render(seq)[0].pixels
                yield from Identity.from_photos(pixels, name).portraits
