"""Brought enhancers: GFPGAN, CodeFormer, GPEN, RestoreFormer++."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from masquerade.core.errors import ModelError
from masquerade.models.batching import Batching
from masquerade.models.normalisation import Normalisation
from masquerade.models.ports import could_be, could_give, only, picture_side, wrong_ports

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.models.spec import ModelSpec
    from masquerade.runtime.network import Network, Port

__all__ = ["Enhancer"]


class Enhancer:
    """Redraws an aligned face with more detail.

    Args:
        spec: of an enhancer.
        network: its file, loaded.
        batching: whether several faces are fed at a time, where the file takes several; by what
            is known of the network's provider by default. The result is the same.

    Attributes:
        size: side of its crops in pixels, as the file says; as ``spec`` says where the file takes
            any.
        template: of its crops.

    Raises:
        ModelError: the file's inputs or outputs are not those of an enhancer.
    """

    def __init__(
        self, spec: ModelSpec, network: Network, *, batching: Batching | None = None
    ) -> None:
        self.spec = spec
        self.network = network
        self.template = spec.template
        ports = network.input_ports
        pictures = [port for port in ports if could_be(port, None, 3, None, None)]
        self._input = only(pictures, spec.name, "picture input", ports)
        self.size = picture_side(self._input) or spec.size
        self._weight = _weight_port(spec, ports, self._input)
        self._outputs = _by_promise(spec, network.output_ports)
        self._normalisation = Normalisation.of(spec)
        self._batching = batching or Batching.on(network.provider)

    @property
    def can_batch(self) -> bool:
        """Whether the file takes several faces at a time."""
        output = self.network.output_ports[self._outputs[0]]
        sized = self._weight is not None and None in self._weight.shape
        return self._input.shape[0] is None and output.shape[:1] == (None,) and not sized

    def batches(self, count: int) -> bool:
        """Whether it is worth while to bring ``count`` crops together, as far as is known."""
        return self.can_batch and self._batching.may_gain(count)

    @property
    def takes_weight(self) -> bool:
        """Whether ``weight`` of :meth:`enhance` has a meaning."""
        return self._weight is not None

    def enhance(self, crop_bgr: NDArray[np.uint8], weight: float = 0.5) -> NDArray[np.uint8]:
        """The face with more detail.

        Args:
            crop_bgr: uint8 (S, S, 3), cut by ``template``.
            weight: fidelity 0..1 of CodeFormer: 1 stays closest to the crop. Others take none.

        Returns:
            uint8 (S, S, 3) BGR.

        Raises:
            ModelError: the shape does not fit, or the network failed.
        """
        return self.enhance_many(crop_bgr[None], weight)[0]

    def enhance_many(
        self, crops_bgr: NDArray[np.uint8], weight: float = 0.5
    ) -> list[NDArray[np.uint8]]:
        """As :meth:`enhance`, of several faces: in one run where that is quicker.

        Args:
            crops_bgr: uint8 (N, S, S, 3).
            weight: see there.

        Returns:
            uint8 (S, S, 3) BGR of each.

        Raises:
            ModelError: see there.
        """
        if crops_bgr.shape[1:] != (self.size, self.size, 3):
            raise ModelError(
                f"{self.spec.name} was given a crop of shape {crops_bgr.shape[1:]}. "
                f"Cut a square of {self.size} pixels."
            )
        runs = self._batching.run(
            len(crops_bgr), lambda part: self._run(crops_bgr[part], weight), able=self.can_batch
        )
        return [face for run in runs for face in run]

    def close(self) -> None:
        """Let the network go."""
        self.network.close()

    def _run(self, crops_bgr: NDArray[np.uint8], weight: float) -> list[NDArray[np.uint8]]:
        feeds: dict[str, NDArray[Any]] = {
            self._input.name: self._normalisation.encode(crops_bgr, self._input.dtype)
        }
        if self._weight is not None:
            shape = tuple(side or 1 for side in self._weight.shape)
            feeds[self._weight.name] = np.full(shape, weight, self._weight.dtype)
        faces = self._pictures(self.network.run(feeds))
        if len(faces) != len(crops_bgr):
            raise ModelError(
                f"{self.spec.name} returned {len(faces)} pictures of {len(crops_bgr)}. "
                f"Check the file: `masquerade models verify {self.spec.name}`."
            )
        return faces

    def _pictures(self, results: list[NDArray[Any]]) -> list[NDArray[np.uint8]]:
        """The best result that holds pictures of at least the crop's size."""
        for place in self._outputs:
            result = results[place]
            if result.ndim == 4 and result.shape[1] == 3 and result.shape[2] >= self.size:
                return [self._fitted(picture) for picture in self._normalisation.decode(result)]
        raise ModelError(
            f"{self.spec.name} returned no picture of {self.size} pixels. "
            f"Check the file: `masquerade models verify {self.spec.name}`."
        )

    def _fitted(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if picture.shape[0] == self.size:
            return picture
        sides = (self.size, self.size)
        return np.asarray(cv2.resize(picture, sides, interpolation=cv2.INTER_AREA), np.uint8)


def _weight_port(spec: ModelSpec, ports: tuple[Port, ...], picture: Port) -> Port | None:
    """The input that is one number, and is there if and only if the model has it."""
    others = [port for port in ports if port is not picture]
    if not spec.takes_weight and not others:
        return None
    scalars = [port for port in others if len(port.shape) <= 1]
    if len(others) != 1 or not scalars or not spec.takes_weight:
        what = "picture and a weight as inputs" if spec.takes_weight else "single picture input"
        raise wrong_ports(spec.name, what, ports)
    return scalars[0]


def _by_promise(spec: ModelSpec, ports: tuple[Port, ...]) -> list[int]:
    """Places of the outputs that may be the picture: those that the registry names come first.

    RestoreFormer++ has many side outputs, of which some are pictures to their shape.
    """
    named = {file.output for file in spec.files if file.output}
    likely = [place for place, port in enumerate(ports) if could_give(port, None, 3, None, None)]
    if not likely:
        raise wrong_ports(spec.name, "output picture", ports)
    return sorted(likely, key=lambda place: ports[place].name not in named)
