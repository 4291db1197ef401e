"""What less precision gains and loses: full-cost networks in every precision, in one run.

    python benchmarks/precision.py
    python benchmarks/precision.py --model fitted
    python benchmarks/precision.py --model gfpgan --rounds 9 --json figures.json

Calibrated on faces of the bundled portraits as they act, measured on others of their frames. The
full-cost files have the published networks' graphs with random weights: their times carry over as
ratios, their parities only show how noise adds up over so many layers. `fitted` is a small swapper
that draws faces (see fitted_swapper.py): of it the parities count and the times do not. None of
the published weights was measured.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fitted_swapper import wanted_output, write_fitted
from masquerade import Identity
from masquerade.media.puppet import demo_source
from masquerade.models.calibration import SwapperParts, calibration_feeds, output_span
from masquerade.models.catalogue import find_spec
from masquerade.models.emap import read_emap
from masquerade.runtime.graph_facts import graph_facts
from masquerade.runtime.openvino_network import OpenVinoNetwork
from masquerade.runtime.parity import psnr_db
from masquerade.runtime.provider_options import ProviderSetup
from masquerade.runtime.quantize import quantize_int8
from masquerade.runtime.session import Session
from masquerade.testing.networks.full_cost import stand_in_folder, write_full_cost
from masquerade.testing.networks.full_swapper import draft_inswapper
from measuring import Spread, machine

SPECS = {
    "inswapper": "inswapper_128",
    "gfpgan": "gfpgan_1.4",
    "scrfd_10g": "scrfd_10g_bnkps",
    "arcface_r50": "w600k_r50",
    "fitted": "inswapper_128",
}
FRAMES = 6
HELD_OUT = 4


class RandomDonors:
    """Embeddings without direction in common, as those of different people are."""

    def embed(self, pixels_bgr: np.ndarray, _: np.ndarray) -> np.ndarray:
        seed = int(pixels_bgr[::32, ::32].astype(np.int64).sum())
        return np.random.default_rng(seed).standard_normal(512).astype(np.float32)

    def close(self) -> None:
        pass


def puppet_faces() -> tuple[list, list]:
    """Faces of both bundled portraits: to calibrate with, and other moments to measure with."""
    seen, unseen = [], []
    for name in ("mona_lisa", "astronaut"):
        source, _ = demo_source(name)
        with source:
            count = source.info.frame_count or 1
            places = np.linspace(0.05 * count, 0.95 * count, FRAMES + 2).astype(int).tolist()
            for index, seq in enumerate(places):
                pixels = source.render(seq)[0].pixels
                faces = unseen if index % 4 == 3 else seen
                faces.extend(Identity.from_photos(pixels, name).portraits)
    return seen, unseen


def make_feeds(kind: str, path: Path, count: int) -> tuple[list[dict], list[dict]]:
    """Inputs to calibrate with, and to measure with."""
    spec, facts = find_spec(SPECS[kind]), graph_facts(path)
    seen, unseen = puppet_faces()
    parts = SwapperParts()
    if SPECS[kind] == "inswapper_128":
        parts = SwapperParts(embedder=RandomDonors(), emap=read_emap(path))
    ports = facts.inputs, facts.outputs
    return (
        calibration_feeds(spec, *ports, seen, count, parts=parts),
        calibration_feeds(spec, *ports, unseen, HELD_OUT, parts=parts, seed=1),
    )


def run_ways(paths: dict[str, Path], threads: int) -> dict[str, Callable]:
    """Every way of running the network, the baseline first."""
    setup = ProviderSetup(threads=threads)
    single, whole = paths["fp32"], paths["int8"]
    return {
        "ONNX Runtime fp32": Session(single, threads=threads).run,
        "ONNX Runtime int8": Session(whole, threads=threads).run,
        "OpenVINO fp32": OpenVinoNetwork(single, setup, precision="fp32").run,
        "OpenVINO bf16": OpenVinoNetwork(single, setup, precision="bf16").run,
        "OpenVINO int8": OpenVinoNetwork(whole, setup, precision="fp32").run,
    }


def measure(
    ways: dict[str, Callable], feeds: list[dict], rounds: int, span: float | None
) -> dict[str, dict]:
    """Times of all ways in turn, so that a busy machine slows them alike; and their parity."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    errors: dict[str, list[float]] = {name: [] for name in ways}
    exact: dict[int, np.ndarray] = {}
    for turn in range(rounds + 1):
        place = turn % len(feeds)
        for name, run in ways.items():
            started = time.perf_counter()
            result = run(feeds[place])[0].astype(np.float64)
            if turn:  # the first round warms up
                times[name].append(1e3 * (time.perf_counter() - started))
            exact.setdefault(place, result)
            errors[name].append(float(np.square(result - exact[place]).mean()))
    peak = span or max(float(np.ptp(values)) for values in exact.values())
    base = Spread.of(times["ONNX Runtime fp32"]).median
    return {
        name: {
            "ms": Spread.of(values),
            "times_as_fast": base / Spread.of(values).median,
            "parity_db": psnr_db(float(np.mean(errors[name])), peak),
        }
        for name, values in times.items()
    }


