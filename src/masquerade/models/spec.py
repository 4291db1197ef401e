"""What is known of a network's file: of the shipped weights, and of public models as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = [
    "ROLES",
    "Decoding",
    "ModelFile",
    "ModelSpec",
    "Role",
    "SourceInput",
    "SourceKind",
    "WeightSpec",
]

Role = Literal[
    "swapper",
    "enhancer",
    "upscaler",
    "detector",
    "landmarker",
    "embedder",
    "converter",
    "masker",
]
ROLES: tuple[str, ...] = get_args(Role)
"""What a public model can be, in the order in which lists show them."""

SourceKind = Literal["latent", "embedding_unit", "embedding_raw", "image"]


@dataclass(frozen=True, slots=True)
class WeightSpec:
    """One entry of ``shipped.toml``.

    Attributes:
        role: what the file does for the product; the key of the entry.
        file: its name in the folder ``weights``.
        sha256: of its bytes, 64 hexadecimal digits.
        size_bytes: its length.
        licence: SPDX identifier under which it is passed on.
        origin: the package it was made from, and by whom it was published first.
    """

    role: str
    file: str
    sha256: str
    size_bytes: int
    licence: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One published file of a model. Files of one model have the same inputs and outputs, up to
    their names; which is read by shape.

    Attributes:
        name: of the file as it is published; several exporters may use the same.
        sha256: of its bytes, 64 hexadecimal digits; None where nobody told it.
        size_bytes: its length, None where unknown or where reports differ.
        precision: fp32, fp16 or int8: that of its weights.
        exporter: who published this file.
        verified: whether the hash stands in the exporter's own code. Else it was reported by
            others: it is compared at the first download and may turn out wrong.
        mirrors: addresses (https) to fetch it from, the best first. ``#member`` at the end names
            a file within a zip.
        output: name of the output that is meant, where it is not the first; "" for the first.
        note: what a user should know of this very file.
    """

    name: str
    sha256: str | None = None
    size_bytes: int | None = None
    precision: str = "fp32"
    exporter: str
    verified: bool = False
    mirrors: tuple[str, ...] = ()
    output: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInput:
    """How a swapper is told whose face to draw.

    Attributes:
        kind: ``latent``: unit embedding times the emap, made a unit vector again;
            ``embedding_unit``: an embedding (after the converter, where there is one) of length 1;
            ``embedding_raw``: the same without that; ``image``: a crop of the donor.
        template: of the crop, for ``image``.
        size: side of the crop in pixels, for ``image``.
        mean: of the crop, for ``image``: the input is (x / 255 - mean) / std, RGB.
        std: see ``mean``.
    """

    kind: SourceKind
    template: str = ""
    size: int = 0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How a detector's outputs become faces.

    Attributes:
        min_score: 0..1, from which a detection counts.
        max_overlap: intersection over union, above which the lower score is dropped.
        strides: network pixels per cell, by level.
        anchors: boxes for each cell.
    """

    min_score: float = 0.5
    max_overlap: float = 0.4
    strides: tuple[int, ...] = ()
    anchors: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One entry of ``registry.toml``: a public model and how it is fed and read.

    The input picture x (0..255, float32) is fed as ``(x / 255 - mean) / std`` by channel in
    ``color`` order; a picture y that comes out is ``y * output_std + output_mean``, 0..1 after
    a clip. Source of the facts: docs/models.md.

    Attributes:
        name: the key of the entry; what settings and the command line call it.
        title: for people.
        role: what it does.
        family: which adapter reads it: inswapper, simswap, gfpgan, scrfd, ...
        size: side of its square input in pixels; 0 for an input that is no picture. Of an upscaler,
            which takes any: the side that its publisher feeds.
        scale: how many times the sides of a picture grow (upscalers).
        template: of the crop (``geometry/templates.py``); "" for the whole frame (detectors), for
            a crop around the box (landmarkers, see ``box_scale``), and for a swapper's crop as it
            is (maskers).
        mean: see above; by channel in the order of ``color``.
        std: likewise.
        output_mean: see above.
        output_std: see above.
        color: order of the channels, in and out.
        layout: order of the axes, in and out.
        source: second input of a swapper; None for others.
        embedder: name of the model whose embedding the source is made of; "" for none.
        second_embedder: its unit embedding is added to the first one's; "" for none.
        converter: name of the model that the raw embedding goes through first; "" for none.
        emap_from: name of the model that holds the emap, where the file has none itself.
        boost_sizes: sides in pixels that pixel boost may make of it.
        takes_weight: whether there is a further input, float64 (1,): fidelity 0..1 (CodeFormer).
        box_scale: side of a landmarker's crop in longer sides of the face's box.
        points: how many points a landmarker gives; length of an embedding.
        decoding: of detectors; None for others.
        licence: SPDX identifier, or what is known, in words.
        commercial: True only where the licence plainly permits commercial use.
        licence_url: where it can be read.
        note: what a user should know before using it.
        files: published files, the preferred one first.
    """

    name: str
    title: str
    role: Role
    family: str
    size: int = 0
    scale: int = 1
    template: str = ""
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    output_mean: float = 0.0
    output_std: float = 1.0
    color: Literal["rgb", "bgr"] = "rgb"
    layout: Literal["nchw", "nhwc"] = "nchw"
    source: SourceInput | None = None
    embedder: str = ""
    second_embedder: str = ""
    converter: str = ""
    emap_from: str = ""
    boost_sizes: tuple[int, ...] = ()
    takes_weight: bool = False
    box_scale: float = 0.0
    points: int = 0
    decoding: Decoding | None = None
    licence: str
    commercial: bool
    licence_url: str
    note: str = ""
    files: tuple[ModelFile, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the models that it does not work without, each once."""
        names = (self.embedder, self.second_embedder, self.converter, self.emap_from)
        return tuple(dict.fromkeys(name for name in names if name))
