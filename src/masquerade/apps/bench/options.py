"""Options of ``masquerade bench`` and ``masquerade tune``."""

from __future__ import annotations

import argparse

from masquerade.apps.arguments import number
from masquerade.apps.profile import NAMED_PROFILES

__all__ = ["add_bench", "add_tune"]


def add_bench(parser: argparse.ArgumentParser) -> None:
    """What is measured and for how long."""
    group = parser.add_argument_group("what is measured")
    group.add_argument(
        "--scenario",
        action="append",
        metavar="NAME",
        help="only this one, or those whose names begin so; may be repeated",
    )
    group.add_argument("--list", action="store_true", help="list the scenarios and stop")
    _add_seconds(group)
    group.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(threads=None)  # of --threads, which other commands have beside


def add_tune(parser: argparse.ArgumentParser) -> None:
    """For how long, and what becomes of the result."""
    group = parser.add_argument_group("what is measured")
    _add_seconds(group)
    group.add_argument("--dry-run", action="store_true", help="say what is best, write nothing")
    group.add_argument(
        "--profile",
        choices=tuple(NAMED_PROFILES),
        help="make a named profile the default, with the threads that are best here",
    )
    group.add_argument("--reset", action="store_true", help="forget the profile and stop")


def _add_seconds(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--seconds",
        type=number(0.5, 3600),
        default=5.0,
        metavar="S",
        help="seconds of each measurement (5)",
    )
