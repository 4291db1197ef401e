"""The options of ``masquerade farm``. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from masquerade.apps.arguments import number
from masquerade.apps.parsing import Parser

__all__ = ["FILE_WAYS", "add_farm"]

FILE_WAYS = ("auto", "shared", "store")
_AddCommon = Callable[[argparse.ArgumentParser], None]


def add_farm(parser: Parser, add_common: _AddCommon) -> None:
    """Add the actions of ``masquerade farm``.

    Args:
        parser: of the command.
        add_common: adds what every command has.
    """
    actions = parser.add_subparsers(
        dest="action", metavar="ACTION", title="actions", required=True, parser_class=Parser
    )
    submit = actions.add_parser(
        "submit", help="put the jobs of a file (docs/farm.md) into the queue"
    )
    submit.add_argument("file", metavar="TOML", help="targets, donors, settings, output pattern")
    submit.add_argument("--overwrite", action="store_true", help="replace outputs that exist")
    submit.add_argument(
        "--dry-run", action="store_true", help="check, and estimate time and space; submit nothing"
    )
    run = actions.add_parser("run", help="do the jobs that wait, or go on with them")
    run.add_argument("file", nargs="?", metavar="TOML", help="submit this first, and do it alone")
    run.add_argument("--overwrite", action="store_true", help="replace outputs that exist")
    run.add_argument(
        "--wait", action="store_true", help="do not end with the last job; wait for further ones"
    )
    _add_workers(run)
    status = actions.add_parser("status", help="show the jobs and how far they are")
    status.add_argument("job", nargs="?", metavar="JOB", help="one job, in detail")
    status.add_argument(
        "--limit", type=number(1, 100_000, int), default=100, metavar="N", help="jobs shown (100)"
    )
    cancel = actions.add_parser("cancel", help="stop jobs; what is finished of them stays")
    _add_jobs(cancel)
    retry = actions.add_parser("retry", help="let jobs that failed or were cancelled wait again")
    _add_jobs(retry)
    retry.add_argument(
        "--fresh", action="store_true", help="from the start, without what is finished of them"
    )
    logs = actions.add_parser("logs", help="show what happened to a job, and where")
    logs.add_argument("job", metavar="JOB", help="id of the job, or its beginning")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until the job has ended")
    for action in (submit, run, status, cancel, retry, logs):
        add_common(action)


def _add_jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("jobs", nargs="*", metavar="JOB", help="ids, or their beginnings")
    parser.add_argument("--all", action="store_true", help="all of the farm that it applies to")


def _add_workers(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("who works")
    group.add_argument(
        "--workers",
        type=number(1, 4096, int),
        metavar="N",
        help="processes of this machine (as many as its cores, devices and memory hold)",
    )
    group.add_argument(
        "--ray",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="a Ray cluster, such as 10.0.0.5:6379; without an address one that is started here",
    )
    group.add_argument(
        "--files",
        choices=FILE_WAYS,
        default="auto",
        help="how a cluster's machines get files: by a shared folder or through Ray's object "
        "store (auto finds out)",
    )
