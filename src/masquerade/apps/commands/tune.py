"""``masquerade tune``: find what suits this machine best and make it the default."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from masquerade.apps.bench.apart import measure_apart
from masquerade.apps.bench.busy import busy_notice
from masquerade.apps.bench.scenario import Scenario
from masquerade.apps.bench.trials import (
    Trial,
    best_preset,
    best_row,
    model_trials,
    preset_trials,
    thread_trials,
)
from masquerade.apps.profile import NAMED_PROFILES, Profile, profile_path, write_profile
from masquerade.apps.table import table
from masquerade.core.errors import MasqueradeError
from masquerade.pipeline.presets import PRESETS
from masquerade.runtime.measured_choice import forget_times

if TYPE_CHECKING:
    from collections.abc import Iterable

    from masquerade.apps.console import Console
    from masquerade.models.library import Installed, Library

__all__ = ["run"]

_HEADER = ("tried", "scenario", "fps", "live fps", "p95 ms", "dropped")


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure what there is to choose, say what won and keep it."""
    if args.reset:
        profile_path().unlink(missing_ok=True)
        console.say("The profile is forgotten; the program's own defaults hold again.")
        return {"profile": {}}
    if busy := busy_notice():
        console.note(busy)
    tuning = _Tuning(args, console)
    named = NAMED_PROFILES.get(args.profile)
    profile = tuning.find() if named is None else tuning.threads_of(named)
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

    def threads_of(self, named: Profile) -> Profile:
        """A named profile with the threads that are best here."""
        threads, note = self._best_threads()
        return replace(named, threads=threads, notes=(*named.notes, note))

    def find(self) -> Profile:
        """Threads, preset and, where a network that draws was brought, its provider and
        precision.
        """
        threads, note = self._best_threads()
        notes = [note]
        preset = self._best_preset(threads, notes)
        model = self._best_model(notes)
        return Profile(threads=threads, preset=preset, **model, notes=tuple(notes))

    def _best_threads(self) -> tuple[int, str]:
        rows = self._try(thread_trials(_cores()))
        best = best_row(rows)
        if best is None:
            raise MasqueradeError(f"Nothing could be measured ({rows[0]['error']}).")
        threads = int(best["chosen"]["threads"])
        noun = "thread" if threads == 1 else "threads"
        return threads, f"{threads} {noun}: {best['fps']:.1f} fps of a 720p film."

    def _best_preset(self, threads: int, notes: list[str]) -> str | None:
        rows = {row["chosen"]["preset"]: row for row in self._try(preset_trials(threads))}
        preset = best_preset(rows, {name: item.p95_ms for name, item in PRESETS.items()})
        if preset is None:
            notes.append("No preset could be measured; see the table.")
        else:
            notes.append(f"Preset {preset}: p95 {rows[preset]['p95_ms']:.0f} ms of a 720p camera.")
        return preset

    def _best_model(self, notes: list[str]) -> dict[str, str]:
        """Provider and precision of the largest network that draws, which the others go along
        with.
        """
        from masquerade.apps.doctor.providers import executions
        from masquerade.models.library import Library

        library = Library()
        largest = _largest_that_draws(library.installed())
        if largest is None:
            return {}
        self._forget(library)
        name, swaps = largest.name, largest.spec.role == "swapper"
        scenario = Scenario(
            name if swaps else "mesh", () if swaps else (name,), size="480p", refresh="every"
        )
        trials = model_trials(scenario, executions(), [*library.variants(name)])
        best = best_row(self._try(trials))
        if best is None:
            notes.append(f"{name} could not be run; see the table.")
            return {}
        chosen = dict(best["chosen"])
        notes.append(
            f"{name} on {chosen['provider']} in {chosen['precision']}: {best['fps']:.2f} fps."
        )
        if chosen["precision"] == "int8":
            notes.append("int8 changes the picture a little; `--precision auto` is exact.")
        return chosen

    def _forget(self, library: Library) -> None:
        """Have every way of running every installed network timed anew: the machine may have been
        busy when it was, or a library is newer.
        """
        files = [file for item in library.installed() for file in item.files]
        forgotten = [forget_times(file.sha256) for file in files]
        if any(forgotten):
            self._console.note("Times of earlier loads are forgotten; networks are measured anew.")

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


def _largest_that_draws(installed: Iterable[Installed]) -> Installed | None:
    """The largest swapper; without any, the largest enhancer."""
    drawing = [item for item in installed if item.spec.role in ("swapper", "enhancer")]
    return max(
        drawing, key=lambda item: (item.spec.role == "swapper", item.main.size_bytes), default=None
    )


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
