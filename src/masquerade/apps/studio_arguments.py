"""The options of ``masquerade studio``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from masquerade.apps.arguments import number

if TYPE_CHECKING:
    from masquerade.apps.parsing import Parser

__all__ = ["add_studio"]


def add_studio(parser: Parser) -> None:
    """Add where it listens, who may use it and how much."""
    group = parser.add_argument_group("where")
    group.add_argument("--host", metavar="NAME", default="127.0.0.1", help="interface (127.0.0.1)")
    group.add_argument(
        "--port", type=number(0, 65535, int), metavar="N", default=8790, help="port (8790)"
    )
