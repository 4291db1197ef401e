"""``masquerade farm run``."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.apps.commands.swap import SOME_FAILED
from masquerade.apps.farm.driver import Driver
from masquerade.apps.farm.job_file import read_job_file
from masquerade.apps.farm.local import LocalExecutor
from masquerade.apps.farm.node_facts import NodeFacts
from masquerade.apps.farm.own_store import job_facts, open_store
from masquerade.apps.farm.share import share_machine
from masquerade.apps.farm.submitting import checked
from masquerade.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from masquerade.apps.console import Console, ProgressLine
    from masquerade.apps.farm.executor import Executor
    from masquerade.apps.jobs.job import JobSpec
    from masquerade.apps.jobs.store import JobStore

__all__ = ["run"]


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Do the jobs that wait, or those of a file that is submitted first."""
    if args.ray is not None and args.workers is not None:
        raise SettingsError("--workers is for this machine alone; a cluster has its own count.")
    if args.file and args.wait:
        raise SettingsError("--wait is for all jobs; leave the file out, or submit it first.")
    with open_store() as store, contextlib.ExitStack() as stack:
        store.rescue()
        new = checked(read_job_file(Path(args.file)), console, args.overwrite) if args.file else []
        specs = [spec for spec, _priority in new] if args.file else _waiting(store)
        if not specs and not args.wait:
            console.say("No job of the farm waits; submit some: masquerade farm submit FILE.toml")
            return {"jobs": []}
        executor = _executor(stack, specs, args, console)
        # Only now, so that there is no job where nobody can do it.
        only = {job.id for job in store.add_farm(new)} if args.file else None
        line = stack.enter_context(console.progress("farm"))
        driver = Driver(store, executor, only=only, say=console.note, show=_progress(line))
        with driver:
            outcome = driver.run(wait=args.wait)
        jobs = [*outcome.done, *outcome.failed, *outcome.cancelled]
        facts = [job_facts(store.get(job.id)) for job in jobs]
    lacking = [fact for fact in facts if (fact["report"] or {}).get("not_written")]
    for fact in lacking:
        console.say(
            f"{fact['report']['not_written']} of {fact['report']['pictures']} pictures of "
            f"{fact['target']} were not written; see: masquerade farm logs {fact['id'][:8]}"
        )
    console.say(f"{len(outcome.done)} of {len(jobs)} jobs done.")
    return {"jobs": facts, "exit_code": SOME_FAILED if outcome.failed or lacking else 0}


def _waiting(store: JobStore) -> list[JobSpec]:
    jobs = store.newest(2**31, lane="farm")
    return [job.spec for job in jobs if job.state == "waiting"]


def _executor(
    stack: contextlib.ExitStack,
    specs: Sequence[JobSpec],
    args: argparse.Namespace,
    console: Console,
) -> Executor:
    if args.ray is not None:
        return _cluster(stack, specs, args, console)
    share = share_machine(specs, args.workers)
    console.note(f"{share.workers} workers on this machine.")
    return stack.enter_context(LocalExecutor(share))


def _cluster(
    stack: contextlib.ExitStack,
    specs: Sequence[JobSpec],
    args: argparse.Namespace,
    console: Console,
) -> Executor:
    """The nodes of a Ray cluster, looked at before anything is begun on them."""
    from masquerade.apps.farm.ray_check import check_nodes
    from masquerade.apps.farm.ray_cluster import RayExecutor
    from masquerade.apps.farm.ray_session import RaySession

    if not args.ray:
        console.note("Starting a Ray cluster on this machine; that takes a few seconds.")
    session = stack.enter_context(RaySession(args.ray))
    models = NodeFacts.needed_by(specs)
    folders = dict.fromkeys(spec.output.parent for spec in specs)
    facts = NodeFacts.here(models)
    shared = check_nodes(session, facts, models, folders, args.files)
    way = "a shared folder" if shared else "Ray's object store"
    console.note(f"{len(session.nodes())} nodes, all alike; they get files by {way}.")
    home = stack.enter_context(LocalExecutor(share_machine(specs, 1)))
    return stack.enter_context(RayExecutor(session, home, shared=shared))


def _progress(line: ProgressLine) -> Any:
    def show(done: int, total: int, fps: float) -> None:
        share = done / total if total else 0.0
        words = f"{done} of about {total} frames  {fps:.0f} fps"
        line.show(lambda: f"farm  {line.bar(share)}{words}")

    return show
