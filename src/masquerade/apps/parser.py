"""The command line as data: commands, options, help. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from masquerade._version import __version__
from masquerade.apps.bench.options import add_bench, add_tune
from masquerade.apps.farm_arguments import add_farm
from masquerade.apps.limit_arguments import add_limits
from masquerade.apps.models_arguments import add_models
from masquerade.apps.network_arguments import add_execution
from masquerade.apps.parsing import Help, Parser
from masquerade.apps.studio_arguments import add_studio
from masquerade.apps.swap_arguments import add_search, add_source_face, build_live, build_swap
from masquerade.apps.trust_arguments import (
    add_audit,
    add_consent,
    add_inspect,
    add_lock,
    add_rerun,
    add_signing,
)

__all__ = ["COMMANDS", "build_parser"]

COMMANDS = {
    "swap": "put the face of a photo into a picture, a video or many files",
    "live": "swap the faces of a camera, a stream or a screen while it runs",
    "farm": "long videos and many: queued, cut up, resumable, on many machines",
    "studio": "the studio in a browser: live, files, library; here or remote",
    "demo": "swap a bundled face and show the result; needs no input",
    "faces": "show the faces of a file: boxes, ids, age, gender, quality",
    "identity": "keep a donor's face in one file, made from one photo or more",
    "inspect": "say what a file tells of its origin, and whether it is true",
    "rerun": "do the job of a run report again",
    "consent": "list what was said of donors, or revoke it",
    "lock": "lock a face, so that nobody here swaps with it or on it",
    "audit": "show the log of what was done here, or check that it is whole",
    "signing": "show who signs outputs, or sign with a certificate of yours",
    "cameras": "list the cameras, microphones and screens of this machine",
    "encoders": "list the video encoders that work on this machine",
    "models": "list, fetch, bring, check and remove networks; their licences",
    "doctor": "check the machine, the installation and what networks do on it",
    "bench": "measure frames per second, latency and memory on this machine",
    "tune": "find what suits this machine best and make it the default",
    "completion": "print the completion script of bash, zsh or fish",
}

_TOGETHER = {
    ("rerun", "consent", "lock", "audit", "signing"): "whose word, whose face, what was done",
    ("cameras", "encoders"): "list the devices and the video encoders here",
    ("doctor", "bench", "tune"): "check, measure and tune this machine",
}
"""Commands that share a line of the help, so that it fits a screen."""

_DESCRIPTION = """\
One photo in, a swapped picture or video out: offline and labelled.

commands:
{commands}"""

_EPILOG = """\
examples:
  masquerade demo
  masquerade swap -s me.jpg -t film.mp4 -o swapped.mp4

Every command has --help, --json, --quiet and --debug. See also: --version"""


def build_parser() -> Parser:
    """The parser of the ``masquerade`` command."""
    parser = Parser(
        prog="masquerade",
        usage="masquerade COMMAND [options]",
        description=_DESCRIPTION.format(
            commands="\n".join(f"  {name:<11} {text}" for name, text in _shown_commands())
        ),
        epilog=_EPILOG,
    )
    # Told in the epilog, so that the help fits a screen.
    parser.add_argument("-h", "--help", action=Help, nargs=0, help=argparse.SUPPRESS)
    version = f"masquerade {__version__}"
    parser.add_argument("--version", action="version", version=version, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(
        dest="command",
        metavar="COMMAND",
        help=argparse.SUPPRESS,
        required=True,
        parser_class=Parser,
        prog="masquerade",
    )
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, description=text[:1].upper() + text[1:] + ".")
        _BUILD[name](command)
        _add_common(command)
    return parser


def _shown_commands() -> Iterator[tuple[str, str]]:
    """What the help says: the name of a command, or the names of several, and what it does."""
    groups = {name: names for names in _TOGETHER for name in names}
    for name, text in COMMANDS.items():
        names = groups.get(name)
        if names is None:
            yield name, text
        elif name == names[0]:
            yield f"{', '.join(names)}:", _TOGETHER[names]


def _add_help(group: argparse._ActionsContainer) -> None:
    group.add_argument("-h", "--help", action=Help, nargs=0, help="show this and stop")


def _add_common(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("on every command")
    _add_help(group)
    group.add_argument("--json", action="store_true", help="end with one line of JSON on stdout")
    group.add_argument("-q", "--quiet", action="store_true", help="print results and errors alone")
    group.add_argument("--debug", action="store_true", help="show the traceback of an error")


def _build_demo(parser: Parser) -> None:
    parser.add_argument("-o", "--output", metavar="FOLDER", help="where to (masquerade-demo)")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier demo")


def _build_faces(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="picture, animation or video")
    parser.add_argument(
        "-o", "--output", metavar="PICTURE", help="draw the faces into this picture"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a picture that exists")
    add_search(parser, moving=True)
    add_execution(parser, takes_files=True)


def _build_identity(parser: Parser) -> None:
    actions = parser.add_subparsers(
        dest="action", metavar="ACTION", title="actions", required=True, parser_class=Parser
    )
    make = actions.add_parser("make", help="make an identity from photos of one person")
    make.add_argument("photos", nargs="+", metavar="PHOTO", help="photos of the same person")
    make.add_argument("-o", "--output", required=True, metavar="FILE", help="where to")
    make.add_argument("--name", help="what to call the person (the file's name)")
    add_source_face(make)
    make.add_argument("--overwrite", action="store_true", help="replace a file that exists")
    add_limits(make.add_argument_group("limits"), moving=False)
    _add_common(make)
    show = actions.add_parser("show", help="say what an identity holds")
    show.add_argument("file", metavar="FILE", help="a saved identity")
    _add_common(show)


def _build_completion(parser: Parser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=["bash", "zsh", "fish"])


def _build_doctor(parser: Parser) -> None:
    parser.add_argument(
        "--models", action="store_true", help="run every installed model on every provider too"
    )


def _build_bench(parser: Parser) -> None:
    add_bench(parser)
    add_execution(parser, profiled=False)


def _build_plain(_parser: Parser) -> None:
    """A command without options of its own."""


_BUILD = {
    "swap": build_swap,
    "live": build_live,
    "farm": lambda parser: add_farm(parser, _add_common),
    "studio": add_studio,
    "demo": _build_demo,
    "faces": _build_faces,
    "identity": _build_identity,
    "inspect": add_inspect,
    "rerun": add_rerun,
    "consent": lambda parser: add_consent(parser, _add_common),
    "lock": lambda parser: add_lock(parser, _add_common),
    "audit": lambda parser: add_audit(parser, _add_common),
    "signing": lambda parser: add_signing(parser, _add_common),
    "cameras": _build_plain,
    "encoders": _build_plain,
    "models": lambda parser: add_models(parser, _add_common),
    "doctor": _build_doctor,
    "bench": _build_bench,
    "tune": add_tune,
    "completion": _build_completion,
}
