"""A network that is loaded and admitted to the memory budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from masquerade.core.lifetimes import Closing
from masquerade.runtime.memory import return_freed_memory
from masquerade.runtime.network import Network, Port

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.runtime.budget import Admission

__all__ = ["LoadedNetwork", "Opened"]


class LoadedNetwork(Network, Protocol):
    """A network that also tells how it was loaded."""

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences for the user: what was chosen, what was lowered and why."""
        ...

    def placement(self) -> Mapping[str, int]:
        """How many nodes each provider runs, by short name."""
        ...


@dataclass(slots=True)
class Opened(Closing):
    """One loaded network with what it holds; a :class:`LoadedNetwork`.

    Attributes:
        network: of a library.
        precision: of the arithmetic.
        notices: see :class:`LoadedNetwork`.
        admissions: leave to take memory, of the process and of the device.
    """

    network: Any
    precision: str
    notices: tuple[str, ...] = ()
    admissions: tuple[Admission, ...] = ()

    @property
    def input_ports(self) -> tuple[Port, ...]:
        """In the order of the file."""
        ports: tuple[Port, ...] = self.network.input_ports
        return ports

    @property
    def output_ports(self) -> tuple[Port, ...]:
        """In the order of the file."""
        ports: tuple[Port, ...] = self.network.output_ports
        return ports

    @property
    def provider(self) -> str:
        """Short name of what it really runs on."""
        return str(self.network.provider)

    @property
    def devices(self) -> frozenset[str]:
        """Where it runs; see :class:`~masquerade.runtime.network.Network`."""
        devices: frozenset[str] = self.network.devices
        return devices

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Results in the order of :attr:`output_ports`; errors as the network's."""
        results: list[NDArray[Any]] = self.network.run(feeds)
        return results

    def placement(self) -> Mapping[str, int]:
        """How many nodes each provider runs, by short name."""
        counts: Mapping[str, int] = self.network.placement()
        return counts

    def close(self) -> None:
        """Let its memory go; may be called twice."""
        self.network.close()
        for admission in self.admissions:
            admission.release()
        return_freed_memory()
