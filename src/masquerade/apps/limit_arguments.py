"""The options that say how large an input may be. Imports nothing heavy."""

from __future__ import annotations

import argparse

from masquerade.apps.arguments import number, seconds
from masquerade.media.limits import MediaLimits

__all__ = ["add_limits", "limits_from"]

_USUAL = MediaLimits()


def add_limits(group: argparse._ArgumentGroup, *, moving: bool) -> None:
    """Add ``--max-pixels`` and, for commands that take files of moving pictures, the others.

    Args:
        group: where they are told.
        moving: whether animations and videos are taken, which may be long.
    """
    group.add_argument(
        "--max-pixels",
        type=number(1, 10**12, int),
        metavar="N",
        default=_USUAL.max_pixels,
        help=f"refuse pictures with more pixels than this ({_USUAL.max_pixels})",
    )
    if not moving:
        return
    group.add_argument(
        "--max-animation-pixels",
        type=number(1, 10**13, int),
        metavar="N",
        default=_USUAL.max_animation_pixels,
        help="refuse animations with more pixels than this in all their frames "
        f"({_USUAL.max_animation_pixels})",
    )
    group.add_argument(
        "--max-seconds",
        type=seconds,
        metavar="TIME",
        default=_USUAL.max_seconds,
        help=f"refuse videos that are longer ({_USUAL.max_seconds / 3600:g}:00:00)",
    )
    group.add_argument(
        "--max-frames",
        type=number(1, 10**12, int),
        metavar="N",
        default=_USUAL.max_frames,
        help=f"refuse videos with more frames ({_USUAL.max_frames})",
    )


def limits_from(args: argparse.Namespace) -> MediaLimits:
    """What the command line allows; where a command has no option, the usual limit."""
    names = MediaLimits.__dataclass_fields__
    return MediaLimits(**{name: getattr(args, name) for name in names if hasattr(args, name)})
