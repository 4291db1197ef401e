"""Brought upscalers: Real-ESRGAN and its kind, which draw whole pictures with more detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.errors import ModelError
from masquerade.models.normalisation import Normalisation
from masquerade.models.ports import could_be, could_give, only, picture_side, wrong_ports

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.models.spec import ModelSpec
    from masquerade.runtime.network import Network

__all__ = ["TILE_STEP", "Upscaler"]

TILE_STEP = 16
"""Sides of tiles are multiples of it: what networks of this kind fold and halve divides it."""


class Upscaler:
    """Draws a tile of a picture ``spec.scale`` times as large, with more detail.

    Args:
        spec: of an upscaler.
        network: its file, loaded.

    Attributes:
        scale: how many times the sides of a tile grow.
        side: the only side in pixels of the tiles that the file takes; None where it takes any.

    Raises:
        ModelError: the file's input or outputs are not those of an upscaler.
    """

    def __init__(self, spec: ModelSpec, network: Network) -> None:
        self.spec = spec
        self.network = network
        self.scale = spec.scale
        ports = network.input_ports
        pictures = [port for port in ports if could_be(port, None, 3, None, None)]
        self._input = only(pictures if len(ports) == 1 else [], spec.name, "single picture", ports)
        self.side = picture_side(self._input)
        outputs = network.output_ports
        places = [i for i, port in enumerate(outputs) if could_give(port, None, 3, None, None)]
        if not places:
            raise wrong_ports(spec.name, "output picture", outputs)
        self._output = places[0]
        self._normalisation = Normalisation.of(spec)

    def enhance(self, tile_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A tile with more detail, enlarged.

        Args:
            tile_bgr: uint8 (H, W, 3); both sides are ``side``, or multiples of ``TILE_STEP``.

        Returns:
            uint8 (k H, k W, 3) BGR, k being ``scale``.

        Raises:
            ModelError: the network failed, or made a picture of another size.
        """
        feeds = {self._input.name: self._normalisation.encode(tile_bgr[None], self._input.dtype)}
        result = self.network.run(feeds)[self._output]
        expected = (1, 3, *(side * self.scale for side in tile_bgr.shape[:2]))
        if result.shape != expected:
            made, wanted = ("x".join(map(str, shape)) for shape in (result.shape, expected))
            raise ModelError(
                f"{self.spec.name} made {made} of a tile where {wanted} is expected. "
                f"Check the file: `masquerade models verify {self.spec.name}`."
            )
        return np.asarray(self._normalisation.decode(result)[0])

    def close(self) -> None:
        """Let the network go."""
        self.network.close()
