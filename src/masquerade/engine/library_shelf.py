"""What is installed on this machine, as far as lowering has to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from masquerade.runtime.providers import installed_providers

if TYPE_CHECKING:
    from masquerade.core.execution import Execution
    from masquerade.models.library import Library

__all__ = ["LibraryShelf"]


class LibraryShelf:
    """A library, as lowering asks for it; see :class:`masquerade.engine.lowering.Shelf`.

    Args:
        library: what is installed.
    """

    def __init__(self, library: Library) -> None:
        self._library = library

    def sizes(self, name: str) -> Mapping[str, int]:
        """Bytes of a model's installed files by precision."""
        files = self._library.variants(name)
        return {precision: path.stat().st_size for precision, path in files.items()}

    def side(self, name: str) -> int:
        """Side in pixels of the picture that a model draws."""
        return self._library.spec(name).size

    def scale(self, name: str) -> int:
        """How many times an upscaler enlarges the sides of a picture."""
        return self._library.spec(name).scale

    def leaner(self, execution: Execution) -> Execution | None:
        """With ONNX Runtime where OpenVINO might be taken on the processor; None elsewhere."""
        own = execution.options.get("cpu", {})
        on_processor = set(execution.providers) <= {"auto", "cpu"}
        if not on_processor or "library" in own or not installed_providers().openvino:
            return None
        options = {**execution.options, "cpu": {**own, "library": "onnxruntime"}}
        return replace(execution, providers=("cpu",), options=options)

    def smaller(self, name: str) -> str | None:
        """The next smaller installed model of the same role and family that may be used."""
        spec = self._library.spec(name)
        installed = (self._library.spec(item.name) for item in self._library.installed())
        siblings = [
            other
            for other in installed
            if (other.role, other.family) == (spec.role, spec.family)
            and other.size < spec.size
            and self._library.licences.accepted(other)
        ]
        return max(siblings, key=lambda other: (other.size, other.name)).name if siblings else None
