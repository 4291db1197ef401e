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

__all__ = ["Upscaler"]

_STEP = 16
"""Sides of tiles are multiples of it: what networks of this kind fold and halve divides it."""


class Upscaler:
    """Draws a tile of a picture ``spec.scale`` times as large, with more detail.

    Args:
        spec: of an upscaler.
        network: its file, loaded.

    Attributes:
        scale: how many times the sides of a tile grow.

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
        self._side = picture_side(self._input)
        outputs = network.output_ports
        places = [i for i, port in enumerate(outputs) if could_give(port, None, 3, None, None)]
        if not places:
            raise wrong_ports(spec.name, "output picture", outputs)
        self._output = places[0]
        self._normalisation = Normalisation.of(spec)

    def tile(self, asked: int, longest: int) -> int:
        """Side in pixels of the tiles to feed.

        Args:
            asked: the largest that may be.
            longest: side of the picture: tiles need not be larger.

        Returns:
            A multiple of 16, or the only side that the file takes.
        """
        if self._side is not None:
            return self._side
        enough = -(-longest // _STEP) * _STEP
        return max(_STEP, min(asked - asked % _STEP, enough))

    def enhance(self, tile_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A tile with more detail, enlarged.

        Args:
            tile_bgr: uint8 (S, S, 3), S as :meth:`tile` gives it.

        Returns:
            uint8 (k S, k S, 3) BGR, k being ``scale``.

        Raises:
            ModelError: the network failed, or made a picture of another size.
        """
        feeds = {self._input.name: self._normalisation.encode(tile_bgr[None], self._input.dtype)}
        result = self.network.run(feeds)[self._output]
        side = tile_bgr.shape[0] * self.scale
        if result.shape != (1, 3, side, side):
            raise ModelError(
                f"{self.spec.name} made {'x'.join(map(str, result.shape))} of a tile of "
                f"{tile_bgr.shape[0]} pixels, where {side} are expected. Check the file: "
                f"`masquerade models verify {self.spec.name}`."
            )
        return np.asarray(self._normalisation.decode(result)[0])

    def close(self) -> None:
        """Let the network go."""
        self.network.close()
