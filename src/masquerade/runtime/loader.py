"""From the file of a brought network to a network that runs, by the rules of one execution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from masquerade.core.errors import MemoryBudgetError, ModelError, ProviderError
from masquerade.core.execution import Execution
from masquerade.runtime.brought_file import BroughtFile, brought_files
from masquerade.runtime.budget import device_budget, process_budget
from masquerade.runtime.candidates import Candidate, Group, candidate_groups
from masquerade.runtime.idle import IdleNetwork
from masquerade.runtime.measured_choice import choose
from masquerade.runtime.opened import LoadedNetwork, Opened
from masquerade.runtime.opener import Opener
from masquerade.runtime.precision_fallback import remembered_fault
from masquerade.runtime.provider_options import has_numbers
from masquerade.runtime.providers import installed_providers, resolve
from masquerade.runtime.session_options import usable_cores
from masquerade.runtime.spread import SpreadNetwork
from masquerade.runtime.watched import WatchedNetwork

__all__ = ["load_network"]

_MOST_THREADS = 16  # of one network: beyond, cores wait for each other


def load_network(
    path: Path,
    execution: Execution,
    *,
    sha256: str | None = None,
    label: str = "",
    variants: Mapping[str, Path] | None = None,
    free_batch: bool = False,
    draws: bool = False,
) -> LoadedNetwork:
    """Load a network that was brought by the user: checked, rewritten, within the budget.

    The first load on a machine reads the file with suspicion, rewrites it, and times the ways of
    running it on a processor; later ones take what was kept. A network that is not used for
    ``execution.idle_s`` lets its memory go and is loaded again at its next run.

    Args:
        path: of the ONNX file.
        execution: provider, precision, threads and limits.
        sha256: which the file has to have; None takes it as it is.
        label: what messages call it, such as the model's name; "" takes the name of the file.
        variants: other files of the same network by their precision, such as {"int8": path}.
        free_batch: let it take several faces at once, where the graph permits.
        draws: its results are pictures: they are watched, see ``watched.py``.

    Raises:
        ModelError: the file is missing, refused or damaged; or not there in the precision that
            was asked for.
        ProviderError: a provider that was asked for is not active, and none may stand in.
        MemoryBudgetError: it does not fit, however it is lowered.
        SettingsError: an option of a provider is unknown.
    """
    _set_limits(execution)
    execution = replace(execution, threads=execution.threads or min(_MOST_THREADS, usable_cores()))
    label = label or path.stem
    files = brought_files(path, sha256, variants)
    opener = Opener(execution, label, free_batch)
    first, *further = (
        _Loading(opener, files, device_id, draws) for device_id in execution.device_ids
    )
    networks = [first.network()]
    if has_numbers(networks[0].provider, execution.options):
        networks += [loading.network() for loading in further]
    return networks[0] if len(networks) == 1 else SpreadNetwork(networks)


def _set_limits(execution: Execution) -> None:
    if execution.max_memory_bytes is not None:
        process_budget().set_limit(execution.max_memory_bytes)
    if execution.max_vram_bytes is not None:
        for device_id in execution.device_ids:
            device_budget(device_id).set_limit(execution.max_vram_bytes)


@dataclass(frozen=True, slots=True)
class _Loading:
    """The steps of loading one network onto one device."""

    opener: Opener
    files: Mapping[str, BroughtFile]
    device_id: int
    draws: bool = False

    def network(self) -> LoadedNetwork:
        """It, given back while nobody uses it; watched where it draws."""
        found = IdleNetwork(self.open, idle_s=self.opener.execution.idle_s)
        if not self.draws:
            return found
        reduced = found.precision != "fp32" and self._full is not None
        return WatchedNetwork(found, self.opener.label, self._exact if reduced else None)

    def open(self) -> Opened:
        """The network on the first provider that starts, in the best precision that fits."""
        execution = self.opener.execution
        providers, notices = resolve(execution)
        problem: ProviderError | None = None
        for provider in providers:
            try:
                opened = self._open_on(provider)
            except ProviderError as error:
                if not (execution.allow_fallback or "auto" in execution.providers):
                    raise
                problem = problem or error
                notices = (*notices, f"{error.args[0].split(' Check ')[0]} Another is used.")
                continue
            return self._with_notices(opened, notices, provider)
        raise problem or ProviderError("No execution provider is active; run `masquerade doctor`.")

    def _with_notices(self, opened: Opened, notices: tuple[str, ...], provider: str) -> Opened:
        execution = self.opener.execution
        chosen = "" if provider in execution.providers else _chosen(opened)
        single = ""
        if execution.device_ids != (0,) and not has_numbers(provider, execution.options):
            single = f"{provider!r} is one device here, so numbers of devices have no effect."
        sentences = (*notices, chosen, single, *opened.notices)
        opened.notices = tuple(f"{self.opener.label}: {text}" for text in sentences if text)
        return opened

    def _open_on(self, provider: str) -> Opened:
        execution = self.opener.execution
        device = execution.options.get("openvino", {}).get("device_type", "CPU")
        # It stands in for the processor, and for nothing that was not asked for.
        stands_in = provider == "openvino" or device == "CPU"
        groups = candidate_groups(
            provider,
            self.files,
            execution,
            openvino=installed_providers().openvino and stands_in,
            label=self.opener.label,
        )
        problem: Exception | None = None
        for group in groups:
            try:
                return self._open_group(group)
            except (MemoryBudgetError, ProviderError) as error:
                if isinstance(error, ProviderError) and not self._may_lower(error, group, groups):
                    raise
                problem = problem or error
        raise problem or ModelError(f"{self.opener.label} cannot be loaded.")

    def _may_lower(self, _error: ProviderError, group: Group, groups: tuple[Group, ...]) -> bool:
        """Whether a precision that the device lacks may be replaced by the next."""
        return self.opener.execution.allow_fallback and group is not groups[-1]

    def _open_group(self, group: Group) -> Opened:
        opener = self.opener
        if len(group.candidates) == 1:
            candidate, compared = group.candidates[0], ""
        else:
            choice = choose(
                group.candidates,
                opener.execution.threads,
                fits=opener.fits,
                open_=opener.open,
            )
            candidate, compared = choice.candidate, choice.notice
            for other in group.candidates if choice.measured_now else ():
                if other != candidate:
                    opener.forget(other)
        opened = opener.open(candidate, self.device_id)
        opened.notices = tuple(text for text in (group.notice, compared) if text)
        return opened if candidate.precision == "fp32" else self._checked(candidate, opened)

    @property
    def _full(self) -> BroughtFile | None:
        """The file that full precision is computed from."""
        return self.files.get("fp32") or self.files.get("fp16")

    def _exact(self) -> LoadedNetwork:
        """The same network in full precision."""
        execution = replace(self.opener.execution, precision="fp32")
        opener = replace(self.opener, execution=execution)
        return IdleNetwork(replace(self, opener=opener).open, idle_s=execution.idle_s)

    def _checked(self, candidate: Candidate, opened: Opened) -> Opened:
        """The network, or the same in full precision where the reduced one is broken."""
        full = self._full
        reference = Candidate(full, "cpu", "fp32") if full is not None else None
        fault = remembered_fault(candidate, opened, reference, self.opener.open, self.device_id)
        if not fault:
            return opened
        told = f"In {candidate.precision} on {candidate.library} it {fault}"
        if full is None:
            opened.close()
            raise ModelError(
                f"{self.opener.label}: {told}, and there is no other file of it. "
                "Install the model in full precision."
            )
        opened.close()
        replacement = self.opener.open(Candidate(full, candidate.library, "fp32"), self.device_id)
        replacement.notices = (*opened.notices, f"{told}, so fp32 is used.")
        return replacement


def _chosen(opened: Opened) -> str:
    return f"The provider {opened.provider!r} was chosen, as the best that works here."
