"""Which input and output of a network is which: told by shape, since names differ by exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from masquerade.core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from masquerade.runtime.network import Port

__all__ = ["could_be", "could_give", "describe_ports", "only", "picture_side", "wrong_ports"]


def could_be(port: Port, *shape: int | None) -> bool:
    """Whether the port takes (or gives) arrays of this shape.

    Args:
        port: of a network; lengths that it leaves open fit all.
        shape: lengths; None for any.
    """
    if len(port.shape) != len(shape):
        return False
    pairs = zip(port.shape, shape, strict=True)
    return all(own is None or asked is None or own == asked for own, asked in pairs)


def could_give(port: Port, *shape: int | None) -> bool:
    """As :func:`could_be` for an output; one whose axes the file does not state fits all.

    Some exporters leave them out. What really comes is looked at when the network has run.
    """
    return not port.shape or could_be(port, *shape)


def picture_side(port: Port, layout: str = "nchw") -> int | None:
    """Side of the square pictures of a port of four axes, None where it takes any.

    Raises:
        ModelError: they are not square.
    """
    height, width = port.shape[2:4] if layout == "nchw" else port.shape[1:3]
    if height is not None and width is not None and height != width:
        raise ModelError(
            f"The network's {port.name!r} takes pictures of {width}x{height}, where a square is "
            "expected. Check that the file is the model that its name says."
        )
    return height if height is not None else width


def only(ports: Sequence[Port], model: str, what: str, all_ports: Iterable[Port]) -> Port:
    """The first of the ports that fit a part.

    Args:
        ports: those that fit.
        model: name of the model, for the message.
        what: which part it is, for the message.
        all_ports: those of the network, for the message.

    Raises:
        ModelError: none fits.
    """
    if not ports:
        raise wrong_ports(model, what, all_ports)
    return ports[0]


def wrong_ports(model: str, what: str, ports: Iterable[Port]) -> ModelError:
    """The error of a file whose inputs or outputs are not those of the model."""
    return ModelError(
        f"The file of {model} has no {what}; it has {describe_ports(ports)}. "
        f"Check that it is {model}: `masquerade models verify {model}`."
    )


def describe_ports(ports: Iterable[Port]) -> str:
    """Names and shapes for a message."""
    parts = []
    for port in ports:
        sides = "x".join("?" if side is None else str(side) for side in port.shape)
        parts.append(f"{port.name} ({sides})")
    return ", ".join(parts) or "none"
