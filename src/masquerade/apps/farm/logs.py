"""``masquerade farm logs``."""

from __future__ import annotations

import argparse
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from masquerade.apps.farm.journal import Journal, LogLine
from masquerade.apps.farm.own_store import find_job, open_store
from masquerade.apps.jobs.job import ENDED

if TYPE_CHECKING:
    from masquerade.apps.console import Console

__all__ = ["run"]

_LOOK_S = 0.5


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Show what happened to a job, and on which machine."""
    with open_store() as store:
        job, journal = find_job(store, args.job), Journal(store)
        lines: list[LogLine] = []
        while True:
            ended = store.get(job.id).state in ENDED
            new = journal.lines(job.id, after=lines[-1].number if lines else 0)
            for line in new:
                moment = datetime.fromtimestamp(line.at_s).isoformat(sep=" ", timespec="seconds")
                console.say(f"{moment}  {line.node}  {line.text}")
            lines += new
            if ended or not args.follow:
                break
            time.sleep(_LOOK_S)
    if not lines:
        console.say("Nothing has happened to this job yet.")
    plain = [{"at": line.at_s, "node": line.node, "text": line.text} for line in lines]
    return {"job": job.id, "lines": plain}
