"""Tiny networks with the exact inputs and outputs of the public ones, which do a visible task.

They make whole swaps testable where none of the weights are: the swappers paint in a colour made
of the donor, the enhancers sharpen, the detectors find squares and faces in the colour of skin,
the embedders tell pictures apart by their colours.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.models.catalogue import catalogue, find_spec

if TYPE_CHECKING:
    from onnx import ModelProto

    from masquerade.models.library import Library
    from masquerade.models.spec import ModelFile, ModelSpec

__all__ = ["draw_functional", "fill_library", "functional_names", "write_functional"]


def functional_names() -> tuple[str, ...]:
    """Every public model that there is a stand-in of: all of the registry."""
    return tuple(catalogue())


def draw_functional(
    name: str, *, exporter: str = "", batch: int | str = 1, half_ports: bool = False
) -> ModelProto:
    """The stand-in of a public model.

    Args:
        name: of the model in the registry.
        exporter: whose file of it, since names and outputs differ; the first by default.
        batch: first axis: 1, as published, or a name where any length is to be taken.
        half_ports: whether inputs and outputs are float16.

    Raises:
        ModelError: there is no such model.
    """
    from masquerade.testing.networks.functional_detectors import draw_detector
    from masquerade.testing.networks.functional_faces import (
        draw_enhancer,
        draw_swapper,
        draw_upscaler,
    )
    from masquerade.testing.networks.functional_measures import (
        draw_converter,
        draw_embedder,
        draw_landmarker,
        draw_masker,
    )
    from masquerade.testing.networks.functional_parts import Drawing

    spec = find_spec(name)
    drawing = Drawing(spec, _file(spec, exporter), batch, half_ports)
    by_role = {
        "swapper": draw_swapper,
        "enhancer": draw_enhancer,
        "upscaler": draw_upscaler,
        "detector": draw_detector,
        "landmarker": draw_landmarker,
        "embedder": draw_embedder,
        "converter": draw_converter,
        "masker": draw_masker,
    }
    return by_role[spec.role](drawing)


def write_functional(
    name: str,
    folder: Path,
    *,
    exporter: str = "",
    batch: int | str = 1,
    half_ports: bool = False,
) -> Path:
    """Write the stand-in of a public model under the name of its published file.

    Args:
        name: see :func:`draw_functional`, as the others.
        folder: is made where it is not there.
        exporter: see there.
        batch: see there.
        half_ports: see there.

    Returns:
        The file, a few kB (of inswapper 1 MB, most of it its emap).
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _file(find_spec(name), exporter).name
    model = draw_functional(name, exporter=exporter, batch=batch, half_ports=half_ports)
    path.write_bytes(model.SerializeToString())
    return path


def fill_library(library: Library, names: Iterable[str]) -> None:
    """Install stand-ins as if the user had brought these models, with all that they need.

    Their licences count as accepted in that library: nothing of the originals is in the files.

    Args:
        library: for tests; not the user's own.
        names: of models in the registry.

    Raises:
        ModelError: there is no such model.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            spec = find_spec(name)
            fill_library(library, spec.needs)
            library.licences.accept(spec)
            if library.find(name) is None:
                library.import_file(write_functional(name, Path(folder)), name)


def _file(spec: ModelSpec, exporter: str) -> ModelFile:
    files: Iterable[ModelFile] = (f for f in spec.files if exporter in ("", f.exporter))
    return next(iter(files))
