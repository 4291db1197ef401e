"""What every loaded network offers, whichever library runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Network", "Port"]


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a network.

    Attributes:
        name: as the file calls it.
        shape: sides; None where any length is taken.
        dtype: of the elements.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]


class Network(Protocol):
    """A network that is loaded and ready. It may be run from several threads at a time."""

    @property
    def input_ports(self) -> tuple[Port, ...]:
        """In the order of the file."""
        ...

    @property
    def output_ports(self) -> tuple[Port, ...]:
        """In the order of the file."""
        ...

    @property
    def provider(self) -> str:
        """Short name of what it really runs on, such as "cpu" or "openvino"."""
        ...

    @property
    def precision(self) -> str:
        """fp32, fp16, bf16 or int8: that of the arithmetic."""
        ...

    @property
    def devices(self) -> frozenset[str]:
        """Where it runs, such as ``{"cuda:0"}``; on each of them one run at a time gets on. Those
        of networks that share a device are equal.
        """
        ...

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Results in the order of :attr:`output_ports`.

        Raises:
            ModelError: shapes or types do not fit, or the network failed while running.
        """
        ...

    def close(self) -> None:
        """Let its memory go; may be called twice."""
        ...
