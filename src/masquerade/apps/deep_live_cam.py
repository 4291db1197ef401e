"""Deep-Live-Cam's command lines, handed on to ``masquerade swap`` or ``masquerade live``.

``run.py`` at the root of a checkout runs this, so that what is written for that program works
here. What has another form here is translated, what has no meaning here is said in a sentence,
and options that only masquerade has (``--consent``, ``--model``, ...) are handed on as they are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from masquerade.apps.parsing import Parser
from masquerade.core.errors import MasqueradeError, SettingsError

__all__ = ["Translation", "run_script", "translate"]

_SWAPPERS = ("inswapper_128", "inswapper_128_fp16")
_ENHANCERS = {
    "face_enhancer": ("gfpgan_1024", "gfpgan_1.4", "gfpgan_1.3", "gfpgan_1.2"),
    "face_enhancer_gpen256": ("gpen_256_upscalers", "gpen_bfr_256"),
    "face_enhancer_gpen512": ("gpen_512_upscalers", "gpen_bfr_512"),
}
_PROCESSORS = ("face_swapper", *_ENHANCERS)
_VENDORS = {"apple": "coreml", "nvidia": "cuda", "amd": "migraphx"}
_WORST_QUALITY = 51  # of its scale, on which 0 is the best
_MOUTH = "0.5"
"""Size of the mouth mask, which is a switch there."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A command line of masquerade's own.

    Attributes:
        words: what follows ``masquerade``.
        notices: what could not be taken as it was meant, one sentence each.
    """

    words: tuple[str, ...]
    notices: tuple[str, ...]


def run_script() -> NoReturn:
    """The program ``run.py``: translate this process's arguments, say what has changed, run."""
    from masquerade.apps.cli import run_program

    try:
        translation = translate(sys.argv[1:], _installed())
    except MasqueradeError as error:
        print(f"masquerade: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    if "-q" not in sys.argv and "--quiet" not in sys.argv:
        for notice in translation.notices:
            print(notice, file=sys.stderr)
    run_program(list(translation.words))


def translate(argv: list[str], installed: Collection[str]) -> Translation:
    """Put a command line of Deep-Live-Cam into masquerade's words.

    Args:
        argv: the words after ``run.py``.
        installed: names of the models on this machine.

    Raises:
        SettingsError: the command line cannot be understood, or asks for what is not offered.

    >>> translate("-s a.jpg -t b.mp4 -o c.mp4 --keep-fps --model mesh".split(), ()).words
    ('swap', '-s', 'a.jpg', '-t', 'b.mp4', '-o', 'c.mp4', '--overwrite', '--model', 'mesh')
    """
    args, rest = _build().parse_known_args(argv)
    if "face_swapper" not in args.frame_processor:
        raise SettingsError(
            "Masquerade enhances faces that it has swapped, and no others; add face_swapper to "
            "--frame-processor."
        )
    notices: list[str] = []
    command = _swap(args, notices) if args.target else _live(args, notices)
    words = [*command, *_networks(args, rest, installed, notices), *_machine(args, notices)]
    notices += _without_meaning(args)
    return Translation((*words, *rest), tuple(notices))


class _Lenient(Parser):
    """Leaves what it does not know to the parser that comes after it."""

    def parse_known_args(  # type: ignore[override]
        self, args: list[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        return argparse.ArgumentParser.parse_known_args(self, args, namespace)


def _build() -> Parser:
    from masquerade._version import __version__

    parser = _Lenient(
        prog="run.py",
        add_help=True,
        description="Deep-Live-Cam's options for masquerade; without -t a camera is swapped live.",
        epilog="Other options are those of `masquerade swap` and `masquerade live`.",
    )
    text = parser.add_argument
    text("-s", "--source", "-f", "--face", metavar="PHOTO", help="the donor's photo")
    text("-t", "--target", metavar="FILE", help="picture or video")
    text("-o", "--output", metavar="FILE", help="where to")
    text("--frame-processor", nargs="+", choices=_PROCESSORS, default=["face_swapper"])
    for switch in ("--keep-fps", "--keep-audio", "--keep-frames", "--many-faces", "--nsfw-filter"):
        text(switch, action="store_true")
    for switch in ("--map-faces", "--mouth-mask", "--live-mirror", "--live-resizable"):
        text(switch, action="store_true")
    text("--headless", action="store_true", help="live, without a window")
    text("-c", "--camera", "--camera-index", metavar="WHICH", help="camera of the live view")
    text("--video-encoder", metavar="NAME")
    text("--video-quality", type=int, choices=range(_WORST_QUALITY + 1), metavar="0..51")
    text("-l", "--lang", default="en")
    text("--max-memory", metavar="GB")
    text("--execution-provider", nargs="+", metavar="NAME")
    text("--execution-threads", "--gpu-threads", "--cpu-cores", metavar="N")
    text("--gpu-vendor", choices=_VENDORS)
    parser.add_argument(
        "-v", "--version", action="version", version=f"masquerade {__version__} (run.py)"
    )
    return parser


def _swap(args: argparse.Namespace, notices: list[str]) -> list[str]:
    """A picture or video: an output that exists is replaced, as it is there."""
    output = args.output
    if not output:
        target = Path(args.target)
        output = str(target.with_name(f"{target.stem}-swapped{target.suffix}"))
        notices.append(f"No -o was given, so the result goes to {output}.")
    words = ["swap", *_pair("-s", args.source), "-t", args.target, "-o", output, "--overwrite"]
    words += _pair("--video-encoder", args.video_encoder)
    if args.video_quality is not None:
        words += ["--video-quality", f"{100 - round(100 * args.video_quality / _WORST_QUALITY)}"]
    return words


def _live(args: argparse.Namespace, notices: list[str]) -> list[str]:
    """No target: the camera, in a window."""
    if args.output:
        notices.append("Without -t a camera is swapped live, and -o has no meaning.")
    words = ["live", *_pair("-s", args.source), *_pair("--camera", args.camera)]
    words += ["--mirror"] * args.live_mirror
    words += ["--sink", "null"] * args.headless
    return words


def _networks(
    args: argparse.Namespace, rest: list[str], installed: Collection[str], notices: list[str]
) -> list[str]:
    """Which swapper and enhancers: the ones of Deep-Live-Cam where they are installed."""
    words = ["--many-faces"] * args.many_faces
    swapper = next((name for name in _SWAPPERS if name in installed), None)
    own_model = any(word.partition("=")[0] == "--model" for word in rest)
    if swapper is not None and not own_model:
        words += ["--model", swapper]
    elif not own_model:
        notices.append(
            "inswapper_128 is not installed, so the built-in mesh swapper draws the face; bring it "
            "with `masquerade models pull inswapper_128` or `masquerade models import FILE`."
        )
    for processor in args.frame_processor:
        wanted = _ENHANCERS.get(processor)
        if wanted is None:
            continue
        enhancer = next((name for name in wanted if name in installed), None)
        if enhancer is not None:
            words += ["--enhancer", enhancer]
            continue
        notices.append(
            f"{wanted[0]} is not installed, so {processor} is left out; bring it with "
            f"`masquerade models pull {wanted[0]}` or `masquerade models import FILE`."
        )
    if args.mouth_mask:
        words += ["--mouth-mask", _MOUTH]
    return words


def _machine(args: argparse.Namespace, notices: list[str]) -> list[str]:
    """Where networks run and what they may take."""
    providers = list(args.execution_provider or ())
    if not providers and args.gpu_vendor:
        providers = [_VENDORS[args.gpu_vendor]]
    if "rocm" in providers:
        notices.append("ROCm runs through MIGraphX here: migraphx is asked for instead of rocm.")
    names = ",".join("migraphx" if name == "rocm" else name for name in providers)
    words = _pair("--execution-provider", names)
    words += _pair("--execution-threads", args.execution_threads)
    return words + _pair("--max-memory", args.max_memory)


def _without_meaning(args: argparse.Namespace) -> Iterator[str]:
    """One sentence for each option that does nothing here."""
    if args.keep_frames:
        yield "--keep-frames has no meaning here: no frame is ever written to a file of its own."
    if args.nsfw_filter:
        yield "--nsfw-filter has no meaning here: the content check is on without it."
    if args.map_faces:
        yield "--map-faces is a window there; here `--map FILE.toml` says who replaces whom."
    if args.lang != "en":
        yield f"--lang {args.lang} has no meaning here: masquerade speaks English."
    if args.live_mirror and args.target:
        yield "--live-mirror has no meaning with -t."
    if (args.video_encoder or args.video_quality is not None) and not args.target:
        yield "--video-encoder and --video-quality have no meaning without -t."


def _pair(flag: str, value: str | None) -> list[str]:
    return [flag, value] if value else []


def _installed() -> Collection[str]:
    from masquerade.models.library import Library

    return [model.name for model in Library().installed()]
