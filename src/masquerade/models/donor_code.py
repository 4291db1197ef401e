"""A donor as networks know it: photos going in, one code for each swapper coming out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DonorCode", "Portrait", "Portraits"]


class Portrait(Protocol):
    """A donor's face cut out of a photo."""

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """uint8 (H, W, 3) BGR; 512 squared, cut by the template ``ffhq_512``."""
        ...

    @property
    def kps(self) -> NDArray[np.float32]:
        """float32 (5, 2) in these pixels, in the order of ``Face.kps``."""
        ...


Portraits = Sequence[Portrait]
"""One or more of the same donor, the best first."""


@dataclass(frozen=True, slots=True, eq=False)
class DonorCode:
    """What one swapper makes of a donor, worked out once.

    Attributes:
        model: name of the swapper that it belongs to.
        source: what is fed: (1, D), or (1, 3, S, S) for swappers that look at a picture.
        embedding: float32 (D,) as the embedder gave it, from which ``source`` was made; None for
            swappers that look at a picture.
    """

    model: str
    source: NDArray[Any]
    embedding: NDArray[np.float32] | None = None
