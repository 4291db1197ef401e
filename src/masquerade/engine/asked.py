"""Which brought networks settings ask for, and whether they may be had."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from masquerade.core.errors import SettingsError
from masquerade.engine.lowering import NO_UPSCALER
from masquerade.engine.mask_networks import idle_maskers, network_masks
from masquerade.models.library import Library

if TYPE_CHECKING:
    from masquerade.core.settings import Settings
    from masquerade.models.spec import Role

__all__ = ["EMBEDDED", "asked_models", "asked_networks", "check_models", "cuts_by_network", "idle"]

EMBEDDED: dict[Role, str] = {
    "swapper": "mesh",
    "upscaler": NO_UPSCALER,
    "landmarker": "mesh",
    "detector": "blaze",
}
"""What settings call the built-in one of a kind, or that there is to be none."""


def asked_networks(settings: Settings) -> tuple[object, ...]:
    """All that settings say about which networks are loaded; equal where the same ones are."""
    return _named(settings), network_masks(settings)


def asked_models(settings: Settings) -> tuple[str, ...]:
    """Names of the models that settings cannot do without."""
    return tuple(dict.fromkeys(name for _, name in _named(settings)))


def check_models(settings: Settings, library: Library | None = None) -> None:
    """Make sure, before anything is loaded, that what is asked for is installed and fits its role.

    Raises:
        ModelError: one is unknown or missing; the message holds the command that gets it.
        LicenceError: its licence was not accepted.
        SettingsError: it does something else.
    """
    named = _named(settings)
    if not named:
        return
    library = library or Library()
    for role, name in named:
        spec = library.spec(name)
        if spec.role != role:
            raise SettingsError(
                f"{name} is a model of the kind {spec.role}, not {role}; "
                f"choose one from `masquerade models list`."
            )
        for needed in (name, *spec.needs):
            library.path(needed)


def cuts_by_network(settings: Settings) -> bool:
    """Whether a landmark network is named, and faces are cut for networks at all."""
    draws = settings.model != EMBEDDED["swapper"] or bool(settings.enhancer)
    return draws and settings.landmarker != EMBEDDED["landmarker"]


def idle(settings: Settings, library: Library) -> Iterator[str]:
    """For each network that is named in vain a sentence that says why."""
    yield from idle_maskers(settings, library)
    if settings.landmarker != EMBEDDED["landmarker"] and not cuts_by_network(settings):
        yield f"{settings.landmarker} is not used: no network draws that a face is cut out for."


def _named(settings: Settings) -> tuple[tuple[Role, str], ...]:
    """Role and name of each network that is named."""
    named: list[tuple[Role, str]] = [("swapper", settings.model)]
    named += [("enhancer", name) for name in settings.enhancer]
    named.append(("upscaler", settings.enhance_frame))
    named += [("masker", name) for name in settings.masker]
    named += [("landmarker", settings.landmarker), ("detector", settings.detector)]
    return tuple((role, name) for role, name in named if EMBEDDED.get(role) != name)
