"""Whether a graph takes and gives what a model of the catalogue does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from masquerade.models.ports import could_be

if TYPE_CHECKING:
    from masquerade.models.spec import ModelSpec
    from masquerade.runtime.graph_facts import GraphFacts
    from masquerade.runtime.network import Port

__all__ = ["fits", "looks_like"]

_EMBEDDING = (None, 512)
_YUNET_OUTPUTS = 12
_SCRFD_OUTPUTS = 9


def fits(spec: ModelSpec, facts: GraphFacts, *, has_emap: bool) -> bool:
    """Whether the shapes are those of the model.

    Args:
        spec: of the model.
        facts: of the graph.
        has_emap: whether it holds a (512, 512) weight, as InSwapper does.
    """
    inputs, outputs = facts.inputs, facts.outputs
    if spec.role == "swapper":
        return _fits_swapper(spec, inputs, outputs, has_emap)
    if spec.role == "upscaler":
        return _fits_upscaler(spec, inputs, outputs)
    if len(inputs) != (2 if spec.takes_weight else 1):
        return False
    if spec.takes_weight and not any(len(port.shape) <= 1 for port in inputs):
        return False
    taken = next((port for port in inputs if _takes(port, *_input_shape(spec))), None)
    return taken is not None and _GIVES[spec.role](spec, outputs)


def looks_like(facts: GraphFacts) -> str:
    """Inputs and outputs in words: ``takes 1x3x128x128 and 1x512, gives 1x3x128x128``."""
    return f"takes {_shapes(facts.inputs)}, gives {_shapes(facts.outputs)}"


def _shapes(ports: Sequence[Port]) -> str:
    told = ["x".join(str(side or "?") for side in port.shape) or "a number" for port in ports[:4]]
    more = [f"{len(ports) - 4} more"] if len(ports) > 4 else []
    return " and ".join([*told, *more]) or "nothing"


def _takes(port: Port, *shape: int | None) -> bool:
    """Whether the port is made for that shape; one that leaves most sides open says nothing."""
    return could_be(port, *shape)


def _input_shape(spec: ModelSpec) -> tuple[int | None, ...]:
    if spec.role == "converter":
        return _EMBEDDING
    if spec.family == "fan_68_5":
        return (None, 5, 2)
    size = spec.size
    return (None, size, size, 3) if spec.layout == "nhwc" else (None, 3, size, size)


def _fits_swapper(
    spec: ModelSpec, inputs: Sequence[Port], outputs: Sequence[Port], has_emap: bool
) -> bool:
    source = spec.source
    if source is None or len(inputs) != 2:
        return False
    target = (None, 3, spec.size, spec.size)
    given = (None, 3, source.size, source.size) if source.kind == "image" else _EMBEDDING
    first, second = inputs
    pairs = ((first, second), (second, first))
    if not any(could_be(a, *target) and could_be(b, *given) for a, b in pairs):
        return False
    if not any(could_be(port, *target) for port in outputs):
        return False
    if len(outputs) > 1 and spec.family != "hyperswap":
        return False
    if spec.family == "reswapper":
        return not has_emap
    wants_emap = source.kind == "latent" and not spec.emap_from
    return has_emap or not wants_emap


def _fits_upscaler(spec: ModelSpec, inputs: Sequence[Port], outputs: Sequence[Port]) -> bool:
    """Whether pictures of any size go in and come out, or of sides that differ by the scale."""
    picture = (None, 3, None, None)
    if len(inputs) != 1 or not could_be(inputs[0], *picture) or not outputs:
        return False
    taken, given = inputs[0].shape[2:], outputs[0].shape[2:]
    if outputs[0].shape and not could_be(outputs[0], *picture):
        return False
    if None in taken:
        return not outputs[0].shape or set(given) == {None}
    return all(b is None or b == spec.scale * (a or 0) for a, b in zip(taken, given, strict=False))


def _gives_enhanced(spec: ModelSpec, outputs: Sequence[Port]) -> bool:
    return any(could_be(port, None, 3, spec.size, spec.size) for port in outputs)


def _gives_faces(spec: ModelSpec, outputs: Sequence[Port]) -> bool:
    if spec.family == "yoloface":
        return len(outputs) == 1 and could_be(outputs[0], None, 20, None)
    return len(outputs) == (_YUNET_OUTPUTS if spec.family == "yunet" else _SCRFD_OUTPUTS)


def _gives_points(spec: ModelSpec, outputs: Sequence[Port]) -> bool:
    points = spec.points
    if spec.family == "2d106":
        return len(outputs) == 1 and could_be(outputs[0], None, 2 * points)
    if spec.family == "1k3d68":
        return len(outputs) == 1 and could_be(outputs[0], None, 3309)
    if spec.family == "fan_68_5":
        return could_be(outputs[0], None, points, 2)
    heat_maps = any(could_be(port, None, points, None, None) for port in outputs)
    return could_be(outputs[0], None, points, 3) and heat_maps == (spec.family == "2dfan4")


def _gives_embedding(_spec: ModelSpec, outputs: Sequence[Port]) -> bool:
    return any(could_be(port, *_EMBEDDING) for port in outputs)


def _gives_mask(spec: ModelSpec, outputs: Sequence[Port]) -> bool:
    size = spec.size
    if spec.family == "bisenet":
        return could_be(outputs[0], None, 19, size, size)
    if spec.layout == "nhwc":
        return could_be(outputs[0], None, size, size, 1)
    return could_be(outputs[0], None, 1, size, size)


_GIVES: dict[str, Callable[[ModelSpec, Sequence[Port]], bool]] = {
    "enhancer": _gives_enhanced,
    "detector": _gives_faces,
    "landmarker": _gives_points,
    "embedder": _gives_embedding,
    "converter": _gives_embedding,
    "masker": _gives_mask,
}
