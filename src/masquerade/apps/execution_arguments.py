"""The options of where networks run and what they may take, to and from an ``Execution``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from masquerade.apps.arguments import number
from masquerade.apps.profile import PROFILE_NAMES
from masquerade.core.execution import (
    LONGEST_IDLE_S,
    NETWORK_ROLES,
    PRECISIONS,
    PROVIDERS,
    Execution,
)
from masquerade.runtime.given_options import given_options

if TYPE_CHECKING:
    from masquerade.apps.parsing import Parser

__all__ = ["add_execution", "execution_from", "execution_words"]

_GB = 2**30


def add_execution(parser: Parser, *, takes_files: bool = False, profiled: bool = True) -> None:
    """Add where networks run, and how much memory they may take.

    Args:
        parser: of a command.
        takes_files: whether words without an option follow, so that those after a provider's name
            cannot be names of further ones.
        profiled: whether the command works by a profile.
    """
    group = parser.add_argument_group("where networks run")
    if profiled:
        group.add_argument(
            "--profile",
            choices=PROFILE_NAMES,
            help="defaults for what is not given: as `masquerade tune` found them, for small "
            "processors, or the program's own (machine)",
        )
    group.add_argument(
        "--execution-provider",
        action="extend",
        nargs=1 if takes_files else "+",
        type=_providers,
        metavar="NAME",
        help=f"{', '.join(PROVIDERS)} or dml; the first is used, and all must be there (auto)",
    )
    _add_provider_details(group)
    group.add_argument(
        "--execution-threads",
        type=number(1, 256, int),
        metavar="1..256",
        help="threads of a network on the CPU (as --threads)",
    )
    group.add_argument("--precision", choices=PRECISIONS, help="of a network's arithmetic (auto)")
    group.add_argument(
        "--strict-precision",
        action="store_true",
        help="an error where a network cannot be had in that precision, not the nearest to it",
    )
    group.add_argument(
        "--allow-fallback",
        action="store_true",
        help="take another provider, and say so, where one that was asked for is not active",
    )
    _add_memory(group)


def _add_provider_details(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--provider-option",
        action="append",
        metavar="KEY=VALUE",
        help="of the provider, as ONNX Runtime calls it (docs/networks.md); may be repeated",
    )
    group.add_argument(
        "--device-id",
        action="append",
        type=_device_ids,
        metavar="N",
        help="which device of its kind; several (0,1) share the faces (0)",
    )
    group.add_argument(
        "--device-of",
        action="append",
        type=_device_of,
        metavar="ROLE=N",
        help=f"another device for one kind of network, of {', '.join(NETWORK_ROLES)}",
    )


def _add_memory(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--max-memory", type=_gigabytes, metavar="GB", help="what the whole process may take"
    )
    group.add_argument(
        "--max-vram", type=_gigabytes, metavar="GB", help="what networks may take of a device"
    )
    group.add_argument(
        "--release-after",
        type=number(0, LONGEST_IDLE_S),
        metavar="SECONDS",
        help="let a network's memory go after so long without use; 0 keeps it (300)",
    )


def execution_from(args: argparse.Namespace) -> Execution:
    """What the command line says about where networks run.

    Raises:
        SettingsError: a value is out of range, or a provider has no such option.
    """
    providers = _joined(args.execution_provider)
    given: dict[str, Any] = {
        "providers": providers,
        "options": given_options(args.provider_option or (), providers or ("auto",)),
        "device_ids": _joined(args.device_id),
        "devices_of": _by_role(args.device_of or ()),
        "threads": args.threads if args.execution_threads is None else args.execution_threads,
        "precision": args.precision,
        "strict_precision": args.strict_precision,
        "allow_fallback": args.allow_fallback,
        "max_memory_bytes": args.max_memory,
        "max_vram_bytes": args.max_vram,
        "idle_s": args.release_after,
    }
    return Execution(**{name: value for name, value in given.items() if value is not None})


def execution_words(execution: Execution) -> list[str]:
    """The options that :func:`execution_from` makes the same of, for another process."""
    return list(_words(execution))


def _words(execution: Execution) -> Iterator[str]:
    yield from ("--execution-provider", ",".join(execution.providers))
    yield from ("--precision", execution.precision)
    yield from ("--device-id", _in_a_row(execution.device_ids))
    yield from ("--release-after", str(execution.idle_s))
    for role, ids in execution.devices_of.items():
        yield from ("--device-of", f"{role}={_in_a_row(ids)}")
    for provider, options in execution.options.items():
        for key, value in options.items():
            yield from ("--provider-option", f"{provider}:{key}={value}")
    if execution.threads:
        yield from ("--execution-threads", str(execution.threads))
    if execution.strict_precision:
        yield "--strict-precision"
    if execution.allow_fallback:
        yield "--allow-fallback"
    limits = {"--max-memory": execution.max_memory_bytes, "--max-vram": execution.max_vram_bytes}
    for option, limit in limits.items():
        if limit is not None:
            yield from (option, repr(limit / _GB))


def _in_a_row(ids: tuple[int, ...]) -> str:
    return ",".join(map(str, ids))


def _joined(lists: list[tuple[Any, ...]] | None) -> tuple[Any, ...] | None:
    """One tuple of what was given at once and again, each value once."""
    if not lists:
        return None
    return tuple(dict.fromkeys(value for values in lists for value in values))


def _by_role(pairs: Iterable[tuple[str, tuple[int, ...]]]) -> dict[str, tuple[int, ...]]:
    """Devices by role; what is given again for a role comes beside what was there."""
    found: dict[str, tuple[int, ...]] = {}
    for role, ids in pairs:
        found[role] = tuple(dict.fromkeys((*found.get(role, ()), *ids)))
    return found


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


def _device_of(text: str) -> tuple[str, tuple[int, ...]]:
    """A role and its devices.

    >>> _device_of("enhancer=1,2")
    ('enhancer', (1, 2))
    """
    role, equals, ids = text.partition("=")
    if not equals or role not in NETWORK_ROLES:
        raise argparse.ArgumentTypeError(
            f"{text!r} names no network's device; write enhancer=1, with one of "
            f"{', '.join(NETWORK_ROLES)}"
        )
    return role, _device_ids(ids)


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
