"""The options of ``masquerade studio``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from masquerade.apps.arguments import number, seconds

if TYPE_CHECKING:
    from masquerade.apps.parsing import Parser

__all__ = ["add_studio"]

_GB = 2**30


def add_studio(parser: Parser) -> None:
    """Add where it listens, who may use it, and how much."""
    parser.usage = "masquerade studio [options]"
    _add_place(parser.add_argument_group("where"))
    _add_access(parser.add_argument_group("who may do what"))
    _add_limits(parser.add_argument_group("how much"))


def _add_place(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--host",
        metavar="NAME",
        default="127.0.0.1",
        help="interface to listen on; 0.0.0.0 is all of them (127.0.0.1)",
    )
    group.add_argument(
        "--port",
        type=number(0, 65535, int),
        metavar="N",
        default=8790,
        help="port; 0 takes a free one (8790)",
    )
    group.add_argument("--open", action="store_true", help="open the page in the browser")
    group.add_argument(
        "--allow-host",
        action="append",
        metavar="NAME",
        help="a further name by which browsers may call this machine; may be repeated",
    )


def _add_access(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--tls-cert", metavar="FILE", help="certificate with its chain, PEM")
    group.add_argument("--tls-key", metavar="FILE", help="its private key, PEM")
    group.add_argument(
        "--tls",
        action="store_true",
        help="encrypt for this machine too, with a certificate that is made here as for others",
    )
    group.add_argument(
        "--insecure",
        action="store_true",
        help="no encryption although others can connect; browsers then give no camera",
    )
    group.add_argument(
        "--allow-host-devices",
        action="store_true",
        help="browsers on other machines may use this one's cameras, microphones and sinks",
    )
    group.add_argument(
        "--allow-stream",
        action="append",
        metavar="PATTERN",
        help="stream addresses that may be opened (rtsp://camera.lan/*); may be repeated",
    )


def _add_limits(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--max-sessions",
        type=number(1, 64, int),
        metavar="N",
        default=4,
        help="live sessions at the same time (4)",
    )
    group.add_argument(
        "--max-upload",
        type=_gigabytes,
        metavar="GB",
        default=4 * _GB,
        help="size of one uploaded file (4)",
    )
    group.add_argument(
        "--keep-uploads",
        type=seconds,
        metavar="TIME",
        default=24 * 3600.0,
        help="delete uploads that nobody used for this long (24:00:00)",
    )
    group.add_argument(
        "--jobs",
        type=number(1, 64, int),
        metavar="N",
        default=1,
        help="files of the queue that are swapped at the same time (1)",
    )
    group.add_argument(
        "--keep-jobs",
        type=seconds,
        metavar="TIME",
        default=7 * 24 * 3600.0,
        help="delete jobs and their files this long after they ended (168:00:00)",
    )


def _gigabytes(text: str) -> int:
    """Bytes from gigabytes.

    >>> _gigabytes("0.5")
    536870912
    """
    size: float = number(0.001, 1024)(text)
    return round(size * _GB)