def prepared(args: argparse.Namespace, folder: Path) -> tuple[dict[str, Path], list, dict]:
    """Files by precision, inputs to measure with, and what was done, in words."""
    notes = {}
    if args.model == "fitted":
        single = folder / "fitted.onnx"
        single.write_bytes(draft_inswapper(wide=64, blocks=1).SerializeToString())
    else:
        single = write_full_cost(args.model, args.folder)
    calibration, held_out = make_feeds(args.model, single, args.inputs)
    if args.model == "fitted":
        write_fitted(single, calibration, args.threads)
        notes["float32 against what it was to draw"] = f"{drawn_db(single, held_out)} dB"
    span = output_span(find_spec(SPECS[args.model]))
    whole = folder / "int8.onnx"
    started = time.perf_counter()
    made = quantize_int8(single, whole, calibration, held_out, peak=span, threads=args.threads)
    notes["int8"] = (
        f"{made.integers} convolutions, {made.single} more with {made.work_single:.1%} of the work "
        f"in float32, ranges by {made.rule}, made in {time.perf_counter() - started:.0f} s"
    )
    notes["sizes"] = f"{single.stat().st_size / 1e6:.0f} MB, {whole.stat().st_size / 1e6:.0f} MB"
    return {"fp32": single, "int8": whole}, held_out, notes


def drawn_db(path: Path, feeds: list[dict]) -> float:
    session = Session(path)
    errors = [
        np.square(session.run(feed)[0][0] - wanted_output(feed["target"])).mean() for feed in feeds
    ]
    return round(psnr_db(float(np.mean(errors)), 1.0), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=SPECS, default="inswapper")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--inputs", type=int, default=16, help="inputs to calibrate with")
    parser.add_argument("--folder", type=Path, default=stand_in_folder())
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    print(machine())
    args.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        paths, held_out, notes = prepared(args, Path(folder))
        ways = run_ways(paths, args.threads)
        rows = measure(ways, held_out, args.rounds, output_span(find_spec(SPECS[args.model])))
    print(f"\n{args.model}, {args.threads} threads, {args.rounds} rounds in turn")
    for name, note in notes.items():
        print(f"  {name}: {note}")
    print(f"\n  {'':18}{'ms, median (extremes)':>26}{'times':>8}{'parity':>11}")
    for name, row in rows.items():
        print(
            f"  {name:18}{row['ms']!s:>26}{row['times_as_fast']:>8.2f}{row['parity_db']:>8.1f} dB"
        )
    if args.json:
        figures = {name: {**row, "ms": row["ms"].median} for name, row in rows.items()}
        args.json.write_text(json.dumps({"notes": notes, "rows": figures}, indent=1))


if __name__ == "__main__":
    main()
