"""The command line as data: commands, options, help. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from masquerade._version import __version__
from masquerade.apps.arguments import add_settings, age_range, number, seconds
from masquerade.apps.bench.options import add_bench, add_tune
from masquerade.apps.farm_arguments import add_farm
from masquerade.apps.live_arguments import LIVE_ESSENTIALS, add_live
from masquerade.apps.models_arguments import add_models
from masquerade.apps.network_arguments import (
    add_detector,
    add_execution,
    add_networks,
    add_upscaler,
)
from masquerade.apps.parsing import Help, Parser
from masquerade.apps.studio_arguments import add_studio
from masquerade.apps.trust_arguments import (
    add_audit,
    add_consent,
    add_guardian,
    add_inspect,
    add_lock,
    add_report,
    add_rerun,
    add_signing,
)
from masquerade.media.limits import MediaLimits

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

_SWAP_ESSENTIALS = (
    "--source",
    "--target",
    "--output",
    "--overwrite",
    "--consent",
    "--many-faces",
    "--reference",
    "--map",
    "--model",
    "--enhancer",
    "--label",
)

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


def _build_swap(parser: Parser) -> None:
    parser.essentials = _SWAP_ESSENTIALS
    parser.usage = "masquerade swap -s PHOTO -t TARGET -o OUTPUT [options]"
    files = parser.add_argument_group("files")
    _add_donor(files)
    files.add_argument(
        "-t",
        "--target",
        action="append",
        required=True,
        metavar="FILE",
        help="picture, animation, video, folder or 'pattern*'; may be repeated",
    )
    files.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="where to; a folder for many targets"
    )
    files.add_argument("--overwrite", action="store_true", help="replace an output that exists")
    files.add_argument(
        "--allow-no-face", action="store_true", help="write a target that shows no face unchanged"
    )
    add_report(files)
    _add_consent(files)
    add_settings(files, ["label", "watermark", "content_check", "content_threshold"])
    _add_settings_file(files)
    _add_faces(parser)
    look = _add_look(parser)
    add_settings(look, ["on_lost", "hold_s", "strict"])
    add_networks(parser)
    add_upscaler(parser)
    _add_video(parser.add_argument_group("video"))
    _add_limits(parser)


def _build_live(parser: Parser) -> None:
    parser.essentials = LIVE_ESSENTIALS
    parser.usage = "masquerade live -s PHOTO [options]"
    donor = parser.add_argument_group("whose face")
    _add_donor(donor)
    donor.add_argument(
        "--also",
        action="append",
        metavar="PHOTO",
        help="one more donor, to change to with the keys N and P; may be repeated",
    )
    _add_consent(donor)
    add_settings(donor, ["label", "watermark", "content_check", "content_threshold"])
    _add_settings_file(donor)
    add_live(parser)
    _add_faces(parser)
    _add_look(parser)
    add_networks(parser)
    _add_limits(parser)


def _add_faces(parser: Parser) -> None:
    faces = parser.add_argument_group("which faces")
    add_settings(faces, ["many_faces", "face_order", "face_index"])
    faces.add_argument(
        "--reference", metavar="PHOTO", help="swap only the person that this photo shows"
    )
    add_settings(faces, ["reference_threshold", "gender"])
    faces.add_argument("--age", type=age_range, metavar="20-40", help="swap only faces of this age")
    add_settings(faces, ["age_min", "age_max"])
    faces.add_argument(
        "--map", metavar="TOML", help="a donor for each person (see docs/usage.md); replaces -s"
    )


def _add_look(parser: Parser) -> argparse._ArgumentGroup:
    look = parser.add_argument_group("how it looks")
    add_settings(look, ["shape", "strength", "sharpness", "wrinkles", "relight", "occlusion"])
    return look


def _add_limits(parser: Parser) -> None:
    limits = parser.add_argument_group("search and limits")
    add_detector(limits)
    add_settings(limits, ["detect_score", "detect_every", "threads"])
    _add_max_pixels(limits)


def _add_video(video: argparse._ArgumentGroup) -> None:
    video.add_argument("--fps", type=number(0.1, 1000), metavar="RATE", help="change the rate")
    video.add_argument("--no-audio", action="store_true", help="leave the sound out")
    video.add_argument("--trim-start", type=seconds, metavar="TIME", help="begin here (1:30)")
    video.add_argument("--trim-end", type=seconds, metavar="TIME", help="stop here")
    video.add_argument(
        "--video-encoder", metavar="NAME", help="see `masquerade encoders` (libx264)"
    )
    video.add_argument(
        "--video-quality", type=number(0, 100, int), metavar="0..100", help="more is better"
    )
    video.add_argument("--video-preset", metavar="NAME", help="the encoder's speed preset")


def _add_donor(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-s",
        "--source",
        action="append",
        metavar="PHOTO",
        help="the donor: photo or saved identity; repeat for more photos of the person",
    )
    _add_source_face(group)


def _add_source_face(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--source-face",
        type=number(0, 99, int),
        metavar="0..99",
        help="which face of a donor photo that shows several; 0 is the largest",
    )


def _add_consent(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--consent",
        choices=["self", "given", "public-domain", "synthetic"],
        help="whose face the donor's is; asked once per identity",
    )
    add_guardian(group)


def _add_settings_file(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--settings", metavar="TOML", help="settings from a file, as the studio saves them"
    )


def _add_max_pixels(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--max-pixels",
        type=number(1, 10**12, int),
        metavar="N",
        default=MediaLimits().max_pixels,
        help=f"refuse pictures with more pixels than this ({MediaLimits().max_pixels})",
    )


def _build_demo(parser: Parser) -> None:
    parser.add_argument("-o", "--output", metavar="FOLDER", help="where to (masquerade-demo)")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier demo")


def _build_faces(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="picture, animation or video")
    parser.add_argument(
        "-o", "--output", metavar="PICTURE", help="draw the faces into this picture"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a picture that exists")
    group = parser.add_argument_group("search and limits")
    add_detector(group)
    add_settings(group, ["detect_score", "detect_every", "threads"])
    _add_max_pixels(group)
    add_execution(parser, takes_files=True)


def _build_identity(parser: Parser) -> None:
    actions = parser.add_subparsers(
        dest="action", metavar="ACTION", title="actions", required=True, parser_class=Parser
    )
    make = actions.add_parser("make", help="make an identity from photos of one person")
    make.add_argument("photos", nargs="+", metavar="PHOTO", help="photos of the same person")
    make.add_argument("-o", "--output", required=True, metavar="FILE", help="where to")
    make.add_argument("--name", help="what to call the person (the file's name)")
    _add_source_face(make)
    make.add_argument("--overwrite", action="store_true", help="replace a file that exists")
    _add_max_pixels(make.add_argument_group("limits"))
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
    "swap": _build_swap,
    "live": _build_live,
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
