"""The options of ``masquerade swap``, most of which ``masquerade live`` shares. Imports nothing
heavy.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from masquerade.apps.arguments import add_settings, age_range, number, seconds
from masquerade.apps.limit_arguments import add_limits
from masquerade.apps.live_arguments import LIVE_ESSENTIALS, add_live
from masquerade.apps.network_arguments import add_detector, add_networks, add_upscaler
from masquerade.apps.trust_arguments import add_guardian, add_report

if TYPE_CHECKING:
    from masquerade.apps.parsing import Parser

__all__ = ["add_search", "add_source_face", "build_live", "build_swap"]

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


def build_swap(parser: Parser) -> None:
    """Add what ``masquerade swap`` takes."""
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
    add_search(parser, moving=True)


def build_live(parser: Parser) -> None:
    """Add what ``masquerade live`` takes."""
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
    add_search(parser, moving=False)


def add_search(parser: Parser, *, moving: bool) -> None:
    """Add how faces are searched for, and how large inputs may be; see :func:`add_limits`."""
    group = parser.add_argument_group("search and limits")
    add_detector(group)
    add_settings(group, ["detect_score", "detect_every", "threads"])
    add_limits(group, moving=moving)


def add_source_face(group: argparse._ActionsContainer) -> None:
    """Add which face of a donor's photo is meant."""
    group.add_argument(
        "--source-face",
        type=number(0, 99, int),
        metavar="0..99",
        help="which face of a donor photo that shows several; 0 is the largest",
    )


def _add_donor(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-s",
        "--source",
        action="append",
        metavar="PHOTO",
        help="the donor: photo or saved identity; repeat for more photos of the person",
    )
    add_source_face(group)


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
