"""The brought networks that settings ask for, opened within the memory budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from masquerade.core.errors import MemoryBudgetError, SettingsError
from masquerade.engine.leases import shared_leases
from masquerade.engine.library_shelf import LibraryShelf
from masquerade.engine.lowering import Lowered, fitting
from masquerade.runtime.budget import process_budget

if TYPE_CHECKING:
    from masquerade.core.execution import Execution
    from masquerade.core.settings import Settings
    from masquerade.models.enhancer import Enhancer
    from masquerade.models.library import Library
    from masquerade.models.network_detector import FindsFacesAt
    from masquerade.models.swapper import Swapper
    from masquerade.stages.crop_masks import Masker

__all__ = [
    "BroughtNetworks",
    "asked_models",
    "asked_networks",
    "check_models",
    "open_less",
    "open_networks",
]

EMBEDDED_SWAPPER, EMBEDDED_DETECTOR = "mesh", "blaze"
_MASKERS = {
    "occlusion": ("xseg_3", "xseg_2", "xseg_1", "xseg_dfl", "occluder"),
    "region": ("bisenet_resnet_34", "bisenet_resnet_18"),
}
"""Networks that tell a mask, the best first; the first installed one is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class BroughtNetworks:
    """Networks that are loaded. All of it is empty where the built-in ones do the work.

    Attributes:
        lowered: what was opened, after what had to be given up.
        swapper: draws the donor; None for the built-in one.
        enhancers: run on the swapped face in this order.
        maskers: limit it.
        detector: finds faces; None for the built-in one.
        parts: what those need: embedders and converters.
        rest: what could be given up further, in order.
    """

    lowered: Lowered
    swapper: Swapper | None = None
    enhancers: tuple[Enhancer, ...] = ()
    maskers: tuple[Masker, ...] = ()
    detector: FindsFacesAt | None = None
    parts: tuple[Any, ...] = ()
    rest: tuple[Lowered, ...] = ()

    @property
    def draws(self) -> bool:
        """Whether a network has a part in how faces look."""
        return self.swapper is not None or bool(self.enhancers)

    @property
    def held(self) -> tuple[Any, ...]:
        """All that is loaded, each once."""
        found = (self.swapper, *self.enhancers, *self.maskers, self.detector, *self.parts)
        return tuple({id(item): item for item in found if item is not None}.values())

    @property
    def names(self) -> tuple[str, ...]:
        """What swapped, enhanced and found faces, for reports: ``inswapper_128 (int8, cpu)``."""
        return tuple(
            f"{item.spec.name} ({item.network.precision}, {item.network.provider})"
            for item in self._working
        )

    @property
    def notices(self) -> tuple[str, ...]:
        """What the loader has to tell of them: which provider was chosen, what was replaced."""
        return tuple(text for item in self._working for text in item.network.notices)

    @property
    def _working(self) -> tuple[Any, ...]:
        found = (self.swapper, *self.enhancers, *self.maskers, self.detector)
        return tuple(item for item in cast("tuple[Any, ...]", found) if item is not None)


def asked_networks(settings: Settings) -> tuple[object, ...]:
    """All that settings say about which networks are loaded; equal where the same ones are."""
    return settings.model, settings.enhancer, settings.detector, _maskers(settings)


def asked_models(settings: Settings) -> tuple[str, ...]:
    """Names of the models that settings cannot do without."""
    names = [name for name in (settings.model,) if name != EMBEDDED_SWAPPER]
    names += settings.enhancer
    names += [name for name in (settings.detector,) if name != EMBEDDED_DETECTOR]
    return tuple(dict.fromkeys(names))


def check_models(settings: Settings, library: Library | None = None) -> None:
    """Make sure, before anything is loaded, that what is asked for is installed and fits its role.

    Raises:
        ModelError: one is unknown or missing; the message holds the command that gets it.
        LicenceError: its licence was not accepted.
        SettingsError: it does something else.
    """
    names = asked_models(settings)
    if not names:
        return
    library = library or _library()
    roles = dict.fromkeys(settings.enhancer, "enhancer")
    roles |= {settings.model: "swapper", settings.detector: "detector"}
    for name in names:
        spec = library.spec(name)
        if spec.role != roles[name]:
            raise SettingsError(
                f"{name} is a model of the kind {spec.role}, not {roles[name]}; "
                f"choose one from `masquerade models list`."
            )
        for needed in (name, *spec.needs):
            library.path(needed)


