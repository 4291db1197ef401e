"""Whether what a network is fed fits its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.runtime.network import Port

__all__ = ["check_feeds"]


def check_feeds(
    ports: Sequence[Port], feeds: Mapping[str, NDArray[Any]], label: str = "The network"
) -> None:
    """Compare names, types and shapes; some libraries convert, or use what was fed before.

    Args:
        ports: the inputs.
        feeds: one array for each.
        label: what the message calls the network.

    Raises:
        ModelError: something does not fit.
    """
    names = {port.name for port in ports}
    if set(feeds) != names:
        raise ModelError(
            f"{label} failed while running (it takes the inputs {_listed(names)}, but was given "
            f"{_listed(feeds)})."
        )
    for port in ports:
        given = feeds[port.name]
        if given.dtype != port.dtype or not _fits(given.shape, port.shape):
            raise ModelError(
                f"{label} failed while running (the input {port.name!r} takes {port.dtype} "
                f"{_shown(port.shape)}, but was given {given.dtype} {_shown(given.shape)})."
            )


def _fits(given: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(given) == len(wanted) and all(
        side is None or side == have for side, have in zip(wanted, given, strict=True)
    )


def _listed(names: Mapping[str, Any] | set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _shown(shape: Sequence[int | None]) -> str:
    return "(" + ", ".join("any" if side is None else str(side) for side in shape) + ")"
