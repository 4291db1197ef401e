"""``masquerade tune``: find what suits this machine best and make it the default."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from masquerade.apps.bench.apart import measure_apart
from masquerade.apps.bench.trials import (
    Trial,
    best_preset,
    best_row,
    model_trials,
    preset_trials,
    thread_trials,
)
from masquerade.apps.profile import Profile, profile_path, write_profile
from masquerade.apps.table import table
from masquerade.core.errors import MasqueradeError
from masquerade.pipeline.presets import PRESETS

if TYPE_CHECKING:
    from masquerade.apps.console import Console

__all__ = ["run"]

_HEADER = ("tried", "scenario", "fps", "live fps", "p95 ms", "dropped")


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure what there is to choose, say what won and keep it."""
    if args.reset:
        profile_path().unlink(missing_ok=True)
        console.say("The profile is forgotten; the program's own defaults hold again.")
        return {"profile": {}}
    tuning = _Tuning(args, console)
    profile = tuning.find()
    console.say(table(_HEADER, [_cells(row) for row in tuning.rows]))
    for note in profile.notes:
        console.say(note)
    if args.dry_run:
        console.say("Nothing was written, as --dry-run asks.")
    else:
        console.say(f"Written to {write_profile(profile)}; any option overrides it.")
    return {"profile": profile.defaults(), "measured": tuning.rows}


class _Tuning:
    """The trials of one run.

    Attributes:
        rows: figures of every trial so far.
    """

    def __init__(self, args: argparse.Namespace, console: Console) -> None:
        self._seconds, self._json, self._console = args.seconds, args.json, console
        self.rows: list[dict[str, Any]] = []

    def find(self) -> Profile:
        """Threads, preset and, where a swapper was brought, its provider and precision."""
        rows = self._try(thread_trials(_cores()))
        best = best_row(rows)
        if best is None:
            raise MasqueradeError(f"Nothing could be measured ({rows[0]['error']}).")
        threads = int(best["chosen"]["threads"])
        notes = [f"{threads} threads: {best['fps']:.1f} fps of a 720p film."]
        presets = {row["chosen"]["preset"]: row for row in self._try(preset_trials(threads))}
        preset = best_preset(presets, {name: item.p95_ms for name, item in PRESETS.items()})
        figures = presets[preset]
        notes.append(f"Preset {preset}: p95 {figures.get('p95_ms', 0):.0f} ms of a 720p camera.")
        model = self._best_model(notes)
        return Profile(threads=threads, preset=preset, **model, notes=tuple(notes))

    def _best_model(self, notes: list[str]) -> dict[str, str]:
        from masquerade.apps.doctor.providers import executions
        from masquerade.models.library import Library

        library = Library()
        swappers = [item.spec.name for item in library.installed() if item.spec.role == "swapper"]
        if not swappers:
            return {}
        name = swappers[0]
        best = best_row(self._try(model_trials(name, executions(), [*library.variants(name)])))
        if best is None:
            notes.append(f"{name} could not be run; see the table.")
            return {}
        chosen = dict(best["chosen"])
        notes.append(
            f"{name} on {chosen['provider']} in {chosen['precision']}: {best['fps']:.2f} fps."
        )
        return chosen

    def _try(self, trials: list[Trial]) -> list[dict[str, Any]]:
        rows = []
        for trial in trials:
            self._console.note(f"trying {trial.name} ({trial.scenario.name})")
            row = measure_apart(trial.scenario, self._seconds, trial.words)
            row["chosen"] = dict(trial.chosen)
            if "error" in row:
                self._console.note(f"    {row['error']}")
            if self._json:
                print(json.dumps(row, ensure_ascii=False), flush=True)
            rows.append(row)
        self.rows += rows
        return rows


def _cores() -> int:
    from masquerade.apps.doctor.hardware import read_machine

    return read_machine().cores


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    tried = ", ".join(f"{key} {value}" for key, value in row["chosen"].items())
    if "error" in row:
        return (tried, row["scenario"], "failed", "", "", "")
    return (
        tried,
        row["scenario"],
        f"{row['fps']:.1f}",
        f"{row['live_fps']:.1f}",
        f"{row['p95_ms']:.0f}",
        f"{row['dropped']:.1%}",
    )
