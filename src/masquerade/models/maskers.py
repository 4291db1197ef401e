"""Networks that say where a swapped face may be drawn: what covers it, and what is what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from masquerade.core.errors import ModelError
from masquerade.models.normalisation import Normalisation
from masquerade.models.ports import only, picture_side, wrong_ports

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.models.spec import ModelSpec
    from masquerade.runtime.network import Network

__all__ = [
    "FACE_REGIONS",
    "REGIONS",
    "FaceParser",
    "JointMasker",
    "MaskKind",
    "Masker",
    "OcclusionMasker",
    "mask_kind",
]

MaskKind = Literal["occlusion", "region"]
"""What a masker tells: what covers a face, or which part of a head is what."""

REGIONS: dict[str, int] = {
    "skin": 1,
    "left-eyebrow": 2,
    "right-eyebrow": 3,
    "left-eye": 4,
    "right-eye": 5,
    "glasses": 6,
    "nose": 10,
    "mouth": 11,
    "upper-lip": 12,
    "lower-lip": 13,
}
"""Classes of BiSeNet by region, as it was taught on CelebAMask-HQ. Left and right are the
network's own words."""

FACE_REGIONS: tuple[str, ...] = tuple(name for name in REGIONS if name != "glasses")
"""What a face is made of; a target's glasses stay in front."""

_SOFTNESS_PX = 5.0
"""Standard deviation of the blur that ends in the middle of an edge."""


def mask_kind(spec: ModelSpec) -> MaskKind:
    """What a model of the kind masker tells."""
    return "region" if spec.family == "bisenet" else "occlusion"


class Masker:
    """What all of them share: a square crop goes in, and comes out as a mask.

    Args:
        spec: of a masker.
        network: its file, loaded.

    Attributes:
        spec: the one given.
        size: side of its crops in pixels.

    Raises:
        ModelError: the file's input is no picture.
    """

    def __init__(self, spec: ModelSpec, network: Network) -> None:
        self.spec = spec
        self.network = network
        axis = 1 if spec.layout == "nchw" else 3
        ports = network.input_ports
        fitting = [p for p in ports if len(p.shape) == 4 and p.shape[axis] in (3, None)]
        self._input = only(fitting, spec.name, "picture input", ports)
        self.size = picture_side(self._input, spec.layout) or spec.size
        self._normalisation = Normalisation.of(spec)

    def mask(self, crop_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Where the face may be drawn, its edges soft.

        Args:
            crop_bgr: uint8 (S, S, 3), cut by any template.

        Returns:
            uint8 (S, S), 255 where it may.

        Raises:
            ModelError: the network failed.
        """
        return _softened(self.raw(crop_bgr))

    def raw(self, crop_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The same as the network says it, float32 (S, S), 0..1."""
        raise NotImplementedError

    def close(self) -> None:
        """Let the network go."""
        self.network.close()

    def _run(self, crop_bgr: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        if crop_bgr.shape != (self.size, self.size, 3):
            raise ModelError(
                f"{self.spec.name} was given a crop of shape {crop_bgr.shape}. "
                f"Cut a square of {self.size} pixels."
            )
        feed = self._normalisation.encode(crop_bgr[None], self._input.dtype)
        results = self.network.run({self._input.name: feed})
        return [np.asarray(result, np.float32) for result in results]


class OcclusionMasker(Masker):
    """XSeg of all exporters, and VisoMaster's occluder: what of a crop is uncovered face."""

    def raw(self, crop_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`Masker.raw`; of the occluder 0 or 1, since it gives log odds."""
        result = self._run(crop_bgr)[0]
        if result.size != self.size**2:
            raise wrong_ports(self.spec.name, "single mask output", self.network.output_ports)
        values = result.reshape(self.size, self.size)
        if self.spec.family == "occluder":
            return np.asarray(values > 0, np.float32)
        return np.clip(values, 0, 1)


class FaceParser(Masker):
    """BiSeNet: which region of a head every pixel belongs to.

    Args:
        spec: of a masker of the family "bisenet".
        network: its file, loaded.
        regions: keys of :data:`REGIONS` in which the face may be drawn.
    """

    def __init__(
        self, spec: ModelSpec, network: Network, regions: Sequence[str] = FACE_REGIONS
    ) -> None:
        super().__init__(spec, network)
        self._wanted = [REGIONS[name] for name in regions]

    def parse(self, crop_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The likeliest class of every pixel, uint8 (S, S), values of :data:`REGIONS` and others.

        Raises:
            ModelError: the network failed.
        """
        for result in self._run(crop_bgr):
            if result.shape[1:] == (19, self.size, self.size):
                return np.asarray(result[0].argmax(axis=0), np.uint8)
        raise wrong_ports(self.spec.name, "output of 19 classes", self.network.output_ports)

    def raw(self, crop_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """1 in the regions, 0 elsewhere; see :meth:`Masker.raw`."""
        return np.isin(self.parse(crop_bgr), self._wanted).astype(np.float32)


class JointMasker:
    """Several maskers of one size: the face is drawn where all of them allow it.

    Args:
        parts: at least one, all of one kind; as FaceFusion joins XSeg 1, 2 and 3.

    Attributes:
        spec: of the first part.
        size: side of the crops in pixels.

    Raises:
        ModelError: they look at crops of different sizes.
    """

    def __init__(self, parts: Sequence[Masker]) -> None:
        self._parts = tuple(parts)
        if len({part.size for part in parts}) > 1:
            names = " and ".join(part.spec.name for part in parts)
            raise ModelError(f"{names} look at crops of different sizes. Choose one of them.")
        self.spec = parts[0].spec
        self.size = parts[0].size

    def mask(self, crop_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """See :meth:`Masker.mask`; softened once, after the least of all was taken."""
        least = np.minimum.reduce([part.raw(crop_bgr) for part in self._parts])
        return _softened(np.asarray(least, np.float32))


def _softened(mask: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Blurred, and of that only what is above one half: edges end where they were.

    Source: FaceFusion's masks, standard deviation 5 pixels.
    """
    blurred = cv2.GaussianBlur(mask, (0, 0), _SOFTNESS_PX)
    inner = (np.clip(blurred, 0.5, 1.0) - 0.5) * 2
    return np.asarray(np.rint(inner * 255), np.uint8)
