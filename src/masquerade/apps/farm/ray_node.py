"""What runs on the nodes of a Ray cluster. Ray is not needed to import it."""

from __future__ import annotations

import contextlib
import functools
import platform
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.apps.farm.node_facts import NodeFacts
from masquerade.apps.farm.ray_arrival import PIECE_BYTES
from masquerade.apps.farm.refused import installation
from masquerade.apps.farm.task import Task
from masquerade.apps.farm.work_folder import WorkFolder
from masquerade.apps.jobs.job import Failure
from masquerade.core.errors import MasqueradeError, ModelError

if TYPE_CHECKING:
    from masquerade.apps.farm.steps import Steps
    from masquerade.pipeline.meter import Progress

__all__ = ["Board", "Errand", "Parcel", "clear_node", "do_on_node", "inspect_node"]

_TELL_S = 0.5


class Board:
    """Where workers write how far they are; an actor that the driver reads."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[int, int | None]] = {}
        self._places: dict[str, int] = {}
        self._turn = threading.Lock()

    def tell(self, task_id: str, done: int, total: int | None) -> None:
        """Write it down; only the latest word on a task is kept."""
        with self._turn:
            self._told[task_id] = done, total

    def begin_at(self, task_id: str, place: int) -> None:
        """Write down which picture is at hand, for whoever finds out that the worker died."""
        with self._turn:
            self._places[task_id] = place

    def place_at(self, task_id: str) -> int | None:
        """Which picture was at hand; forgotten when it was asked."""
        with self._turn:
            return self._places.pop(task_id, None)

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


@dataclass(frozen=True, slots=True)
class Errand:
    """What goes to a node with a task.

    Attributes:
        facts: what the driver's machine has; a node that joined later may have something else.
        locked: the faces that are locked there, see :meth:`DenyList.words`.
        store: names this run's files on the node; None where the folder is shared.
        parcels: the task's inputs, where it is not.
        pictures: the pictures of a batch, where it is not.
        small: by name, files of the job's folder that the task needs, where it is not.
    """

    facts: Mapping[str, Any]
    locked: str = ""
    store: str | None = None
    parcels: Sequence[Parcel] = ()
    pictures: Sequence[Parcel] = ()
    small: Mapping[str, bytes] = field(default_factory=dict)


def do_on_node(words: str, board: Any, errand: Errand) -> Iterator[dict[str, Any]]:
    """Do one task.

    Args:
        words: the task as JSON.
        board: see :class:`Board`; an actor's handle.
        errand: what else the node is told.

    Yields:
        Without a shared folder first the files that were made, in pieces of ``name`` and
        ``data``. Last ``node``, and ``result``, or ``failed`` with the kind of error and its
        message and ``where`` it is in the log.
    """
    task, node = Task.from_json(words), platform.node()
    try:
        _check(errand.facts)
        if errand.store is None:
            folder = WorkFolder(task.folder)
            result = _do(task, board, errand, lambda at: folder.begin_at(task.number, at))
        else:
            result = yield from _do_apart(task, board, errand, _folder(errand.store))
    except MasqueradeError as error:
        failure = Failure.of(error, task.spec)
        failed = (failure.kind, failure.message)
        yield {"node": node, "where": installation(), "failed": failed}
    else:
        yield {"node": node, "result": result}


def clear_node(store: str) -> None:
    """Delete the copies that a run has left on a node."""
    shutil.rmtree(_folder(store), ignore_errors=True)


def _do(task: Task, board: Any, errand: Errand, at: Callable[[int], None]) -> dict[str, Any]:
    show = _teller(task.id, lambda *values: board.tell.remote(*values))
    steps = _steps(errand.locked)
    return steps.draw(task, show, at) if task.step == "pictures" else steps.do(task, show)


def _do_apart(
    task: Task, board: Any, errand: Errand, folder: Path
) -> Generator[dict[str, Any], None, dict[str, Any]]:
    """Do a task with copies of its files, and hand over what it made."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    places = {parcel.path: _unpacked(parcel, folder) for parcel in errand.parcels}
    with tempfile.TemporaryDirectory(dir=folder) as own:
        work, inputs = WorkFolder(Path(own) / "work"), Path(own) / "in"
        work.make()
        work.take_in(errand.small)
        if task.step == "pictures":
            inputs.mkdir()
            for parcel in errand.pictures:
                _unpack(parcel, inputs / parcel.path.name)
            places[task.spec.target] = inputs
        moved = task.moved(places, work.path)
        result = _do(moved, board, errand, lambda at: board.begin_at.remote(task.id, at))
        for path in sorted(work.path.rglob("*")):
            name = path.relative_to(work.path).as_posix()
            if path.is_file() and name not in errand.small:
                yield from _pieces(name, path)
        return result


def _pieces(name: str, path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        data = file.read(PIECE_BYTES)
        while True:
            yield {"name": name, "data": data}
            if not (data := file.read(PIECE_BYTES)):
                return


def _unpacked(parcel: Parcel, folder: Path) -> Path:
    """The node's copy of a file; made once for all its workers."""
    place = folder / f"{parcel.digest}{parcel.path.suffix}"
    if not place.exists():
        _unpack(parcel, place)
    return place


def _unpack(parcel: Parcel, place: Path) -> None:
    """Write a file whole."""
    import ray

    with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as passing:
        for piece in parcel.pieces:
            passing.write(ray.get(piece))
    Path(passing.name).replace(place)


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


@functools.lru_cache(maxsize=1)
def _steps(locked: str) -> Steps:
    from masquerade.apps.farm.steps import Steps
    from masquerade.trust.deny_list import DenyList

    return Steps(locked=DenyList.of_words(locked))
