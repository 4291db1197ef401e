"""The options of the commands about trust. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from masquerade.apps.arguments import number
from masquerade.apps.limit_arguments import add_limits
from masquerade.apps.parsing import Parser

__all__ = [
    "add_audit",
    "add_consent",
    "add_guardian",
    "add_inspect",
    "add_lock",
    "add_report",
    "add_rerun",
    "add_signing",
]

_AddCommon = Callable[[argparse.ArgumentParser], None]


def add_inspect(parser: Parser) -> None:
    """Add what ``masquerade inspect`` takes."""
    parser.usage = "masquerade inspect FILE [options]"
    parser.epilog = (
        "exit codes: 0 intact and signed by somebody known here; 20 intact, the signer is "
        "unknown here; 21 no credentials; 22 altered or damaged; 23 the certificate has ended"
    )
    parser.add_argument("file", metavar="FILE", help="picture or video, ours or not")


def add_rerun(parser: Parser) -> None:
    """Add what ``masquerade rerun`` takes."""
    parser.usage = "masquerade rerun REPORT -o OUTPUT [options]"
    parser.add_argument(
        "report", metavar="REPORT", help="a run report, or an output whose credentials hold one"
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="where to")
    parser.add_argument("--overwrite", action="store_true", help="replace an output that exists")
    files = parser.add_argument_group("files, where the report does not say where they are")
    files.add_argument("-t", "--target", metavar="FILE", help="the picture or video")
    files.add_argument(
        "-s", "--source", action="append", metavar="PHOTO", help="the donor; may be repeated"
    )
    parser.add_argument(
        "--label",
        choices=["none"],
        help="leave the label out as the report asks; a report alone cannot",
    )
    parser.add_argument(
        "--no-watermark",
        action="store_true",
        help="leave the invisible mark out as the report asks; a report alone cannot",
    )
    parser.add_argument(
        "--consent",
        choices=["self", "given", "public-domain", "synthetic"],
        help="whose face the donor's is; asked once per identity",
    )
    add_guardian(parser)
    add_limits(parser.add_argument_group("limits, which no report can change"), moving=True)


def add_guardian(group: argparse._ActionsContainer) -> None:
    """Add ``--guardian`` to a command that swaps."""
    group.add_argument(
        "--guardian",
        choices=["agreed", "adult"],
        help="of whoever looks under 18: a parent or guardian has agreed, or it is an adult",
    )


def add_consent(parser: Parser, add_common: _AddCommon) -> None:
    """Add the actions of ``masquerade consent``; see :func:`add_signing`."""
    actions = _actions(parser)
    add_common(actions.add_parser("list", help="say what was stated of which donor, and when"))
    revoke = actions.add_parser("revoke", help="forget it: the donor is not used any more")
    revoke.add_argument(
        "donor",
        metavar="DONOR",
        help="name, or at least four digits of the number that `list` shows",
    )
    add_common(revoke)


def add_lock(parser: Parser, add_common: _AddCommon) -> None:
    """Add the actions of ``masquerade lock``; see :func:`add_signing`."""
    actions = _actions(parser)
    add = actions.add_parser("add", help="lock the face that a photo shows")
    add.add_argument(
        "photo", nargs="+", metavar="PHOTO", help="photos of one person; more is safer"
    )
    add.add_argument("--name", help="what to call the person (the file's name)")
    add_common(add)
    add_common(actions.add_parser("list", help="list the locked faces"))
    remove = actions.add_parser("remove", help="unlock a face")
    remove.add_argument("id", metavar="ID", help="id or name, as `list` shows them")
    add_common(remove)


def add_audit(parser: Parser, add_common: _AddCommon) -> None:
    """Add the actions of ``masquerade audit``; see :func:`add_signing`."""
    parser.epilog = "exit codes of verify: 0 the log is whole; 22 it was changed"
    actions = _actions(parser)
    add_common(actions.add_parser("verify", help="find out whether the log is as it was written"))
    show = actions.add_parser("show", help="show the newest lines")
    show.add_argument(
        "--last", type=number(1, 1_000_000, int), default=20, metavar="N", help="how many (20)"
    )
    add_common(show)


def _actions(parser: Parser) -> argparse._SubParsersAction[Parser]:
    return parser.add_subparsers(
        dest="action", metavar="ACTION", title="actions", required=True, parser_class=Parser
    )


def add_report(group: argparse._ArgumentGroup) -> None:
    """Add ``--report`` to a command that makes an output."""
    group.add_argument(
        "--report",
        metavar="FILE",
        help="write what `masquerade rerun` needs, paths included; a folder for many targets",
    )


def add_signing(parser: Parser, add_common: _AddCommon) -> None:
    """Add the actions of ``masquerade signing``.

    Args:
        parser: of the command.
        add_common: adds what every command has.
    """
    actions = _actions(parser)
    add_common(actions.add_parser("show", help="say who signs outputs, and until when"))
    bring = actions.add_parser("bring", help="sign with a certificate of yours from now on")
    bring.add_argument("chain", metavar="CHAIN", help="PEM: the leaf, then its authorities")
    bring.add_argument("key", metavar="KEY", help="PEM: the leaf's key (P-256, no password)")
    bring.add_argument(
        "--timestamp",
        metavar="URL",
        help="ask this authority (RFC 3161) for the time of every signature; needs the network",
    )
    add_common(bring)
    add_common(actions.add_parser("own", help="sign with this installation's identity again"))
    add_common(
        actions.add_parser("renew", help="make a new identity, such as after its key was stolen")
    )
