"""The brought networks that settings ask for, opened within the memory budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import MemoryBudgetError
from masquerade.engine.asked import EMBEDDED, asked_models, check_models, cuts_by_network, idle
from masquerade.engine.leases import shared_leases
from masquerade.engine.library_shelf import LibraryShelf
from masquerade.engine.lowering import Lowered
from masquerade.engine.mask_networks import chosen_maskers, joined_maskers, network_masks
from masquerade.engine.strategy import USUAL_WH, choose_strategy
from masquerade.models.library import Library
from masquerade.runtime.budget import process_budget

if TYPE_CHECKING:
    from masquerade.core.execution import Execution
    from masquerade.core.settings import Settings
    from masquerade.models.enhancer import Enhancer
    from masquerade.models.landmarkers import BoxLandmarker, FiveLandmarker
    from masquerade.models.network_detector import FindsFacesAt
    from masquerade.models.swapper import Swapper
    from masquerade.models.upscaler import Upscaler
    from masquerade.stages.crop_masks import Masker

__all__ = ["BroughtNetworks", "open_less", "open_networks"]


@dataclass(frozen=True, slots=True, eq=False)
class BroughtNetworks:
    """Networks that are loaded. All of it is empty where the built-in ones do the work.

    Attributes:
        lowered: what was opened, after what had to be given up.
        swapper: draws the donor; None for the built-in one.
        enhancers: run on the swapped face in this order.
        upscaler: runs on the finished picture; None for none.
        maskers: limit it.
        landmarker: tells the five points by which faces are cut; None for the mesh.
        detector: finds faces; None for the built-in one.
        parts: what those need: embedders and converters.
        rest: what could be given up further, in order.
        remarks: sentences on what was named in vain.
    """

    lowered: Lowered
    swapper: Swapper | None = None
    enhancers: tuple[Enhancer, ...] = ()
    upscaler: Upscaler | None = None
    maskers: tuple[Masker, ...] = ()
    landmarker: BoxLandmarker | FiveLandmarker | None = None
    detector: FindsFacesAt | None = None
    parts: tuple[Any, ...] = ()
    rest: tuple[Lowered, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def draws(self) -> bool:
        """Whether a network has a part in how faces look."""
        return self.swapper is not None or bool(self.enhancers)

    @property
    def device(self) -> str:
        """Where the small networks gain by running too, beside the one that draws: "cuda:0" and
        the like, whose driver records runs; "" for the processor.
        """
        drawing = [item for item in (self.swapper, *self.enhancers) if item is not None]
        devices = sorted(drawing[0].network.devices) if drawing else []
        return next((name for name in devices if name.startswith("cuda:")), "")

    @property
    def joined_maskers(self) -> tuple[Masker, ...]:
        """The maskers, those that tell the same as one."""
        return joined_maskers(self.maskers)

    @property
    def held(self) -> tuple[Any, ...]:
        """All that is loaded, each once."""
        return tuple({id(item): item for item in (*self.working, *self.parts)}.values())

    @property
    def names(self) -> tuple[str, ...]:
        """What had a part in the faces, for reports: ``inswapper_128 (int8, cpu)``."""
        return tuple(
            f"{item.spec.name} ({item.network.precision}, {item.network.provider})"
            for item in self.working
        )

    @property
    def notices(self) -> tuple[str, ...]:
        """What there is to tell of them: what was named in vain; of the loader, which provider was
        chosen and what was replaced.
        """
        told = tuple(text for item in self.working for text in item.network.notices)
        return self.remarks + told

    @property
    def working(self) -> tuple[Any, ...]:
        """Those that draw, limit or find, without what they need."""
        drawing = (self.swapper, *self.enhancers, self.upscaler, *self.maskers)
        found = (*drawing, self.landmarker, self.detector)
        return tuple(item for item in found if item is not None)


def open_networks(
    settings: Settings,
    execution: Execution,
    library: Library | None = None,
    size_wh: tuple[int, int] = USUAL_WH,
) -> BroughtNetworks:
    """Open what settings ask for, or what of it fits into memory.

    Args:
        settings: ``swap_size``, ``tile``, ``mask`` and the names of networks are read.
        execution: where networks run; its limits were set before.
        library: where they are installed.
        size_wh: of the frames that will be under way, in pixels.

    Raises:
        MemoryBudgetError: not even the least of it fits.
        ModelError: one is missing, damaged or of another kind.
        LicenceError: a licence was not accepted.
        ProviderError: a provider that was asked for is not active.
    """
    wanted = Lowered(settings, execution, execution.precision)
    if not asked_models(settings) and not network_masks(settings):
        return BroughtNetworks(wanted)
    library = library or Library()
    check_models(settings, library)
    shelf = LibraryShelf(library)
    free_bytes = _free_bytes(asked_models(settings))
    strategy = choose_strategy(settings, execution, shelf, free_bytes, size_wh)
    return _first_that_fits(strategy.steps, library)


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
    return _first_that_fits(opened.rest, library or Library())


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
    swaps, finds = settings.model != EMBEDDED["swapper"], settings.detector != EMBEDDED["detector"]
    enlarges = settings.enhance_frame != EMBEDDED["upscaler"]
    return BroughtNetworks(
        wanted,
        swapper=opened(settings.model) if swaps else None,
        enhancers=tuple(opened(name) for name in settings.enhancer),
        upscaler=opened(settings.enhance_frame) if enlarges else None,
        maskers=tuple(opened(name) for name in chosen_maskers(settings, library)),
        landmarker=opened(settings.landmarker) if cuts_by_network(settings) else None,
        detector=opened(settings.detector) if finds else None,
        parts=tuple(parts),
        rest=rest,
        remarks=tuple(idle(settings, library)),
    )


def _free_bytes(names: Iterable[str]) -> int:
    """What may be taken, counting what these very models hold already as free for them."""
    budget = process_budget()
    held = [claim.claim_bytes for claim in budget.report().claims if claim.label in set(names)]
    return budget.free_bytes + sum(held)
