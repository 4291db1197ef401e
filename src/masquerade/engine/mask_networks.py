"""Which brought networks tell a face's masks: those that are named, else the best installed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, cast

from masquerade.models.maskers import JointMasker, Masker, mask_kind

if TYPE_CHECKING:
    from masquerade.core.settings import Settings
    from masquerade.models.library import Library
    from masquerade.stages.crop_masks import Masker as AnyMasker

__all__ = ["chosen_maskers", "idle_maskers", "joined_maskers", "network_masks"]

_BEST_FIRST = {
    "occlusion": ("xseg_3", "xseg_2", "xseg_1", "xseg_dfl", "xseg_dfl_roop", "occluder"),
    "region": ("bisenet_resnet_34", "bisenet_resnet_18"),
}
"""Networks that tell a mask; where none is named the first installed one is taken."""


def network_masks(settings: Settings) -> tuple[str, ...]:
    """Masks that a network could tell; only a network's face is limited by them."""
    draws = settings.model != "mesh"
    return tuple(kind for kind in settings.mask if kind in _BEST_FIRST) if draws else ()


def chosen_maskers(settings: Settings, library: Library) -> Iterator[str]:
    """Names of the networks that tell the settings' masks.

    Args:
        settings: ``mask`` and ``masker`` are read.
        library: what is installed.

    Raises:
        ModelError: a network that is named is unknown.
    """
    installed = {item.name for item in library.installed()}
    for kind in network_masks(settings):
        named = [name for name in settings.masker if mask_kind(library.spec(name)) == kind]
        best = [name for name in _BEST_FIRST[kind] if name in installed]
        yield from dict.fromkeys(named or best[:1])


def idle_maskers(settings: Settings, library: Library) -> Iterator[str]:
    """For each network that is named in vain a sentence that says why.

    Raises:
        ModelError: one is unknown.
    """
    for name in dict.fromkeys(settings.masker):
        kind = mask_kind(library.spec(name))
        if settings.model == "mesh":
            yield f"{name} is not used: masks limit a network's face, and none draws one."
        elif kind not in settings.mask:
            yield f"{name} is not used: it tells the mask {kind}; add `--mask {kind}`."


def joined_maskers(maskers: Iterable[AnyMasker]) -> tuple[AnyMasker, ...]:
    """One masker for each kind: several that tell the same hold together.

    Raises:
        ModelError: they look at crops of different sizes.
    """
    kinds: dict[str, list[AnyMasker]] = {}
    for masker in maskers:
        kinds.setdefault(mask_kind(masker.spec), []).append(masker)
    return tuple(
        parts[0] if len(parts) == 1 else JointMasker(cast("list[Masker]", parts))
        for parts in kinds.values()
    )
