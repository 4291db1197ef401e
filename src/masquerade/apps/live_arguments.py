"""The options of ``masquerade live``."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from masquerade.apps.arguments import add_settings, number, seconds

if TYPE_CHECKING:
    from masquerade.apps.parsing import Parser

__all__ = ["LIVE_ESSENTIALS", "add_live"]

LIVE_ESSENTIALS = (
    "--source",
    "--camera",
    "--sink",
    "--duration",
    "--preset",
    "--model",
    "--enhancer",
    "--consent",
    "--strict",
)


def add_live(parser: Parser) -> None:
    """Add what is of the stream; who is swapped and how it looks is shared with ``swap``."""
    _add_input(parser.add_argument_group("what is seen and heard"))
    _add_output(parser.add_argument_group("where it goes"))
    guard = parser.add_argument_group("what is never shown")
    add_settings(guard, ["on_lost", "hold_s", "strict"])
    pace = parser.add_argument_group("speed")
    pace.add_argument(
        "--preset",
        choices=["fast", "balanced", "quality"],
        help="what may be given up to keep up (balanced)",
    )
    pace.add_argument("--duration", type=seconds, metavar="TIME", help="stop after this (90, 1:30)")
    watch = parser.add_argument_group("watching it")
    watch.add_argument(
        "--alarm-fps",
        type=number(0, 1000),
        default=25.0,
        metavar="RATE",
        help="say so when the rate stays below this (25)",
    )
    watch.add_argument(
        "--metrics", metavar="HOST:PORT", help="offer figures for Prometheus at this address"
    )
    watch.add_argument(
        "--log", metavar="FILE", help="write what happens as lines of JSON; - is stderr"
    )


def _add_input(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-c",
        "--camera",
        metavar="WHICH",
        default="0",
        help="index, name, device, file, address, `screen` or `puppet` (0, the first camera)",
    )
    group.add_argument(
        "--microphone", metavar="NAME", help="record this microphone; `default` is the system's"
    )
    group.add_argument("--no-audio", action="store_true", help="no sound at all")
    group.add_argument("--mirror", action="store_true", help="swap left and right")
    group.add_argument(
        "--rotate", type=int, choices=[0, 90, 180, 270], default=0, help="turn clockwise"
    )
    group.add_argument("--crop", type=_crop, metavar="X,Y,W,H", help="this part of it, in pixels")
    group.add_argument("--size", type=_size, metavar="WxH", help="ask for, or scale to, this size")
    group.add_argument("--rate", type=number(1, 240), metavar="FPS", help="ask for this rate")
    group.add_argument("--loop", action="store_true", help="begin a file again at its end")


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--sink",
        action="append",
        metavar="WHERE",
        help="`window`, `virtual-camera`, `null`, a file, an address; may be repeated (window)",
    )
    group.add_argument("--overwrite", action="store_true", help="replace files that exist")
    group.add_argument("--video-encoder", metavar="NAME", help="see `masquerade encoders`")
    group.add_argument(
        "--video-quality", type=number(0, 100, int), metavar="0..100", help="more is better"
    )
    group.add_argument("--video-preset", metavar="NAME", help="the encoder's speed preset")
    group.add_argument(
        "--bitrate", type=_bitrate, metavar="RATE", help="of a stream's picture (2500k, 4M)"
    )


def _size(text: str) -> tuple[int, int]:
    """Width and height from ``1280x720``.

    >>> _size("1280x720")
    (1280, 720)
    """
    match = re.fullmatch(r"(\d{2,5})[x*](\d{2,5})", text.lower())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; write 1280x720")
    return int(match[1]), int(match[2])


def _crop(text: str) -> tuple[int, int, int, int]:
    """Left, top, width and height from ``100,50,640,480``.

    >>> _crop("100,50,640,480")
    (100, 50, 640, 480)
    """
    match = re.fullmatch(r"(\d+),(\d+),(\d+),(\d+)", text.replace(" ", ""))
    if match is None or not int(match[3]) or not int(match[4]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a part; write X,Y,WIDTH,HEIGHT")
    return int(match[1]), int(match[2]), int(match[3]), int(match[4])


def _bitrate(text: str) -> int:
    """Bits a second from ``2500k`` or ``4M``.

    >>> _bitrate("2500k"), _bitrate("4M")
    (2500000, 4000000)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmM]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a bit rate; write 2500k or 4M")
    return round(float(match[1]) * {"": 1, "k": 1000, "m": 1_000_000}[match[2].lower()])
