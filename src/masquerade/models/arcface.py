"""Embeddings of the ArcFace family: the identity that brought swappers are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from masquerade.geometry.templates import align, warp_crop
from masquerade.models.normalisation import Normalisation
from masquerade.models.ports import could_be, could_give, only, picture_side, wrong_ports

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.models.spec import ModelSpec
    from masquerade.runtime.network import Network

__all__ = ["ArcFace", "JointArcFace"]


class ArcFace:
    """An embedder: w600k_r50 and its kin.

    Args:
        spec: of an embedder; ``template``, ``mean`` and ``std`` are read.
        network: its file, loaded.

    Attributes:
        size: side of its crop.
        template: of its crop.

    Raises:
        ModelError: the file has other inputs or outputs than an embedder.
    """

    def __init__(self, spec: ModelSpec, network: Network) -> None:
        self.spec = spec
        self.network = network
        self.template = spec.template
        crops = [port for port in network.input_ports if could_be(port, None, 3, None, None)]
        self._input = only(crops, spec.name, "picture input", network.input_ports)
        self.size = picture_side(self._input) or spec.size
        vectors = [port for port in network.output_ports if could_give(port, None, None)]
        vector = only(vectors, spec.name, "embedding output", network.output_ports)
        self._output = network.output_ports.index(vector)
        self._normalisation = Normalisation.of(spec)

    def embed(
        self, pixels_bgr: NDArray[np.uint8], kps: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Embedding of one face.

        Args:
            pixels_bgr: uint8 (H, W, 3).
            kps: (5, 2) in these pixels.

        Returns:
            float32 (D,), not normalised.

        Raises:
            ModelError: the network failed.
        """
        crop = warp_crop(pixels_bgr, align(kps, self.template, self.size), self.size)
        return self.embed_crop(crop)

    def embed_crop(self, crop_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The same of a crop that is cut already, uint8 (S, S, 3)."""
        blob = self._normalisation.encode(crop_bgr[None], self._input.dtype)
        vector = self.network.run({self._input.name: blob})[self._output]
        if vector.size != self.spec.points:
            what = f"embedding output of {self.spec.points} values"
            raise wrong_ports(self.spec.name, what, self.network.output_ports)
        return np.asarray(vector, np.float32).reshape(-1)

    def close(self) -> None:
        """Let the network go."""
        self.network.close()


class JointArcFace:
    """Several embedders whose unit embeddings are added up, as CSCS wants it.

    Args:
        parts: the embedders; all give the same number of values.
    """

    def __init__(self, parts: Sequence[ArcFace]) -> None:
        self._parts = tuple(parts)

    def embed(
        self, pixels_bgr: NDArray[np.uint8], kps: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Sum of the unit embeddings, float32 (D,); see :meth:`ArcFace.embed`."""
        vectors = [part.embed(pixels_bgr, kps) for part in self._parts]
        units = [vector / max(float(np.linalg.norm(vector)), 1e-9) for vector in vectors]
        return np.asarray(np.sum(units, axis=0), np.float32)

    def close(self) -> None:
        """Let the networks go."""
        for part in self._parts:
            part.close()
