"""An engine's stages: which ones, in what order, and what they turn into while they run."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import InputError, MasqueradeError
from masquerade.core.lifetimes import Closing
from masquerade.engine.asked import EMBEDDED
from masquerade.engine.changes import networks_change, settings_change
from masquerade.engine.face_rules import FaceRules
from masquerade.engine.finding import face_finder, finding_stages
from masquerade.engine.held_networks import HeldNetworks
from masquerade.engine.lowering import NO_UPSCALER
from masquerade.engine.networks import shared_networks
from masquerade.engine.strategy import USUAL_WH, Strategy, frames_under_way
from masquerade.engine.target_check import TargetCheck
from masquerade.engine.thrifty_frame import ThriftyFrame
from masquerade.engine.thrifty_maker import ThriftyMaker
from masquerade.pipeline.conceal import Concealment
from masquerade.pipeline.line import Line
from masquerade.runtime.budget import device_budget, process_budget
from masquerade.stages.awaited import Awaited
from masquerade.stages.composite import Composite
from masquerade.stages.content import Veil
from masquerade.stages.disclose import Disclose
from masquerade.stages.effects import Effects
from masquerade.stages.enhance_frame import EnhanceFrame
from masquerade.stages.network_swap import NetworkSwap
from masquerade.stages.select import Select
from masquerade.stages.strict import Strict
from masquerade.stages.swap import Swap
from masquerade.trust.badge import make_badge
from masquerade.trust.watermark import Watermark, new_number

if TYPE_CHECKING:
    from masquerade.core.execution import Execution
    from masquerade.core.face import Attributes
    from masquerade.core.frame import Change
    from masquerade.core.protocols import Stage
    from masquerade.core.settings import Settings
    from masquerade.stages.identity import Identity

__all__ = ["Staging"]

References = Mapping[str, "Attributes | int"]


class Staging(Closing):
    """Makes lines of stages for an engine, with the built-in networks or with brought ones.

    Args:
        execution: where brought networks run, and what they may take; sets the budgets.
        rules: whose faces may be used.
        clock: seconds; what the stages' times are measured with.

    Attributes:
        target_check: what was found in targets.
        mark: the invisible mark of live pictures, of a number of its own.
    """

    def __init__(
        self,
        execution: Execution,
        rules: FaceRules | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._execution, self._clock = execution, clock
        self.target_check = TargetCheck(rules or FaceRules(), self._notice)
        self.mark = Watermark(new_number())
        self._said: tuple[str, ...] = ()
        self._held: HeldNetworks | None = None
        self._opened: list[HeldNetworks] = []
        self._swaps: weakref.WeakSet[NetworkSwap] = weakref.WeakSet()
        self._retiring: list[threading.Thread] = []
        self._size_wh = USUAL_WH
        self._set_limits()

    @property
    def notices(self) -> tuple[str, ...]:
        """What had to be given up or has no effect, one sentence each, the oldest first."""
        # Networks that were loaded anew in the middle of a stream tell it themselves.
        for sentence in () if self._held is None else self._held.networks.notices:
            self._notice(sentence)
        return (*self.target_check.notices, *self._said)

    def expect(self, size_wh: tuple[int, int]) -> None:
        """Frames of this size, in pixels, will be under way: networks leave room for them."""
        self._size_wh = size_wh

    def strategy(self, size_wh: tuple[int, int]) -> Strategy:
        """How many frames of a size may be under way beside the networks that are open."""
        frames = frames_under_way(size_wh, process_budget().free_bytes)
        networks = None if self._held is None else self._held.networks
        return Strategy(frames, () if networks is None else (networks.lowered, *networks.rest))

    @property
    def models(self) -> tuple[str, ...]:
        """The brought networks that draw or find, or did until the end, each with precision and
        provider.
        """
        return () if self._held is None else self._held.networks.names

    @property
    def networks(self) -> tuple[Any, ...]:
        """The same, as what was opened."""
        return () if self._held is None else self._held.networks.working

    def line(
        self,
        settings: Settings,
        identities: Mapping[str, Identity],
        references: References,
        *,
        still: bool = False,
        live: bool = False,
    ) -> Line:
        """New stages in the order of the frame's way; networks are opened where they are not.

        Args:
            settings: how to swap.
            identities: the donors by name.
            references: whom each donor replaces.
            still: for single pictures.
            live: for streams that may be told to work otherwise while they run.

        Raises:
            InputError: a donor was saved without what networks need.
            RuntimeSetupError: a network is missing, broken, or does not fit into memory.
        """
        if live:
            settings = self._without_upscaler(settings)
        held = self._open(settings, identities)
        if still:
            settings = settings.replace(refresh="every")
        networks = shared_networks(settings.threads, held.networks.device)
        find, track = finding_stages(settings, held.networks.detector, held.networks.device)
        select = Select(networks.embedder, settings, identities, references)
        content, permit = self.target_check.stages(settings, identities, live=live)
        effects = [Effects(settings.effect)] if live or settings.effect else []
        enhance = ThriftyFrame(held, self._notice).enhance
        mark = self._live_mark(settings) if live else None
        last = [[EnhanceFrame(enhance, settings)]] if settings.enhance_frame != NO_UPSCALER else []
        return Line(
            [
                [find, track, content, select, permit],
                [self._swap(settings, identities, held)],
                [Awaited(), Composite(settings), Strict(networks.heads, settings), *effects],
                *last,
            ],
            finish=[Veil(), Disclose(make_badge(settings.label), mark)],
            concealment=Concealment(settings.on_lost, settings.hold_s),
            give_up_after=1 if still else 30,
            clock=self._clock,
        )

    def change(
        self,
        settings: Settings,
        identities: Mapping[str, Identity],
        references: References,
        by_hand: Mapping[int, str | None],
        *,
        new_donors: bool = False,
    ) -> Change:
        """What the stages of a live line turn into to work by these from one frame on.

        What takes time (loading networks, embedding donors) is done here, in the caller's thread.

        Args:
            settings: how to swap.
            identities: the donors by name.
            references: whom each donor replaces.
            by_hand: by track number, the donor that somebody gave to that face, or None.
            new_donors: whether the donors are others than before.

        Raises:
            InputError: see :meth:`line`.
            RuntimeSetupError: likewise; nothing is changed then.
        """
        settings = self._without_upscaler(settings)
        self.target_check.expect(settings, identities)
        effects = Effects.prepare(settings.effect)
        before, held = self._held, self._open(settings, identities)
        if held is before:
            prepared = self._prepared(identities) if new_donors else {}
            turn = _configure(settings, identities, prepared)
            return settings_change(
                settings, identities, references, turn, effects, by_hand, self._live_mark(settings)
            )
        swap = self._swap(settings, identities, held)
        try:
            swap.prepare(identities)
        except MasqueradeError:
            self._held = before
            _retire(swap, held)
            raise
        finder = face_finder(settings, held.networks.detector, held.networks.device)
        turn = self._replace(swap, before)
        change = settings_change(
            settings, identities, references, turn, effects, by_hand, self._live_mark(settings)
        )
        return networks_change(change, finder)

    def close(self) -> None:
        """End all threads and give the networks back; may be called twice."""
        for swap in list(self._swaps):
            swap.close()
        for thread in self._retiring:
            thread.join()
        self._retiring.clear()
        for held in self._opened:
            held.close()
        self._opened.clear()
        self._lift_limits()

    def _prepared(self, identities: Mapping[str, Identity]) -> dict[Any, Any]:
        """What stages need of new donors, by stage; the built-in swapper's under None."""
        if self._held is not None and self._held.networks.swapper is not None:
            _require_portraits(identities)
        if not self._swaps:
            return {None: Swap.prepare(identities)}
        return {id(swap): swap.prepare(identities) for swap in self._swaps}

    def _open(self, settings: Settings, identities: Mapping[str, Identity]) -> HeldNetworks:
        if self._held is not None and self._held.serves(settings):
            return self._held
        if settings.model != EMBEDDED["swapper"]:
            _require_portraits(identities)
        self._held = HeldNetworks(settings, self._execution, self._notice, self._size_wh)
        self._opened = [*(held for held in self._opened if not held.closed), self._held]
        return self._held

    def _swap(
        self, settings: Settings, identities: Mapping[str, Identity], held: HeldNetworks
    ) -> Swap | NetworkSwap:
        landmarker = shared_networks(settings.threads, held.networks.device).landmarker
        mesh = Swap(identities, settings, landmarker)
        if not held.networks.draws:
            return mesh
        maker = ThriftyMaker(held, settings, landmarker)
        swap = NetworkSwap(identities, settings, maker, mesh)
        self._swaps.add(swap)
        return swap

    def _replace(
        self, swap: Swap | NetworkSwap, held_before: HeldNetworks | None
    ) -> Callable[[Stage], Stage]:
        def turn(old: Any) -> Stage:
            swap.resolution = old.resolution
            # What is under way in the old one's thread may take a second: nobody waits for it here.
            thread = threading.Thread(
                target=_retire, args=(old, held_before), name="masquerade-retire", daemon=True
            )
            self._retiring.append(thread)
            thread.start()
            return swap

        return turn

    def _live_mark(self, settings: Settings) -> Watermark | None:
        """Of a stream's pictures, which leave by sinks that know nothing of marks."""
        return self.mark if settings.watermark else None

    def _without_upscaler(self, settings: Settings) -> Settings:
        """The settings of a live stream, which has no time for whole pictures."""
        if settings.enhance_frame == NO_UPSCALER:
            return settings
        self._notice(f"Live pictures are not enhanced as a whole: {settings.enhance_frame} rests.")
        return settings.replace(enhance_frame=NO_UPSCALER)

    def _notice(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said += (sentence,)

    def _set_limits(self) -> None:
        execution = self._execution
        if execution.max_memory_bytes is not None:
            process_budget().set_limit(execution.max_memory_bytes)
        if execution.max_vram_bytes is not None:
            for device in execution.all_device_ids:
                device_budget(device).set_limit(execution.max_vram_bytes)

    def _lift_limits(self) -> None:
        """Let go of the limits that this one has set, unless somebody has set others since."""
        execution = self._execution
        if process_budget().limit_bytes == execution.max_memory_bytes:
            process_budget().set_limit(None)
        for device in execution.all_device_ids:
            if device_budget(device).limit_bytes == execution.max_vram_bytes:
                device_budget(device).set_limit(None)


def _configure(
    settings: Settings, identities: Mapping[str, Identity], prepared: Mapping[Any, Any]
) -> Callable[[Stage], Stage]:
    def turn(stage: Any) -> Stage:
        key = id(stage) if isinstance(stage, NetworkSwap) else None
        stage.configure(identities, settings, prepared.get(key))
        found: Stage = stage
        return found

    return turn


def _retire(stage: Any, held: HeldNetworks | None) -> None:
    if isinstance(stage, NetworkSwap):
        stage.close()
    if held is not None:
        held.close()


def _require_portraits(identities: Mapping[str, Identity]) -> None:
    for name, identity in identities.items():
        if not identity.portraits:
            raise InputError(
                f"The identity {name} was saved before networks could draw it; make it anew from "
                "its photos with `masquerade identity make`."
            )
