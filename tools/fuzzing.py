"""Fuzz targets one after the other, going on from where the last run stood.

What was found is worked on in out/fuzz; `--keep` brings the best inputs into
tests/fuzz/corpus, which the tests try again. tests/fuzz/hours.txt has the time of every target over
all runs.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_HERE = _ROOT / "tests" / "fuzz"
sys.path.insert(0, str(_HERE))

from fuzz_corpus import read_corpus, write_corpus  # noqa: E402
from fuzz_hours import Hours  # noqa: E402

_WORK = _ROOT / "out" / "fuzz"
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_NO_FUZZER = 3
_GRACE_S = 120
_LEAST_S = 10


def main() -> int:
    args = _arguments()
    os.environ.setdefault("MASQUERADE_HOME", tempfile.mkdtemp(prefix="masquerade-fuzz-"))
    from fuzz_targets import TARGETS

    strangers = sorted(set(args.targets) - set(TARGETS))
    if strangers:
        print(f"There is no target {strangers[0]}; there are {', '.join(TARGETS)}.")
        return 2
    chosen = args.targets or list(TARGETS)
    seconds = args.seconds
    if args.in_all:
        most = max(1, args.in_all // _LEAST_S)
        chosen = random.sample(chosen, min(most, len(chosen)))
        seconds = args.in_all // len(chosen)
    crashed = []
    for name in chosen:
        corpus = _corpus_of(name, TARGETS[name].seeds())
        code = _fuzz(name, corpus, seconds, recorded=not args.unrecorded)
        if code == _NO_FUZZER:
            print("Nothing was fuzzed: atheris is not installed here.")
            return 0
        if code:
            crashed.append(name)
        if args.keep:
            _keep(name, corpus)
    if crashed:
        print(f"Crashes in {', '.join(crashed)}; see {_WORK}/TARGET/crashes.")
    return bool(crashed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all of them by default")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument(
        "--in-all", type=int, help="seconds for all together, of which some are chosen by chance"
    )
    parser.add_argument("--keep", action="store_true", help="renew tests/fuzz/corpus")
    parser.add_argument("--unrecorded", action="store_true", help="leave hours.txt as it is")
    return parser.parse_args()


def _corpus_of(name: str, seeds: list[bytes]) -> Path:
    """The folder that libFuzzer works on: what it knew, what is kept, what our writers make."""
    folder = _WORK / name / "corpus"
    folder.mkdir(parents=True, exist_ok=True)
    known = {f"seed-{number}": seed for number, seed in enumerate(seeds)} | read_corpus(name)
    for entry, data in known.items():
        if not entry.startswith("crash-"):
            (folder / entry).write_bytes(data)
    return folder


def _fuzz(name: str, corpus: Path, seconds: int, *, recorded: bool) -> int:
    crashes = _WORK / name / "crashes"
    crashes.mkdir(exist_ok=True)
    options = [f"-max_total_time={seconds}", "-print_final_stats=1", "-verbosity=0"]
    options += [f"-artifact_prefix={crashes}/", str(corpus)]
    started = time.monotonic()
    code, text = _libfuzzer(name, options, seconds + _GRACE_S)
    if code == _NO_FUZZER:
        return code
    spent = min(seconds, round(time.monotonic() - started))
    found = _EXECUTED.search(text)
    if found is None:
        print(f"{name} could not be fuzzed:\n{text[-3000:]}", flush=True)
        return code or 1
    executed = int(found[1])
    print(f"{name}: {spent} s, {executed} inputs, {'a crash' if code else 'no crash'}", flush=True)
    if code:
        print(text[max(0, text.find("=== Uncaught")) :][-3000:], flush=True)
    if recorded:
        Hours(_HERE / "hours.txt").add(name, spent, executed, crashed=bool(code))
    return code


def _keep(name: str, corpus: Path) -> None:
    """The smallest inputs and the latest, which reach the deepest, by turns."""
    files = list(corpus.iterdir())
    smallest = sorted(files, key=lambda path: path.stat().st_size)
    latest = sorted(files, key=lambda path: -path.stat().st_mtime_ns)
    turns = itertools.chain.from_iterable(zip(smallest, latest, strict=True))
    inputs = [path.read_bytes() for path in dict.fromkeys(turns)]
    crashes = [path.read_bytes() for path in (_WORK / name / "crashes").iterdir()]
    kept = write_corpus(name, inputs, [data for data in crashes if len(data) < 20_000])
    print(f"{name}: {kept} of {len(inputs)} inputs are kept", flush=True)


def _libfuzzer(name: str, options: list[str], limit_s: int) -> tuple[int, str]:
    words = [sys.executable, str(_HERE / "run_fuzz_target.py"), name, *options]
    memory = Path("/dev/shm")
    try:
        with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as scratch:
            env = {**os.environ, "MASQUERADE_FUZZ_SCRATCH": scratch}
            done = subprocess.run(words, capture_output=True, timeout=limit_s, check=False, env=env)
    except subprocess.TimeoutExpired as error:
        return 1, f"It did not end in {limit_s} s. {(error.stderr or b'').decode(errors='replace')}"
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


if __name__ == "__main__":
    sys.exit(main())
