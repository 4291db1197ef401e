"""What convolutions as matrix products gain: full-cost networks before and after, in one run.

    python benchmarks/winograd.py
    python benchmarks/winograd.py --model gfpgan --rounds 15 --json figures.json

"direct" is the file as it is published, "rewritten" has gone through every pass but Winograd's, and
"winograd" through all. They run in turn, so that a busy machine slows them alike. Parity is that of
the output against the direct network on ONNX Runtime, its range being the peak. Memory is what
a process of its own grew by while it loaded the network and ran it once.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import psutil

from masquerade.runtime.onnx_file import read_model
from masquerade.runtime.openvino_network import OpenVinoNetwork
from masquerade.runtime.parity import psnr_db
from masquerade.runtime.provider_options import ProviderSetup
from masquerade.runtime.rewrite import rewrite
from masquerade.runtime.session import Session
from masquerade.runtime.winograd import winograd_cost
from masquerade.testing.networks.full_cost import stand_in_folder, write_full_cost
from measuring import Spread, machine

MODELS = {"inswapper": "inswapper", "gfpgan": "gfpgan_exported"}
"""GFPGAN in the form that is published: its decoder scales its weights in every run."""

LIBRARIES = ("ONNX Runtime", "OpenVINO")
FORMS = ("direct", "rewritten", "winograd")

Row = dict[str, float | Spread]


def write_rewritten(source: Path, target: Path, *, winograd: bool, prelu: bool) -> list[str]:
    """The file after its passes; what was done and how long it took, in words."""
    started = time.perf_counter()
    model = read_model(source)
    grown = winograd_cost(model) if winograd else 0
    done = rewrite(model, winograd=winograd, free_batch=False, prelu=prelu)
    onnx.save_model(done.model, target, save_as_external_data=True, location=f"{target.name}.data")
    seconds = time.perf_counter() - started
    words = [*done.applied, f"weights grow by {grown / 1e6:.0f} MB"] if grown else [*done.applied]
    return [*words, f"written in {seconds:.1f} s"]


def feeds_of(network: Session | OpenVinoNetwork) -> dict[str, np.ndarray]:
    """Random inputs, 0..1; vectors of length 1, as embeddings are."""
    random = np.random.default_rng(0)
    feeds = {}
    for port in network.input_ports:
        values = random.uniform(0, 1, [side or 1 for side in port.shape]).astype(port.dtype)
        feeds[port.name] = values / np.linalg.norm(values) if values.ndim == 2 else values
    return feeds


def opened(library: str, path: Path, threads: int) -> Session | OpenVinoNetwork:
    setup = ProviderSetup(threads=threads)
    return OpenVinoNetwork(path, setup) if library == "OpenVINO" else Session(path, setup=setup)


def memory_of(library: str, path: Path, threads: int) -> float:
    """MiB by which a process grows while it loads a network and runs it once."""
    before = psutil.Process().memory_info().rss
    network = opened(library, path, threads)
    network.run(feeds_of(network))
    return (psutil.Process().memory_info().rss - before) / 2**20


def first_output(network: Session | OpenVinoNetwork, feeds: dict) -> np.ndarray:
    return network.run(feeds)[0]


def apart(call: Callable, *inputs: object, **options: object) -> object:
    """Call in a process of its own, whose memory is nobody else's."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(call, inputs, options)


def prepared(source: Path, folder: Path, threads: int) -> dict[tuple[str, str], tuple[Path, float]]:
    """Files by library and form, and the memory that each takes."""
    files = {}
    for library in LIBRARIES[: 1 + (importlib.util.find_spec("openvino") is not None)]:
        for form in FORMS:
            path = source
            if form != "direct":
                path = folder / f"{form}-{library[:4]}.onnx"
                prelu = library == "ONNX Runtime"
                options = {"winograd": form == "winograd", "prelu": prelu}
                words = apart(write_rewritten, source, path, **options)
                print(f"  {library}, {form}: {'; '.join(words)}", flush=True)
            files[library, form] = path, apart(memory_of, library, path, threads)
    return files


def measure(ways: dict[str, Callable], rounds: int) -> dict[str, Row]:
    """Times of all ways in turn, and how far each is from the first."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    parity: dict[str, float] = {}
    exact = None
    for turn in range(rounds + 1):
        for name, run in ways.items():
            started = time.perf_counter()
            result = run()
            if turn:  # the first round warms up
                times[name].append(1e3 * (time.perf_counter() - started))
                continue
            exact = result.astype(np.float64) if exact is None else exact
            error = float(np.square(result - exact).mean())
            parity[name] = psnr_db(error, float(np.ptp(exact)))
    base = {name.rsplit(" ", 1)[0]: Spread.of(times[name]).median for name in reversed(ways)}
    return {
        name: {
            "ms": Spread.of(values),
            "times_as_fast": base[name.rsplit(" ", 1)[0]] / Spread.of(values).median,
            "parity_db": parity[name],
        }
        for name, values in times.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=MODELS, default="inswapper")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=stand_in_folder())
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    print(machine())
    args.folder.mkdir(parents=True, exist_ok=True)
    source = write_full_cost(MODELS[args.model], args.folder)
    print(f"\n{args.model}, {args.threads} threads, {args.rounds} rounds in turn")
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        files = prepared(source, Path(folder), args.threads)
        ways = {}
        for (library, form), (path, _) in files.items():
            network = opened(library, path, args.threads)
            ways[f"{library} {form}"] = partial(first_output, network, feeds_of(network))
        rows = measure(ways, args.rounds)
        memory = dict(zip(ways, (size for _, size in files.values()), strict=True))
    print(f"\n  {'':24}{'ms, median (extremes)':>26}{'times':>8}{'parity':>11}{'memory':>11}")
    for name, row in rows.items():
        parity = "" if name == next(iter(rows)) else f"{row['parity_db']:.0f} dB"
        print(
            f"  {name:24}{row['ms']!s:>26}{row['times_as_fast']:>8.2f}{parity:>11}"
            f"{memory[name]:>8.0f} MiB"
        )
    if args.json:
        figures = {
            name: {**row, "ms": row["ms"].median, "memory_mib": memory[name]}
            for name, row in rows.items()
        }
        args.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
