"""Networks that remember what they were fed, and donors without photos."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from masquerade.geometry.templates import TEMPLATES
from masquerade.models.arcface import ArcFace, JointArcFace
from masquerade.models.catalogue import find_spec
from masquerade.models.converter import Converter
from masquerade.models.emap import find_initialiser
from masquerade.models.swapper import Swapper
from masquerade.runtime.network import Port
from masquerade.testing.networks.functional import write_functional

_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}


class RecordedNetwork:
    """A file run by ONNX Runtime alone; ``feeds`` holds what every run was fed."""

    provider = "cpu"
    precision = "fp32"

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.path = path
        self.session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self.input_ports = tuple(map(_port, self.session.get_inputs()))
        self.output_ports = tuple(map(_port, self.session.get_outputs()))
        self.feeds: list[dict[str, np.ndarray]] = []
        self.closed = False

    def run(self, feeds):
        self.feeds.append(dict(feeds))
        return self.session.run(None, dict(feeds))

    def close(self) -> None:
        self.closed = True


def _port(item) -> Port:
    shape = tuple(side if isinstance(side, int) else None for side in item.shape)
    return Port(item.name, shape, np.dtype(_TYPES[item.type]))


@dataclass(frozen=True)
class PlainPortrait:
    pixels: np.ndarray
    kps: np.ndarray


def portrait(seed: int = 0) -> PlainPortrait:
    """Tinted noise where a donor's portrait would be, its points where ffhq_512 has them."""
    random = np.random.default_rng(seed)
    tint = random.uniform(0.1, 1.0, 3)
    pixels = (random.integers(0, 256, (16, 16, 3)) * tint).astype(np.uint8)
    kps = (TEMPLATES["ffhq_512"] * 512).astype(np.float32)
    return PlainPortrait(cv2.resize(pixels, (512, 512), interpolation=cv2.INTER_CUBIC), kps)


def open_recorded(name: str, folder: Path, **options) -> RecordedNetwork:
    return RecordedNetwork(write_functional(name, folder, **options))


def open_swapper(name: str, folder: Path, **options) -> Swapper:
    """A swapper with all that it needs, from stand-ins."""
    spec = find_spec(name)
    parts = {}
    names = [item for item in (spec.embedder, spec.second_embedder) if item]
    faces = [ArcFace(find_spec(item), open_recorded(item, folder)) for item in names]
    if faces:
        parts["embedder"] = JointArcFace(faces) if len(faces) > 1 else faces[0]
    if spec.converter:
        converter = open_recorded(spec.converter, folder)
        parts["converter"] = Converter(find_spec(spec.converter), converter)
    network = open_recorded(name, folder, **options)
    if spec.source.kind == "latent":
        holder = write_functional(spec.emap_from, folder) if spec.emap_from else network.path
        parts["emap"] = find_initialiser(holder, (512, 512))
    return Swapper(spec, network, **parts)
