"""How a machine's cores, devices and memory are shared out among workers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from masquerade.apps.jobs.job import JobSpec, execution_of, settings_of
from masquerade.engine.asked import asked_models
from masquerade.models.library import Library
from masquerade.runtime.memory import free_machine_bytes
from masquerade.runtime.providers import resolve
from masquerade.runtime.session_options import usable_cores

__all__ = ["Share", "share_machine", "threads_of", "wants_device"]

_WORKER_BYTES = 700 * 2**20
"""What a worker takes that draws with the embedded swapper, frames of a film included."""
_PER_WEIGHT = 3.0
"""Memory of a brought network while it runs, by the size of its file."""
_PROCESSOR = ("cpu", "openvino")
_KEPT_FREE = 0.15
"""Share of the free memory that is left to others."""


@dataclass(frozen=True, slots=True)
class Share:
    """What the workers of a machine get.

    Attributes:
        workers: how many there are.
        memory_bytes: what each may take at the most; None sets no limit.
        devices: numbers of the devices, one worker on each in turn; none leaves the choice to the
            jobs.
    """

    workers: int
    memory_bytes: int | None = None
    devices: tuple[int, ...] = ()

    def words(self, place: int) -> list[str]:
        """The options of the worker at a place, 0 to ``workers`` - 1."""
        words = [] if self.memory_bytes is None else ["--memory", str(self.memory_bytes)]
        if self.devices:
            words += ["--device", str(self.devices[place % len(self.devices)])]
        return words


def threads_of(spec: JobSpec) -> int:
    """Threads of each network in every worker of a job: one, unless its settings say otherwise.

    Films are cut into as many pieces as there are cores to keep busy, and one thread each loses
    nothing to waiting for one another.
    """
    return settings_of(spec.settings).threads or 1


def wants_device(spec: JobSpec) -> bool:
    """Whether a job's brought networks run on a device other than the processor.

    What "auto" takes is what this machine has; of another machine a job has to name it.
    """
    execution = execution_of(spec.execution)
    if set(execution.providers) - {"auto", *_PROCESSOR}:
        return True
    if "auto" not in execution.providers or not asked_models(settings_of(spec.settings)):
        return False
    return resolve(execution)[0][0] not in _PROCESSOR


def share_machine(specs: Iterable[JobSpec], workers: int | None = None) -> Share:
    """Share this machine out for some jobs.

    One worker for each device where jobs ask for devices, else one for as many cores as its
    networks have threads; fewer where the memory does not hold them.

    Args:
        specs: the jobs that wait.
        workers: how many are wanted; None asks the machine.
    """
    specs = list(specs)
    devices = tuple(
        dict.fromkeys(
            number
            for spec in specs
            if wants_device(spec)
            for number in execution_of(spec.execution).device_ids
        )
    )
    usable = round(free_machine_bytes() * (1 - _KEPT_FREE))
    if workers is None:
        threads = max(map(threads_of, specs), default=1)
        places = len(devices) or max(1, usable_cores() // threads)
        need = max(map(_need_bytes, specs), default=_WORKER_BYTES)
        workers = max(1, min(places, usable // need))
    return Share(workers, max(usable // workers, 2**28), devices)


def _need_bytes(spec: JobSpec) -> int:
    library, weights = Library(), 0
    for name in asked_models(settings_of(spec.settings)):
        found = library.find(name)
        weights += found.main.size_bytes if found else 0
    return _WORKER_BYTES + round(_PER_WEIGHT * weights)
