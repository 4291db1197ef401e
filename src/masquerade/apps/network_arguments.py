"""The options of networks: which ones, how their faces look, where they run, what they may take."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from masquerade.apps.arguments import add_settings, number
from masquerade.core.execution import PRECISIONS, PROVIDERS, Execution

if TYPE_CHECKING:
    from masquerade.apps.parsing import Parser

__all__ = ["add_detector", "add_execution", "add_networks", "execution_from"]

_GB = 2**30


def add_networks(parser: Parser) -> None:
    """Add which networks swap and enhance, how their faces look, and where they run."""
    which = parser.add_argument_group("networks")
    add_settings(which, ["model", "enhancer", "landmarker", "masker", "refresh", "effect"])
    look = parser.add_argument_group("how a network's face looks")
    add_settings(
        look, ["swap_size", "identity_weight", "enhancer_weight", "enhancer_blend", "color"]
    )
    add_settings(look, ["mask", "mask_blur", "mask_padding", "mouth_mask", "blend"])
    add_settings(look, ["alignment", "crop_scale", "crop_shift_x", "crop_shift_y"])
    add_execution(parser)


def add_detector(group: argparse._ArgumentGroup) -> None:
    """Add which detector searches, and how large a picture it sees."""
    add_settings(group, ["detector", "detect_size"])


def add_execution(parser: Parser) -> None:
    """Add where networks run, and how much memory they may take."""
    group = parser.add_argument_group("where networks run")
    group.add_argument(
        "--execution-provider",
        action="append",
        type=_providers,
        metavar="NAME",
        help=f"{', '.join(PROVIDERS)} or dml; all that are named must be there (auto)",
    )
    group.add_argument(
        "--execution-threads",
        type=number(1, 256, int),
        metavar="1..256",
        help="threads of a network on the CPU (as --threads)",
    )
    group.add_argument("--precision", choices=PRECISIONS, help="of a network's arithmetic (auto)")
    group.add_argument(
        "--device-id",
        action="append",
        type=_device_ids,
        metavar="N",
        help="which device of its kind; several share the work (0)",
    )
    group.add_argument(
        "--allow-fallback",
        action="store_true",
        help="take another provider, and say so, where one that was asked for is not active",
    )
    group.add_argument(
        "--max-memory", type=_gigabytes, metavar="GB", help="what the whole process may take"
    )
    group.add_argument(
        "--max-vram", type=_gigabytes, metavar="GB", help="what networks may take of a device"
    )


def execution_from(args: argparse.Namespace) -> Execution:
    """What the command line says about where networks run.

    Raises:
        SettingsError: a value is out of range.
    """
    given: dict[str, Any] = {
        "providers": _joined(args.execution_provider),
        "device_ids": _joined(args.device_id),
        "threads": args.execution_threads or args.threads,
        "precision": args.precision,
        "max_memory_bytes": args.max_memory,
        "max_vram_bytes": args.max_vram,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    return Execution(allow_fallback=args.allow_fallback, **chosen)


def _joined(lists: list[tuple[Any, ...]] | None) -> tuple[Any, ...] | None:
    """One tuple of what was given at once and again, each value once."""
    if not lists:
        return None
    return tuple(dict.fromkeys(value for values in lists for value in values))


def _providers(text: str) -> tuple[str, ...]:
    """Short names of providers from ``cuda,cpu``.

    >>> _providers("DML,cpu")
    ('directml', 'cpu')
    """
    names = tuple(word.strip().lower() for word in text.split(",") if word.strip())
    names = tuple("directml" if name == "dml" else name for name in names)
    unknown = [name for name in names if name not in PROVIDERS]
    if unknown or not names:
        known = ", ".join((*PROVIDERS, "dml"))
        raise argparse.ArgumentTypeError(
            f"{unknown[0] if unknown else text!r} is no provider; choose of {known}"
        )
    return names


def _device_ids(text: str) -> tuple[int, ...]:
    """Numbers of devices from ``0,1``."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() for word in words):
        raise argparse.ArgumentTypeError(f"{text!r} is no device; write a number from 0 on, or 0,1")
    return tuple(int(word) for word in words)


def _gigabytes(text: str) -> int:
    """Bytes from gigabytes of 1024 megabytes, as ``4`` or ``1.5``.

    >>> _gigabytes("1.5")
    1610612736
    """
    try:
        value = float(text.lower().removesuffix("b").removesuffix("g"))
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 65536:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size; write gigabytes from 0.1 on, such as 4 or 1.5"
        )
    return round(value * _GB)
