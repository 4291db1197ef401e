"""A brought detector: one look at one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.errors import ModelError
from masquerade.models.face_detectors.decoders import DECODERS
from masquerade.models.normalisation import Normalisation
from masquerade.models.ports import could_be, only

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.face import Face
    from masquerade.models.spec import ModelSpec
    from masquerade.runtime.network import Network

__all__ = ["DETECT_SIZE_WH", "FaceDetector"]

DETECT_SIZE_WH = (640, 480)
"""Size of the picture that a detector sees, where its file takes any."""

_CELL = 32
"""Sides of the input are multiples of the coarsest stride."""


class FaceDetector:
    """SCRFD, RetinaFace, YOLO-face and YuNet.

    Args:
        spec: of a detector.
        network: its file, loaded.

    Raises:
        ModelError: the file has no picture input, or nobody knows how to read its outputs.
    """

    def __init__(self, spec: ModelSpec, network: Network) -> None:
        decoder = DECODERS.get(spec.family)
        if decoder is None or spec.decoding is None:
            raise ModelError(
                f"{spec.name} is no face detector. Choose one from `masquerade models list`."
            )
        self.spec = spec
        self.network = network
        self._decode = decoder
        self._facts = spec.decoding
        pictures = [port for port in network.input_ports if could_be(port, None, 3, None, None)]
        self._input = only(pictures, spec.name, "picture input", network.input_ports)
        self._normalisation = Normalisation.of(spec)

    def input_size(self, picture_wh: tuple[int, int], size_wh: tuple[int, int]) -> tuple[int, int]:
        """What the network sees of a picture.

        Where the file takes any size: ``size_wh``, turned for a picture that is turned the other
        way, cut to what the picture fills of it, in multiples of 32. So 640x480 sees 16:9 as
        640x384, a fifth quicker, and 9:16 as 384x640.

        Args:
            picture_wh: size of the picture.
            size_wh: the most that the network is to see.
        """
        if (picture_wh[0] < picture_wh[1]) != (size_wh[0] < size_wh[1]):
            size_wh = size_wh[1], size_wh[0]
        scale = min(most / side for most, side in zip(size_wh, picture_wh, strict=True))
        filled = (max(_CELL, -(-round(side * scale) // _CELL) * _CELL) for side in picture_wh)
        fixed = self._input.shape[3], self._input.shape[2]
        width, height = (
            own if own is not None else side for own, side in zip(fixed, filled, strict=True)
        )
        return width, height

    def find(
        self,
        pixels_bgr: NDArray[np.uint8],
        min_score: float | None = None,
        size_wh: tuple[int, int] = DETECT_SIZE_WH,
    ) -> list[Face]:
        """Faces of a picture, best first, with true five points.

        Args:
            pixels_bgr: uint8 (H, W, 3).
            min_score: 0..1, from which a detection counts; the registry's by default.
            size_wh: what the network sees at most, see :meth:`input_size`; the picture is fitted
                into its upper left.

        Raises:
            ModelError: the network failed, or its outputs are not those of the model.
        """
        seen_wh = self.input_size((pixels_bgr.shape[1], pixels_bgr.shape[0]), size_wh)
        canvas, scale = _letterbox(pixels_bgr, seen_wh)
        feed = self._normalisation.encode(canvas[None], self._input.dtype)
        results = self.network.run({self._input.name: feed})
        least = self._facts.min_score if min_score is None else min_score
        try:
            found = self._decode(results, seen_wh, least, self._facts)
        except (ValueError, IndexError) as error:
            raise ModelError(
                f"The outputs of {self.spec.name} are not those of its kind. "
                f"Check the file: `masquerade models verify {self.spec.name}`."
            ) from error
        return found.scaled(1 / scale).thinned(self._facts.max_overlap).faces()

    def close(self) -> None:
        """Let the network go."""
        self.network.close()


def _letterbox(
    pixels_bgr: NDArray[np.uint8], size_wh: tuple[int, int]
) -> tuple[NDArray[np.uint8], float]:
    """The picture in the upper left of a black canvas, and canvas pixels per picture pixel.

    Sizes are cut to whole pixels as InsightFace's ``SCRFD`` does it. Halved by area first where
    it shrinks to less than half.
    """
    (width, height), (full_h, full_w) = size_wh, pixels_bgr.shape[:2]
    ratio = full_h / full_w
    if ratio > height / width:
        fit_w, fit_h = max(1, int(height / ratio)), height
    else:
        fit_w, fit_h = width, max(1, int(width * ratio))
    scale = fit_h / full_h
    while pixels_bgr.shape[1] >= 2 * fit_w and pixels_bgr.shape[0] >= 2 * fit_h:
        half = pixels_bgr.shape[1] // 2, pixels_bgr.shape[0] // 2
        even = pixels_bgr[: half[1] * 2, : half[0] * 2]
        pixels_bgr = np.asarray(cv2.resize(even, half, interpolation=cv2.INTER_AREA), np.uint8)
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[:fit_h, :fit_w] = cv2.resize(pixels_bgr, (fit_w, fit_h))
    return canvas, scale
