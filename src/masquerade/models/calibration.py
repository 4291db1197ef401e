"""Pictures of faces turned into what a network is fed in real use: for calibration and parity.

The adapters themselves make the inputs: each is given a network that takes notes instead of
running. So a crop, its normalisation and the names of the ports are those of a real swap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import cv2
import numpy as np

from masquerade.core.errors import ModelError
from masquerade.geometry.templates import align, warp_crop
from masquerade.models.arcface import ArcFace
from masquerade.models.enhancer import Enhancer
from masquerade.models.face_detectors import FaceDetector
from masquerade.models.landmarkers import BoxLandmarker
from masquerade.models.maskers import OcclusionMasker
from masquerade.models.swapper import Swapper
from masquerade.models.upscaler import Upscaler

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.models.converter import Converter
    from masquerade.models.donor_code import Portrait
    from masquerade.models.spec import ModelSpec
    from masquerade.models.swapper import Embeds
    from masquerade.runtime.network import Port

__all__ = ["SwapperParts", "calibration_feeds", "output_span"]

Feeds = Mapping[str, "NDArray[Any]"]

_MOST_DONORS = 8
_JITTER = 0.08
_SOFT_PX = 128
_DETECTOR_HW = (480, 640)
_MASK_TEMPLATE = "ffhq_512"
_TILE_PX, _TILE_TEMPLATE = 192, "ffhq_512"


@dataclass(frozen=True, slots=True)
class SwapperParts:
    """What a swapper needs besides its own network; see :class:`masquerade.models.swapper.Swapper`.

    Attributes:
        embedder: None for swappers that look at a picture.
        converter: None where the model names none.
        emap: None where the source is no latent.
    """

    embedder: Embeds | None = None
    converter: Converter | None = None
    emap: NDArray[np.floating] | None = None


@dataclass(frozen=True, slots=True)
class _View:
    """A face as it is seen once; a ``Portrait``."""

    pixels: NDArray[np.uint8]
    kps: NDArray[np.float32]


class _NotedError(ModelError):
    """Carries the inputs of a run out of an adapter."""

    def __init__(self, feeds: Feeds) -> None:
        super().__init__("The inputs were noted; nothing was run.")
        self.feeds = feeds


class _NotingNetwork:
    """A network with a file's ports that leaves every run with its inputs."""

    provider, precision, devices = "cpu", "fp32", frozenset({"cpu"})

    def __init__(self, inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> None:
        self.input_ports, self.output_ports = inputs, outputs

    def run(self, feeds: Feeds) -> NoReturn:
        raise _NotedError(feeds)

    def close(self) -> None:
        pass


def calibration_feeds(
    spec: ModelSpec,
    inputs: tuple[Port, ...],
    outputs: tuple[Port, ...],
    faces: Sequence[Portrait],
    count: int,
    *,
    parts: SwapperParts | None = None,
    seed: int = 0,
) -> list[dict[str, NDArray[Any]]]:
    """Inputs of a model as they come in real use, float32.

    The first round shows every face as it is; further rounds mirror it, shift and scale the crop a
    little and change the light. Enhancers see every other face as softly as a swapper of 128
    pixels returns it.

    Args:
        spec: of the model.
        inputs: of its file.
        outputs: of its file.
        faces: pictures with five points each; of a swapper, donors as well as targets.
        count: how many inputs are made.
        parts: of a swapper.
        seed: of the variations.

    Raises:
        ModelError: there are no faces, the file's ports are not those of the model, or it sees no
            pictures.
    """
    if not faces:
        raise ModelError("There is nothing to calibrate with. Give pictures that show faces.")
    use = _use(spec, _NotingNetwork(inputs, outputs), faces, parts or SwapperParts())
    return [_noted(use, view, index) for index, view in enumerate(_views(faces, count, seed))]


def output_span(spec: ModelSpec) -> float | None:
    """From black to white in a model's output; None for models that return no picture."""
    return 1 / spec.output_std if spec.role in ("swapper", "enhancer", "upscaler") else None


def _noted(use: Callable[[_View, int], object], view: _View, index: int) -> dict[str, NDArray[Any]]:
    try:
        use(view, index)
    except _NotedError as noted:
        return {name: np.asarray(values, np.float32) for name, values in noted.feeds.items()}
    raise ModelError("The model was not run by its adapter. Please report it.")


def _use(
    spec: ModelSpec, network: _NotingNetwork, faces: Sequence[Portrait], parts: SwapperParts
) -> Callable[[_View, int], object]:
    """A function that runs the model on one view, as the product does."""
    if spec.role == "swapper":
        return _use_swapper(spec, network, faces, parts)
    if spec.role == "enhancer":
        enhancer = Enhancer(spec, network)
        return lambda view, index: enhancer.enhance(
            _softened(_crop(view, enhancer.template, enhancer.size), index)
        )
    if spec.role == "upscaler":
        upscaler = Upscaler(spec, network)
        side = upscaler.side or _TILE_PX
        return lambda view, index: upscaler.enhance(
            _softened(_crop(view, _TILE_TEMPLATE, side), index)
        )
    if spec.role == "detector":
        detector = FaceDetector(spec, network)
        return lambda view, index: detector.find(_scene(view, index))
    if spec.role == "embedder":
        embedder = ArcFace(spec, network)
        return lambda view, _: embedder.embed(view.pixels, view.kps)
    if spec.role == "masker":
        masker = OcclusionMasker(spec, network)
        template = spec.template or _MASK_TEMPLATE
        return lambda view, _: masker.raw(_crop(view, template, masker.size))
    if spec.role == "landmarker" and spec.size:
        landmarker = BoxLandmarker(spec, network)
        return lambda view, _: landmarker.locate(view.pixels, _box(view.kps))
    raise ModelError(
        f"{spec.name} sees no pictures and is small. Leave it in the precision that it has."
    )


def _use_swapper(
    spec: ModelSpec, network: _NotingNetwork, faces: Sequence[Portrait], parts: SwapperParts
) -> Callable[[_View, int], object]:
    swapper = Swapper(
        spec, network, embedder=parts.embedder, converter=parts.converter, emap=parts.emap
    )
    codes = [swapper.encode([face]) for face in faces[:_MOST_DONORS]]

    def use(view: _View, index: int) -> object:
        # One donor further each round, so that faces meet several donors.
        code = codes[(index + index // len(faces) + 1) % len(codes)]
        return swapper.swap(_crop(view, swapper.template, swapper.size)[None], [code])

    return use


def _views(faces: Sequence[Portrait], count: int, seed: int) -> Iterator[_View]:
    random = np.random.default_rng(seed)
    for index in range(count):
        face, lap = faces[index % len(faces)], index // len(faces)
        view = _View(face.pixels, np.asarray(face.kps, np.float32))
        yield _varied(view, random, mirrored=lap % 2 == 1) if lap or seed else view


def _varied(view: _View, random: np.random.Generator, *, mirrored: bool) -> _View:
    pixels, kps = view.pixels, view.kps.copy()
    if mirrored:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
        kps[:, 0] = pixels.shape[1] - 1 - kps[:, 0]
        kps = kps[[1, 0, 2, 4, 3]]
    light = pixels.astype(np.float32) * random.uniform(0.6, 1.15) + random.uniform(-12, 12)
    # Points that are a little off move and scale the crop, as those of a detector do.
    spread = float(np.ptp(kps[:, 0]))
    middle = kps.mean(axis=0)
    kps = middle + (kps - middle) * random.uniform(1 - _JITTER, 1 + _JITTER)
    kps += random.uniform(-_JITTER, _JITTER, 2) * spread
    return _View(np.clip(light, 0, 255).astype(np.uint8), kps.astype(np.float32))


def _crop(view: _View, template: str, size: int) -> NDArray[np.uint8]:
    return warp_crop(view.pixels, align(view.kps, template, size), size)


def _softened(crop_bgr: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
    if index % 2 == 0 or crop_bgr.shape[0] <= _SOFT_PX:
        return crop_bgr
    small = cv2.resize(crop_bgr, (_SOFT_PX, _SOFT_PX), interpolation=cv2.INTER_AREA)
    size_wh = (crop_bgr.shape[1], crop_bgr.shape[0])
    return np.asarray(cv2.resize(small, size_wh, interpolation=cv2.INTER_CUBIC), np.uint8)


def _scene(view: _View, index: int) -> NDArray[np.uint8]:
    """A frame that shows the face at one of several sizes and places."""
    height, width = _DETECTOR_HW
    side = (height, height * 2 // 3, height // 3)[index % 3]
    scene = np.full((height, width, 3), view.pixels.mean(axis=(0, 1)).astype(np.uint8), np.uint8)
    y, x = (height - side) // 2, (width - side) * (index % 4) // 3
    small = cv2.resize(view.pixels, (side, side), interpolation=cv2.INTER_AREA)
    scene[y : y + side, x : x + side] = small
    return scene


def _box(kps: NDArray[np.float32]) -> NDArray[np.float32]:
    """A face's box, as detectors draw it, from its five points."""
    (x0, y0), (x1, y1) = kps.min(axis=0), kps.max(axis=0)
    width, height = x1 - x0, y1 - y0
    sides = (x0 - 0.55 * width, y0 - 0.8 * height, x1 + 0.55 * width, y1 + 0.6 * height)
    return np.array(sides, np.float32)
