"""Networks that an engine holds: lowered where memory runs out, given back at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from masquerade.core.errors import MemoryBudgetError
from masquerade.core.lifetimes import Closing
from masquerade.engine.asked import asked_networks
from masquerade.engine.asked_providers import prove_active
from masquerade.engine.brought import BroughtNetworks, open_less, open_networks
from masquerade.engine.leases import shared_leases
from masquerade.engine.strategy import USUAL_WH

if TYPE_CHECKING:
    from masquerade.core.execution import Execution
    from masquerade.core.settings import Settings

__all__ = ["HeldNetworks"]


class HeldNetworks(Closing):
    """What the settings of an engine ask for, for as long as they ask for the same.

    Args:
        settings: name the networks.
        execution: where they run.
        notice: is told, in a sentence each, what had to be given up.
        size_wh: of the frames that will be under way, in pixels.

    Raises:
        MemoryBudgetError: not even the least of it fits.
        ModelError: a network is missing, damaged or of another kind.
        LicenceError: a licence was not accepted.
        ProviderError: a provider that was asked for is not active.
    """

    def __init__(
        self,
        settings: Settings,
        execution: Execution,
        notice: Callable[[str], None],
        size_wh: tuple[int, int] = USUAL_WH,
    ) -> None:
        self._wanted, self._notice = settings, notice
        self._lock = threading.RLock()
        self._closed = False
        self._networks = open_networks(settings, execution, size_wh=size_wh)
        self._take(self._networks, ())
        if not self._networks.held:
            for sentence in prove_active(execution):
                notice(sentence)

    @property
    def networks(self) -> BroughtNetworks:
        """Those that are open now."""
        return self._networks

    def settled(self) -> BroughtNetworks:
        """Those that are open once nothing is being lowered; waits for that."""
        with self._lock:
            return self._networks

    @property
    def closed(self) -> bool:
        """Whether they were given back."""
        return self._closed

    def serves(self, settings: Settings) -> bool:
        """Whether these settings ask for the same networks."""
        return asked_networks(settings) == asked_networks(self._wanted)

    def effective(self, settings: Settings) -> Settings:
        """Settings with what had to be given up."""
        lowered = self._networks.lowered.settings
        given_up = lowered.swap_size != self._wanted.swap_size
        return settings.replace(
            enhancer=lowered.enhancer,
            swap_size=lowered.swap_size if given_up else settings.swap_size,
        )

    def lower(self, failed: BroughtNetworks) -> None:
        """Open what takes less memory than what has just run out of it.

        Args:
            failed: what had been open; where that was lowered meanwhile, nothing is done.

        Raises:
            MemoryBudgetError: nothing is left to give up.
        """
        with self._lock:
            if self._closed or failed is not self._networks:
                return
            said = failed.lowered.sentences
            # The large ones go before others are opened; the rest is shared with those.
            drawing = (*failed.enhancers, failed.swapper, failed.upscaler)
            large = [item for item in drawing if item is not None]
            kept = [item for item in failed.held if item not in large]
            self._networks = BroughtNetworks(failed.lowered)
            if large:
                shared_leases().give_back(large, at_once=True)
            try:
                self._networks = open_less(failed)
                self._take(self._networks, said)
            except MemoryBudgetError:
                self._notice("No network fits into memory any more: the built-in swapper draws.")
                raise
            finally:
                if kept:
                    shared_leases().give_back(kept)

    def close(self) -> None:
        """Give them back; may be called twice."""
        with self._lock:
            held = () if self._closed else self._networks.held
            self._closed = True
            if held:
                shared_leases().give_back(held)

    def _take(self, networks: BroughtNetworks, said: tuple[str, ...]) -> None:
        if networks.held:
            shared_leases().take(networks.held)
        for sentence in (*networks.lowered.sentences[len(said) :], *networks.notices):
            self._notice(sentence)
