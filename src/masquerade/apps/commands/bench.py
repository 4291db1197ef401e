"""``masquerade bench``: how fast is this machine, scenario by scenario?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from masquerade.apps.bench.apart import measure_apart
from masquerade.apps.bench.busy import busy_notice
from masquerade.apps.bench.quoted import QUOTED
from masquerade.apps.bench.scenario import Scenario, all_scenarios, find_scenario
from masquerade.apps.execution_arguments import execution_from, execution_words
from masquerade.apps.table import table

if TYPE_CHECKING:
    from masquerade.apps.console import Console

__all__ = ["installed_scenarios", "run"]

_HEADER = (
    "scenario",
    "runs as",
    "fps",
    "live fps",
    "p50 ms",
    "p95 ms",
    "RSS MB",
    "VRAM MB",
    "slowest step",
)


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure every scenario, or those that were asked for; each in a process of its own, so that
    its memory is its own and one that fails costs no other. Where all fail, the exit code is that
    of the first.
    """
    scenarios = installed_scenarios()
    if args.scenario:
        scenarios = [item for name in args.scenario for item in find_scenario(name, scenarios)]
    if args.list:
        for item in scenarios:
            console.say(item.name)
        return {"scenarios": [item.name for item in scenarios]}
    if args.here:
        return _measure_here(scenarios[0], args)
    from masquerade.engine.asked_providers import check_providers

    execution = execution_from(args)
    check_providers(execution)  # else each of them would say so
    if busy := busy_notice():
        console.note(busy)
    rows = []
    for number, item in enumerate(scenarios, 1):
        console.note(f"[{number}/{len(scenarios)}] {item.name}")
        row = measure_apart(item, args.seconds, execution_words(execution))
        rows.append(row)
        for sentence in [row["error"]] if "error" in row else row["notices"]:
            console.note(f"    {sentence}")
        if args.json:
            print(json.dumps(row, ensure_ascii=False), flush=True)
    console.say(table(_HEADER, [_cells(row) for row in rows]))
    console.say("\nQuoted from the article on Deep-Live-Cam, not measured here:")
    console.say(table(("device", "fps", "memory MB"), QUOTED))
    all_failed = all("error" in row for row in rows)
    return {
        "measured": rows,
        "quoted": [list(row) for row in QUOTED],
        "exit_code": rows[0].get("exit_code", 1) if all_failed else 0,
    }


def installed_scenarios() -> list[Scenario]:
    """Those that the installed models allow."""
    from masquerade.models.library import Library

    specs = [item.spec for item in Library().installed()]
    by_role = {
        role: [spec.name for spec in specs if spec.role == role]
        for role in ("swapper", "enhancer", "detector")
    }
    return all_scenarios(by_role["swapper"], by_role["enhancer"], by_role["detector"])


def _measure_here(scenario: Scenario, args: argparse.Namespace) -> dict[str, Any]:
    from masquerade.apps.bench.measure import measure

    return measure(scenario, execution_from(args), args.seconds).as_dict()


def _cells(row: dict[str, Any]) -> Sequence[str]:
    if "error" in row:
        return (row["scenario"], "failed", *[""] * (len(_HEADER) - 2))
    slowest = max(row["stages_ms"], key=row["stages_ms"].get)
    vram = row["vram_mb"]
    return (
        row["scenario"],
        _runs_as(row["networks"]),
        f"{row['fps']:.1f}",
        f"{row['live_fps']:.1f}",
        f"{row['p50_ms']:.0f}",
        f"{row['p95_ms']:.0f}",
        f"{row['rss_mb']:.0f}",
        "-" if vram is None else f"{vram:.0f}",
        f"{slowest} {row['stages_ms'][slowest]:.1f} ms",
    )


def _runs_as(networks: Sequence[str]) -> str:
    """How the brought networks run, each way once.

    >>> _runs_as(["inswapper_128 (int8, cpu)", "gfpgan_1.4 (fp32, openvino)"])
    'int8 cpu, fp32 openvino'
    """
    ways = [name.partition(" (")[2].rstrip(")").replace(",", "") for name in networks]
    return ", ".join(dict.fromkeys(ways)) or "built in"
