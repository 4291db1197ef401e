"""``masquerade farm cancel``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from masquerade.apps.farm.own_store import change_jobs, open_store

if TYPE_CHECKING:
    from masquerade.apps.console import Console

__all__ = ["run"]


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Stop jobs; what is finished of them stays for a retry."""
    with open_store() as store:
        jobs = change_jobs(
            store,
            args.jobs,
            ("waiting", "running"),
            lambda job: store.cancel(job.id),
            everything=args.all,
        )
    for job in jobs:
        console.say(f"{job.id[:8]}  {job.spec.name}: cancelled")
    if not jobs:
        console.say("No job of the farm waits or runs.")
    return {"jobs": [job.id for job in jobs]}
