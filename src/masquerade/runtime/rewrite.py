"""The passes that a brought network goes through before it is loaded, in their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from masquerade.runtime.single_precision import to_single

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["Rewritten", "rewrite"]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A network after its passes.

    Attributes:
        model: computes what the brought one did, to rounding. It may be beyond the 2 GB that fit
            into one protobuf message: save it with external data then.
        applied: what was done, in words; empty when nothing was.
    """

    model: ModelProto
    applied: tuple[str, ...]


def rewrite(
    model: ModelProto,
    *,
    winograd: bool,
    free_batch: bool,
    single: bool = True,
    prelu: bool = True,
) -> Rewritten:
    """Rewrite a network for the device that will run it.

    Args:
        model: checked by :func:`masquerade.runtime.onnx_file.read_model`; it is changed.
        winograd: write 3x3 convolutions as matrix products where that is quicker on a CPU; the
            weights grow by :func:`masquerade.runtime.winograd.winograd_cost`.
        free_batch: let the network take several faces at once, where the graph permits.
        single: turn half precision into float32, which is what CPUs compute in.
        prelu: write PRelu as convolutions and means as pooling, which ONNX Runtime computes faster
            on a CPU.

    Raises:
        ModelError: the graph contradicts itself.
    """
    # These need the onnx package at once, which takes a while to import.
    from masquerade.runtime.free_batch import free_batch as open_batch
    from masquerade.runtime.modulation import move_modulation
    from masquerade.runtime.prelu import split_prelu
    from masquerade.runtime.spatial_mean import pool_means
    from masquerade.runtime.winograd import apply_winograd

    def once(open_: bool) -> int:
        return int(open_ and open_batch(model))

    passes = (
        (to_single(model, half=single), "{} weights and casts turned into float32"),
        (move_modulation(model), "{} modulated convolutions given constant weights"),
        (once(free_batch), "several faces at once"),
        (split_prelu(model) if prelu else 0, "{} PRelu written as convolutions"),
        (pool_means(model) if prelu else 0, "{} means written as pooling"),
        (apply_winograd(model) if winograd else 0, "{} convolutions as matrix products (Winograd)"),
    )
    return Rewritten(model, tuple(words.format(count) for count, words in passes if count))