def open_networks(
    settings: Settings, execution: Execution, library: Library | None = None
) -> BroughtNetworks:
    """Open what settings ask for, or what of it fits into memory.

    Args:
        settings: ``model``, ``enhancer``, ``detector``, ``mask`` and ``swap_size`` are read.
        execution: where networks run; its limits were set before.
        library: where they are installed.

    Raises:
        MemoryBudgetError: not even the least of it fits.
        ModelError: one is missing, damaged or of another kind.
        LicenceError: a licence was not accepted.
        ProviderError: a provider that was asked for is not active.
    """
    wanted = Lowered(settings, execution, execution.precision)
    if not asked_models(settings) and not _maskers(settings):
        return BroughtNetworks(wanted)
    library = library or _library()
    check_models(settings, library)
    shelf = LibraryShelf(library)
    steps = tuple(fitting(settings, execution, shelf, _free_bytes(asked_models(settings))))
    return _first_that_fits(steps, library)


def open_less(opened: BroughtNetworks, library: Library | None = None) -> BroughtNetworks:
    """Open what takes less memory than what is open; the caller has let go of that.

    Raises:
        MemoryBudgetError: there is nothing left to give up.
    """
    if not opened.rest:
        raise MemoryBudgetError(
            "There is not enough memory for the networks, and nothing is left to be lowered; "
            "choose a smaller model, or `--model mesh`, which needs none."
        )
    return _first_that_fits(opened.rest, library or _library())


def _first_that_fits(steps: tuple[Lowered, ...], library: Library) -> BroughtNetworks:
    refusal: MemoryBudgetError | None = None
    for place, step in enumerate(steps):
        try:
            return _open(step, steps[place + 1 :], library)
        except MemoryBudgetError as error:
            refusal = error
    assert refusal is not None, "there is at least one step"
    raise refusal


def _open(wanted: Lowered, rest: tuple[Lowered, ...], library: Library) -> BroughtNetworks:
    from masquerade.models.opening import open_model

    shelf = LibraryShelf(library)
    parts: list[Any] = []
    loaded: list[Any] = []

    def opened(name: str) -> Any:
        execution, spec = wanted.execution_of(name, shelf), library.spec(name)
        found = open_model(name, execution, library)
        loaded.append(found)
        needed = (spec.embedder, spec.second_embedder, spec.converter)
        parts.extend(open_model(part, execution, library) for part in needed if part)
        return found

    try:
        return _opened_by(opened, wanted, parts, rest, library)
    except MemoryBudgetError:
        # What was opened before the one that did not fit is not to stand in the way of less.
        shared_leases().take([*loaded, *parts])
        shared_leases().give_back([*loaded, *parts], at_once=True)
        raise


def _opened_by(
    opened: Callable[[str], Any],
    wanted: Lowered,
    parts: list[Any],
    rest: tuple[Lowered, ...],
    library: Library,
) -> BroughtNetworks:
    settings = wanted.settings
    swaps, finds = settings.model != EMBEDDED_SWAPPER, settings.detector != EMBEDDED_DETECTOR
    return BroughtNetworks(
        wanted,
        swapper=opened(settings.model) if swaps else None,
        enhancers=tuple(opened(name) for name in settings.enhancer),
        maskers=tuple(opened(name) for name in _installed_maskers(settings, library)),
        detector=opened(settings.detector) if finds else None,
        parts=tuple(parts),
        rest=rest,
    )


def _maskers(settings: Settings) -> tuple[str, ...]:
    """Masks that a network could tell; only a network's face is limited by them."""
    draws = settings.model != EMBEDDED_SWAPPER
    return tuple(kind for kind in settings.mask if kind in _MASKERS) if draws else ()


def _installed_maskers(settings: Settings, library: Library) -> Iterator[str]:
    installed = {item.name for item in library.installed()}
    for kind in _maskers(settings):
        found = next((name for name in _MASKERS[kind] if name in installed), None)
        if found is not None:
            yield found


def _free_bytes(names: Iterable[str]) -> int:
    """What may be taken, counting what these very models hold already as free for them."""
    budget = process_budget()
    held = [claim.claim_bytes for claim in budget.report().claims if claim.label in set(names)]
    return budget.free_bytes + sum(held)


def _library() -> Library:
    from masquerade.models.library import Library

    return Library()
