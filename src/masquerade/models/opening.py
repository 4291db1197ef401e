"""A model by its name: what the registry says, what the library has, loaded and ready to work."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from masquerade.core.errors import MasqueradeError, ModelError
from masquerade.models.arcface import ArcFace, JointArcFace
from masquerade.models.batching import Batching
from masquerade.models.converter import Converter
from masquerade.models.emap import read_emap
from masquerade.models.enhancer import Enhancer
from masquerade.models.face_detectors import FaceDetector
from masquerade.models.landmarkers import BoxLandmarker, FiveLandmarker
from masquerade.models.library import Library
from masquerade.models.maskers import FaceParser, OcclusionMasker
from masquerade.models.swapper import Swapper
from masquerade.models.upscaler import Upscaler
from masquerade.runtime.loader import load_network
from masquerade.runtime.providers import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from masquerade.core.execution import Execution
    from masquerade.models.spec import ModelSpec
    from masquerade.runtime.network import Network

__all__ = ["Model", "close_model", "close_models", "open_as", "open_model"]

Model = (
    Swapper
    | Enhancer
    | Upscaler
    | FaceDetector
    | BoxLandmarker
    | FiveLandmarker
    | ArcFace
    | Converter
    | OcclusionMasker
    | FaceParser
)
"""What :func:`open_model` may return."""

_DRAWING = ("swapper", "enhancer", "upscaler")
"""Roles of the large networks, which draw what is seen."""

_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class _Opened:
    name: str
    execution: Execution
    folder: Path
    model: Model


_OPENED: list[_Opened] = []
_LOCK = threading.Lock()
"""Guards the list, for moments only: a load may have others closed to make room, see below."""
_LOADING = threading.RLock()
"""Held while a model loads, which opens those that it needs. Closing never waits for it: a load
that is short of memory waits for closing."""


def open_model(name: str, execution: Execution, library: Library | None = None) -> Model:
    """The model of that name, with all that it needs; opened once and then shared.

    Args:
        name: of the registry.
        execution: where and how exactly it runs.
        library: what is installed; the user's own by default.

    Returns:
        A swapper, enhancer, upscaler, detector, landmarker, embedder, converter or masker.

    Raises:
        ModelError: it is unknown, not installed, or its file is not what it should be.
        LicenceError: its licence was not accepted.
        ProviderError: the provider that was asked for is not active.
        MemoryBudgetError: it does not fit into the memory that was granted.
    """
    library = library or Library()
    with _LOADING:
        model = _find(name, execution, library)
        if model is None:
            model = _open(library.spec(name), execution, library)
            with _LOCK:
                _OPENED.append(_Opened(name, execution, library.folder, model))
        return model


def open_as(
    kind: type[_Kind], name: str, execution: Execution, library: Library | None = None
) -> _Kind:
    """As :func:`open_model`, for a certain kind of model.

    Args:
        kind: such as ``Swapper``, or ``Masker`` for both of its kinds.
        name: see :func:`open_model`, as the others.
        execution: see there.
        library: see there.

    Raises:
        ModelError: see there; or the model is of another kind.
    """
    library = library or Library()
    role = library.spec(name).role
    model = open_model(name, execution, library)
    if not isinstance(model, kind):
        raise ModelError(
            f"{name} is a model of the kind {role}, which does not do this work. "
            "Choose another one from `masquerade models list`."
        )
    return model


def close_model(model: Model) -> None:
    """Let one model go that was opened here; what it needs (embedder, converter) stays open.

    The next :func:`open_model` opens it anew. Closing it twice does no harm.
    """
    with _LOCK:
        _OPENED[:] = [item for item in _OPENED if item.model is not model]
    model.close()


def close_models() -> None:
    """Let every network go that was opened here; those who still hold a model cannot run it."""
    with _LOCK:
        opened = [item.model for item in _OPENED]
        _OPENED.clear()
    for model in opened:
        model.close()


def _find(name: str, execution: Execution, library: Library) -> Model | None:
    """The one that is open already."""
    with _LOCK:
        for item in _OPENED:
            if (item.name, item.folder) == (name, library.folder) and item.execution == execution:
                return item.model
    return None


def _open(spec: ModelSpec, execution: Execution, library: Library) -> Model:
    if spec.role == "swapper":
        return _swapper(spec, execution, library)
    network = _network(spec, execution, library)
    if spec.role == "enhancer":
        return Enhancer(spec, network)
    if spec.role == "upscaler":
        return Upscaler(spec, network)
    if spec.role == "detector":
        return FaceDetector(spec, network)
    if spec.role == "landmarker":
        five = spec.family == "fan_68_5"
        return FiveLandmarker(spec, network) if five else BoxLandmarker(spec, network)
    if spec.role == "embedder":
        return ArcFace(spec, network)
    if spec.role == "converter":
        return Converter(spec, network)
    is_parser = spec.family == "bisenet"
    return FaceParser(spec, network) if is_parser else OcclusionMasker(spec, network)


def _swapper(spec: ModelSpec, execution: Execution, library: Library) -> Swapper:
    """A swapper with its embedders, its converter and its emap."""
    for name in spec.needs:
        library.path(name)  # what is absent shows before the large file is loaded
    emap = None
    if spec.source is not None and spec.source.kind == "latent":
        emap = read_emap(library.path(spec.emap_from or spec.name))
    # It takes the most memory while it is read, so what it needs is loaded after it.
    network = _network(spec, execution, library)
    try:
        names = [name for name in (spec.embedder, spec.second_embedder) if name]
        embedders = [open_as(ArcFace, name, execution, library) for name in names]
        converter = None
        if spec.converter:
            converter = open_as(Converter, spec.converter, execution, library)
        return Swapper(
            spec,
            network,
            embedder=JointArcFace(embedders) if len(embedders) > 1 else next(iter(embedders), None),
            converter=converter,
            emap=emap,
            batching=Batching.on(network.provider),
        )
    except MasqueradeError:
        network.close()
        raise


def _network(spec: ModelSpec, execution: Execution, library: Library) -> Network:
    """The file, checked against the hash that it had when it came, with the variants made of it."""
    path, variants = library.path(spec.name), library.variants(spec.name)
    execution = execution.of_role(spec.role)
    helps = spec.role not in _DRAWING
    if helps and execution.precision == "int8" and "int8" not in variants:
        # Whoever asks for int8 means the large networks; the others go along as they are.
        execution = replace(execution, precision="auto")
    return load_network(
        path,
        execution,
        sha256=library.sha256(path),
        label=spec.name,
        variants=variants,
        draws=not helps,
        free_batch=spec.role == "swapper" and Batching.on(resolve(execution)[0][0]).may_gain(2),
    )
