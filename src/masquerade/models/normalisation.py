"""Pictures as networks take and give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.models.spec import ModelSpec

__all__ = ["Normalisation"]

_LARGEST = np.float32(1e6)
"""Far beyond white; OpenCV takes what is too large for a whole number of 32 bits for black."""


@dataclass(frozen=True, slots=True)
class Normalisation:
    """The map between uint8 BGR pictures and a network's numbers.

    Going in, a value x (0..255) becomes ``(x / 255 - mean) / std`` by channel; coming out, a value
    y is ``y * output_std + output_mean``, cut to 0..1, times 255, rounded.

    Attributes:
        mean: by channel in the order of ``color``.
        std: by channel in the order of ``color``.
        output_mean: see above.
        output_std: see above.
        color: order of the network's channels, in and out.
        layout: order of the network's axes, in and out.
    """

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    output_mean: float = 0.0
    output_std: float = 1.0
    color: Literal["rgb", "bgr"] = "rgb"
    layout: Literal["nchw", "nhwc"] = "nchw"

    @classmethod
    def of(cls, spec: ModelSpec) -> Normalisation:
        """What the registry says of a model."""
        return cls(
            mean=spec.mean,
            std=spec.std,
            output_mean=spec.output_mean,
            output_std=spec.output_std,
            color=spec.color,
            layout=spec.layout,
        )

    def encode(
        self, pixels_bgr: NDArray[np.uint8], dtype: np.dtype[Any] | type = np.float32
    ) -> NDArray[Any]:
        """What is fed.

        Args:
            pixels_bgr: uint8 (N, H, W, 3).
            dtype: of the network's input.

        Returns:
            (N, 3, H, W), or (N, H, W, 3) where ``layout`` says so.
        """
        count, height, width = pixels_bgr.shape[:3]
        planes = np.empty((count, 3, height, width), np.float32)
        for picture, target in zip(pixels_bgr, planes, strict=True):
            split = cv2.split(picture)
            for channel in range(3):
                gain = np.float32(1 / (255 * self.std[channel]))
                values = np.asarray(split[self._position(channel)])
                np.multiply(values, gain, out=target[channel], dtype=np.float32)
                target[channel] += np.float32(-self.mean[channel] / self.std[channel])
        if self.layout == "nhwc":
            planes = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
        return planes.astype(dtype, copy=False)

    def decode(self, output: NDArray[Any]) -> NDArray[np.uint8]:
        """The picture that a network returned.

        Args:
            output: (N, 3, H, W), or (N, H, W, 3) where ``layout`` says so; what is not a number
                becomes black.

        Returns:
            uint8 (N, H, W, 3) BGR.
        """
        if self.layout == "nhwc":
            output = output.transpose(0, 3, 1, 2)
        count, _, height, width = output.shape
        pixels = np.empty((count, height, width, 3), np.uint8)
        gain, shift = 255 * self.output_std, 255 * self.output_mean
        values = np.empty((height, width), np.float32)
        for planes, picture in zip(output, pixels, strict=True):
            rounded = []
            for position in range(3):
                plane = planes[self._position(position)]
                np.minimum(plane, _LARGEST, out=values, dtype=np.float32)
                # It cuts and rounds by itself, five times as quickly as single steps in numpy.
                drawn = cv2.addWeighted(values, gain, values, 0, shift, dtype=cv2.CV_8U)
                rounded.append(drawn)
            cv2.merge(rounded, picture)
        return pixels

    def _position(self, channel: int) -> int:
        """Where the network's channel lies in a BGR picture."""
        return 2 - channel if self.color == "rgb" else channel
