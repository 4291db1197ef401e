"""Embeddings of one recogniser turned into those of another (crossface)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from masquerade.models.ports import could_give, only

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.models.spec import ModelSpec
    from masquerade.runtime.network import Network

__all__ = ["Converter"]


class Converter:
    """Takes a raw ArcFace embedding to what a swapper of another recogniser was taught on.

    Args:
        spec: of a converter.
        network: its file, loaded.

    Raises:
        ModelError: the file has other inputs or outputs than a converter.
    """

    def __init__(self, spec: ModelSpec, network: Network) -> None:
        self.spec = spec
        self.network = network
        flat = [port for port in network.input_ports if len(port.shape) == 2]
        self._input = only(flat, spec.name, "embedding input", network.input_ports)
        results = [port for port in network.output_ports if could_give(port, None, None)]
        result = only(results, spec.name, "embedding output", network.output_ports)
        self._output = network.output_ports.index(result)

    def convert(self, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
        """The other recogniser's embedding.

        Args:
            embedding: float32 (D,), not normalised.

        Returns:
            float32 (D',), not normalised.

        Raises:
            ModelError: the network failed.
        """
        feed = embedding.reshape(1, -1).astype(self._input.dtype)
        result = self.network.run({self._input.name: feed})[self._output]
        return np.asarray(result, np.float32).reshape(-1)

    def close(self) -> None:
        """Let the network go."""
        self.network.close()
