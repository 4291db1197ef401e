"""The options of ``masquerade models``. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from masquerade.apps.parsing import Parser

__all__ = ["add_models"]

_ROLES = (
    "swapper",
    "enhancer",
    "upscaler",
    "detector",
    "landmarker",
    "embedder",
    "converter",
    "masker",
)
_ACTIONS = {
    "list": "list the models that are known and which are installed",
    "info": "say what a model or a file is: inputs, cost, parts, licence, hash",
    "pull": "fetch models",
    "import": "take in files that you have",
    "verify": "compare installed files with their hashes",
    "remove": "delete models",
    "quantize": "make a smaller, quicker variant of a model on this machine",
}


def add_models(parser: Parser, add_common: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the actions of ``masquerade models``.

    Args:
        parser: of the command.
        add_common: adds what every command has.
    """
    actions = parser.add_subparsers(
        dest="action", metavar="ACTION", title="actions", required=True, parser_class=Parser
    )
    for name, text in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.")
        _BUILD[name](action)
        add_common(action)


def _build_list(parser: Parser) -> None:
    parser.add_argument("--role", choices=_ROLES, help="only models that do this")
    parser.add_argument("--installed", action="store_true", help="only models that are here")


def _build_info(parser: Parser) -> None:
    parser.add_argument("model", metavar="NAME|FILE", help="a model, or an ONNX file")


def _build_pull(parser: Parser) -> None:
    parser.add_argument("names", nargs="+", metavar="NAME", help="see `masquerade models list`")
    _add_licence(parser)
    parser.add_argument(
        "--alone", action="store_true", help="without the models that they do not work without"
    )
    files = parser.add_argument_group("which file")
    files.add_argument("--precision", choices=["fp32", "fp16", "int8"], help="of its weights")
    files.add_argument("--exporter", metavar="WHO", help="who published it (see models info)")
    files.add_argument(
        "--trust",
        action="store_true",
        help="take a file although its hash is not the one that others reported",
    )
    network = parser.add_argument_group("network")
    network.add_argument(
        "--offline", action="store_true", help="folders of MASQUERADE_MIRRORS alone"
    )
    network.add_argument(
        "--insecure", action="store_true", help="plain http too, for files whose hash is known"
    )


def _build_import(parser: Parser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="ONNX files")
    _add_licence(parser)
    parser.add_argument(
        "--as", dest="name", metavar="NAME", help="which model it is, where the file does not tell"
    )
    parser.add_argument("--link", action="store_true", help="point to the file, do not copy it")
    parser.add_argument("--overwrite", action="store_true", help="replace another file of it")


def _build_verify(parser: Parser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="all that are installed")


def _build_remove(parser: Parser) -> None:
    parser.add_argument("names", nargs="+", metavar="NAME", help="installed models")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def _build_quantize(parser: Parser) -> None:
    parser.add_argument("model", metavar="NAME", help="an installed model")
    parser.add_argument("--precision", choices=["int8", "fp16"], required=True, help="of the new")
    parser.add_argument(
        "--photos",
        nargs="+",
        default=[],
        metavar="FILE",
        help="photos of faces to calibrate with; puppets' faces without",
    )
    parser.add_argument("--force", action="store_true", help="take it in whatever it lost")


def _add_licence(parser: Parser) -> None:
    parser.add_argument(
        "--accept-licence",
        action="store_true",
        help="you have read the licences and keep to them; asked on a terminal",
    )


_BUILD: dict[str, Callable[[Parser], None]] = {
    "list": _build_list,
    "info": _build_info,
    "pull": _build_pull,
    "import": _build_import,
    "verify": _build_verify,
    "remove": _build_remove,
    "quantize": _build_quantize,
}
