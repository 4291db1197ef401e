"""What runs on the nodes of a Ray cluster. Ray is not needed to import it."""

from __future__ import annotations

import contextlib
import functools
import platform
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.apps.farm.node_facts import NodeFacts
from masquerade.apps.farm.task import Task
from masquerade.apps.farm.work_folder import WorkFolder
from masquerade.apps.jobs.job import Failure
from masquerade.core.errors import MasqueradeError, ModelError

if TYPE_CHECKING:
    from masquerade.apps.farm.steps import Steps
    from masquerade.pipeline.meter import Progress

__all__ = ["Board", "Parcel", "clear_node", "do_on_node", "inspect_node"]

_TELL_S = 0.5


class Board:
    """Where workers write how far they are; an actor that the driver reads."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[int, int | None]] = {}
        self._turn = threading.Lock()

    def tell(self, task_id: str, done: int, total: int | None) -> None:
        """Write it down; only the latest word on a task is kept."""
        with self._turn:
            self._told[task_id] = done, total

    def take(self) -> dict[str, tuple[int, int | None]]:
        """Everything that was written since the last time, by task."""
        with self._turn:
            told, self._told = self._told, {}
        return told


@dataclass(frozen=True, slots=True)
class Parcel:
    """A file on its way through the object store.

    Attributes:
        path: what it is called where it comes from.
        digest: names its copy on the node.
        pieces: references to its bytes, in order.
    """

    path: Path
    digest: str
    pieces: Sequence[Any]


def inspect_node(models: Sequence[str], probe: str, words: bytes) -> dict[str, Any]:
    """What a node has.

    Args:
        models: names of the brought models that jobs need.
        probe: a file that it sees where the job's folder is shared.
        words: what is in that file.
    """
    seen = False
    with contextlib.suppress(OSError):
        seen = Path(probe).read_bytes() == words
    return {"facts": NodeFacts.here(models).as_dict(), "shared": seen}


def do_on_node(
    words: str,
    board: Any,
    facts: Mapping[str, Any],
    parcels: Sequence[Parcel],
    small: Mapping[str, bytes],
    store: str | None,
) -> dict[str, Any]:
    """Do one task.

    Args:
        words: the task as JSON.
        board: see :class:`Board`; an actor's handle.
        facts: what the driver's machine has; a node that joined later may have something else.
        parcels: the task's inputs, where there is no shared folder.
        small: by name, files of the job's folder that the task needs, where there is none.
        store: names this run's files on the node; None where the folder is shared.

    Returns:
        ``node``; ``result``, or ``failed`` with the kind of error and its message; without a
        shared folder ``files``: the bytes of what was made, by name.
    """
    task = Task.from_json(words)
    node = platform.node()
    show = _teller(task.id, lambda *values: board.tell.remote(*values))
    try:
        _check(facts)
        if store is None:
            return {"node": node, "result": _steps().do(task, show)}
        return {"node": node, **_do_apart(task, show, parcels, small, _folder(store))}
    except MasqueradeError as error:
        failure = Failure.of(error, task.spec)
        return {"node": node, "failed": (failure.kind, failure.message)}


def clear_node(store: str) -> None:
    """Delete the copies that a run has left on a node."""
    shutil.rmtree(_folder(store), ignore_errors=True)


def _do_apart(
    task: Task,
    show: Callable[[Progress], None],
    parcels: Sequence[Parcel],
    small: Mapping[str, bytes],
    folder: Path,
) -> dict[str, Any]:
    """Do a task with copies of its files, and hand back what it made."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    places = {parcel.path: _unpacked(parcel, folder) for parcel in parcels}
    with tempfile.TemporaryDirectory(dir=folder) as own:
        work = WorkFolder(Path(own))
        work.make()
        work.take_in(small)
        result = _steps().do(task.moved(places, work.path), show)
        made = {
            path.relative_to(work.path).as_posix(): path.read_bytes()
            for path in work.path.rglob("*")
            if path.is_file()
        }
        return {"result": result, "files": {k: v for k, v in made.items() if k not in small}}


def _unpacked(parcel: Parcel, folder: Path) -> Path:
    """The node's copy of a file; made once for all its workers."""
    import ray

    place = folder / f"{parcel.digest}{parcel.path.suffix}"
    if not place.exists():
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as passing:
            for piece in parcel.pieces:
                passing.write(ray.get(piece))
        Path(passing.name).replace(place)
    return place


def _folder(store: str) -> Path:
    return Path(tempfile.gettempdir()) / f"masquerade-farm-{store}"


def _teller(task_id: str, tell: Callable[[str, int, int | None], Any]) -> Any:
    told_s = float("-inf")

    def show(progress: Progress) -> None:
        nonlocal told_s
        now_s = time.monotonic()
        if now_s - told_s >= _TELL_S:
            told_s = now_s
            tell(task_id, progress.done, progress.total)

    return show


def _check(facts: Mapping[str, Any]) -> None:
    wanted = NodeFacts.of_dict(facts)
    difference = wanted.difference(_own_facts(tuple(wanted.models)))
    if difference:
        raise ModelError(
            f"The node {platform.node()} has another {difference}; install the same on all nodes."
        )


@functools.cache
def _own_facts(names: Iterable[str]) -> NodeFacts:
    from masquerade.models.store import registry

    return NodeFacts.here([name for name in names if name not in registry()])


@functools.cache
def _steps() -> Steps:
    from masquerade.apps.farm.steps import Steps

    return Steps()
