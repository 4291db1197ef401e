"""Creative effects from plug-ins, drawn on the finished swap and below the label.

A plug-in is a package with an entry point in the group ``masquerade.effects``: its name is what
``Settings.effect`` asks for, its object is called without arguments and returns an
:class:`Effect`. ``examples/effect_plugin`` is one.
"""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from masquerade.core.errors import SettingsError
from masquerade.core.frame import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from masquerade.core.face import Face
    from masquerade.core.frame import FrameJob

__all__ = ["GROUP", "Effect", "Effects", "effect_names", "load_effect"]

GROUP = "masquerade.effects"
"""The group of entry points that is looked through."""


@runtime_checkable
class Effect(Protocol):
    """Something that draws on finished frames. Frames of a stream come in order, in one thread."""

    def apply(self, frame_bgr: NDArray[np.uint8], faces: Sequence[Face]) -> NDArray[np.uint8]:
        """The frame with the effect.

        Args:
            frame_bgr: uint8 (H, W, 3), the picture as it is shown: swapped, without a label. It
                may be drawn on.
            faces: all faces of the frame; ``selected`` ones were swapped or hidden.

        Returns:
            uint8 (H, W, 3), the same array or another one.
        """
        ...


def effect_names() -> tuple[str, ...]:
    """The names of all installed effects, sorted."""
    return tuple(sorted({item.name for item in importlib.metadata.entry_points(group=GROUP)}))


def load_effect(name: str) -> Effect:
    """Make an installed effect.

    Raises:
        SettingsError: none of that name is installed, two packages have one, or it cannot be made.
    """
    found = tuple(importlib.metadata.entry_points(group=GROUP, name=name))
    if not found:
        known = ", ".join(effect_names()) or "none"
        raise SettingsError(
            f"There is no effect {name!r}; install its package (installed now: {known})."
        )
    if len({point.value for point in found}) > 1:
        raise SettingsError(f"Two packages bring an effect {name!r}; uninstall one of them.")
    try:
        effect = found[0].load()()
    except Exception as error:
        raise SettingsError(
            f"The effect {name!r} cannot be loaded ({type(error).__name__}: {error}); "
            "update or leave it out."
        ) from error
    if not isinstance(effect, Effect):
        raise SettingsError(f"The effect {name!r} has no method `apply`; update or leave it out.")
    return effect


class Effects:
    """The stage between the compositor and the label.

    An effect that fails leaves a failure on that one frame and is not called again until
    :meth:`configure`: the swap goes on without it. Its failure is no face's and not the whole
    frame's, since nothing real can come into view by leaving an effect out.

    Args:
        names: of the effects, in the order in which they draw.

    Raises:
        SettingsError: see :func:`load_effect`.
    """

    name = "effects"

    def __init__(self, names: Sequence[str]) -> None:
        self._effects = self.prepare(names)

    @staticmethod
    def prepare(names: Sequence[str]) -> dict[str, Effect]:
        """What :meth:`configure` takes; loading may take its time, so it is done beforehand.

        Raises:
            SettingsError: see :func:`load_effect`.
        """
        return {name: load_effect(name) for name in names}

    def configure(self, effects: dict[str, Effect]) -> None:
        """Draw these from the next frame on; those that have failed before are tried again."""
        self._effects = dict(effects)

    def process(self, job: FrameJob) -> FrameJob:
        """Let every effect draw on the job's output."""
        for name, effect in tuple(self._effects.items()):
            try:
                drawn = _checked(effect.apply(job.output.copy(), tuple(job.faces)), job)
            except Exception as error:  # noqa: BLE001 - foreign code: it may raise anything
                del self._effects[name]
                reason = f"the effect {name!r} failed and is left out ({error})"
                job.failures.append(Failure(self.name, reason, track_id=-1))
                continue
            job.writable_output()[:] = drawn
        return job

    def reset(self) -> None:
        """A new stream; effects that keep something of a stream have a method ``reset``."""
        for effect in self._effects.values():
            forget = getattr(effect, "reset", None)
            if callable(forget):
                forget()


def _checked(drawn: object, job: FrameJob) -> NDArray[np.uint8]:
    shape = job.output.shape
    if not isinstance(drawn, np.ndarray) or drawn.shape != shape or drawn.dtype != np.uint8:
        raise SettingsError(f"It must return uint8 of shape {shape}; update or leave it out.")
    return drawn
