"""What the functional stand-ins are made of: a graph in the making, in single or half precision."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto

from masquerade.testing.networks.draft import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import ModelProto

    from masquerade.models.spec import ModelFile, ModelSpec

__all__ = ["Drawing"]

Side = int | str | None
_OPSET = 13


@dataclass
class Drawing:
    """One stand-in in the making.

    Its inputs and outputs are float32 whatever is within, as in the published files, unless
    ``half_ports`` is set.

    Attributes:
        spec: of the model.
        file: which of its published files it stands in for.
        batch: first axis of inputs and outputs: 1, as published, or a name for any.
        half_ports: whether inputs and outputs are float16 too.
    """

    spec: ModelSpec
    file: ModelFile
    batch: int | str = 1
    half_ports: bool = False
    _draft: Draft = field(init=False)
    _inputs: dict[str, tuple[int, tuple[Side, ...]]] = field(init=False, default_factory=dict)
    _outputs: dict[str, tuple[str, tuple[Side, ...]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._draft = Draft(self.spec.name, opset=_OPSET)
        self.half = self.file.precision == "fp16" or self.half_ports
        self._kind = TensorProto.FLOAT16 if self.half else TensorProto.FLOAT
        self.port_kind = TensorProto.FLOAT16 if self.half_ports else TensorProto.FLOAT

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add one node; the result's name."""
        return str(self._draft.node(operator, *inputs, **attributes))

    def number(self, values: Any) -> str:
        """Add a constant in the precision of the stand-in."""
        return self._draft.constant(values, np.float16 if self.half else np.float32)

    def whole(self, values: Sequence[int]) -> str:
        """Add an int64 constant: axes, shapes, pads."""
        return self._draft.constant(list(values), np.int64)

    def single(self, values: Sequence[float]) -> str:
        """Add a float32 constant whatever the precision is: the scales of ``Resize``."""
        return self._draft.constant(list(values), np.float32)

    def feed(self, name: str, *shape: Side, kind: int = 0) -> str:
        """Declare an input; its name as further nodes take it, cast where that is needed."""
        kind = kind or self.port_kind
        self._inputs[name] = kind, (self.batch, *shape)
        return name if kind == self._kind else self.node("Cast", name, to=self._kind)

    def scalar(self, name: str, kind: int) -> str:
        """Declare an input of one number, (1,)."""
        self._inputs[name] = kind, (1,)
        return name if kind == self._kind else self.node("Cast", name, to=self._kind)

    def give(self, name: str, result: str, *shape: Side) -> None:
        """Declare an output; ``shape`` is all of it."""
        if self.port_kind != self._kind:
            result = self.node("Cast", result, to=self.port_kind)
        # A node of its own, so that one result may be given twice.
        self._outputs[name] = self.node("Identity", result), shape

    def affine(self, x: str, gain: Any, shift: Any) -> str:
        """``x * gain + shift``."""
        scaled = self.node("Mul", x, self.number(gain))
        return self.node("Add", scaled, self.number(shift))

    def channel(self, x: str, place: int, axis: int = 1) -> str:
        """One channel, its axis kept."""
        return self.node(
            "Slice", x, self.whole([place]), self.whole([place + 1]), self.whole([axis])
        )

    def colours(self, x: str) -> tuple[str, str, str]:
        """Red, green and blue of a picture that was normalised, 0..1, (N, 1, H, W) each."""
        spec = self.spec
        if spec.layout == "nhwc":
            x = self.node("Transpose", x, perm=[0, 3, 1, 2])
        parts = [
            self.affine(self.channel(x, place), spec.std[place], spec.mean[place])
            for place in range(3)
        ]
        if spec.color == "bgr":
            parts.reverse()
        return parts[0], parts[1], parts[2]

    def redness(self, x: str) -> str:
        """How far red stands out, 0..1, (N, 1, H, W)."""
        red, green, blue = self.colours(x)
        others = self.node("Mul", self.node("Add", green, blue), self.number(0.5))
        return self.node("Relu", self.node("Sub", red, others))

    def random(self, *shape: int) -> Any:
        """Normal random numbers, the same for every file of the same shape."""
        return np.random.default_rng(list(shape)).standard_normal(shape)

    def model(self, last: Any = None) -> ModelProto:
        """The finished model.

        Args:
            last: a constant that becomes the last of the initialisers.
        """
        if last is not None:
            self.number(last)
        inputs = {name: shape for name, (_, shape) in self._inputs.items()}
        model = self._draft.model(inputs, self._outputs)  # type: ignore[arg-type]
        for port in model.graph.input:
            port.type.tensor_type.elem_type = self._inputs[port.name][0]
        for port in model.graph.output:
            port.type.tensor_type.elem_type = self.port_kind
        return model
