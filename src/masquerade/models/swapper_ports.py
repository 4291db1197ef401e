"""Which port of a swapper's file takes the target, which the donor, and which returns the face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from masquerade.models.ports import could_be, could_give, only, picture_side, wrong_ports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from masquerade.models.spec import ModelSpec
    from masquerade.runtime.network import Network, Port

__all__ = ["SwapperPorts"]


@dataclass(frozen=True, slots=True)
class SwapperPorts:
    """The ports of a swapper by what they do.

    Attributes:
        target: takes the crop, (N, 3, S, S).
        source: takes the donor, (N, D) or (N, 3, S', S').
        face: place of the swapped face among the outputs.
        mask: place of the mask among the outputs, (N, 1, S, S); None where there is none.
        size: S.
        batch: whether several faces may be fed at a time.
    """

    target: Port
    source: Port
    face: int
    mask: int | None
    size: int
    batch: bool

    @classmethod
    def bind(cls, spec: ModelSpec, network: Network) -> SwapperPorts:
        """Tell them by rank and lengths; by name only where two pictures are of one size.

        Raises:
            ModelError: the file's inputs or outputs are not those of the model.
        """
        target, source = _inputs(spec, network.input_ports)
        size = picture_side(target) or spec.size
        if size != spec.size:
            raise wrong_ports(spec.name, f"input of {spec.size} pixels", network.input_ports)
        outputs = network.output_ports
        faces = [port for port in outputs if could_give(port, None, 3, size, size)]
        masks = [port for port in outputs if could_be(port, None, 1, size, size)]
        # A port of open lengths fits both; the face comes first then.
        face = only(faces, spec.name, "output picture", outputs)
        masks = [port for port in masks if port is not face]
        used = (target, source, face)
        return cls(
            target=target,
            source=source,
            face=outputs.index(face),
            mask=outputs.index(masks[0]) if masks else None,
            size=size,
            batch=all(port.shape[:1] == (None,) for port in used),
        )


def _inputs(spec: ModelSpec, ports: Sequence[Port]) -> tuple[Port, Port]:
    """Target and source."""
    assert spec.source is not None
    if len(ports) != 2:
        raise wrong_ports(spec.name, "pair of a target and a source input", ports)
    targets = [port for port in ports if could_be(port, None, 3, spec.size, spec.size)]
    if spec.source.kind != "image":
        sources = [port for port in ports if len(port.shape) == 2]
    else:
        side = spec.source.size
        sources = [port for port in ports if could_be(port, None, 3, side, side)]
    if len(targets) == len(sources) == 2:
        named = [port for port in ports if "source" in port.name.lower()]
        sources = named if len(named) == 1 else sources[1:]
        targets = [port for port in targets if port is not sources[0]]
    target = only(targets, spec.name, f"target input of {spec.size} pixels", ports)
    source = only(
        [port for port in sources if port is not target], spec.name, "source input", ports
    )
    return target, source
