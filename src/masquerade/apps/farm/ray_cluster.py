"""The nodes of a Ray cluster as an executor."""

from __future__ import annotations

import contextlib
import hashlib
import platform
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masquerade.apps.farm.answers import node_event
from masquerade.apps.farm.drawn_batch import DrawnBatch
from masquerade.apps.farm.executor import Done, Event, Executor, Failed, Lost, Said, Told
from masquerade.apps.farm.node_facts import NodeFacts
from masquerade.apps.farm.pictures import PictureList
from masquerade.apps.farm.ray_arrival import PIECE_BYTES, Arrival
from masquerade.apps.farm.ray_node import Board, Errand, Parcel, clear_node, do_on_node
from masquerade.apps.farm.ray_session import RaySession, on_node
from masquerade.apps.farm.refused import note_refusal
from masquerade.apps.farm.share import threads_of, wants_device
from masquerade.apps.farm.task import Task
from masquerade.apps.farm.work_folder import WorkFolder
from masquerade.apps.jobs.job import Failure
from masquerade.core.errors import InputError, MasqueradeError, RuntimeSetupError
from masquerade.core.lifetimes import Closing
from masquerade.engine.locked_faces import recogniser_here
from masquerade.media.image_read import input_error
from masquerade.trust.deny_list import DenyList

__all__ = ["RayExecutor"]

_COUNT_S = 2.0
_ANSWER_S, _SILENCE_S = 10.0, 120.0


@dataclass(frozen=True, slots=True)
class _Sent:
    """A task that a node has, or waits for one, and what has come of it."""

    task: Task
    stream: Any
    arrival: Arrival


class RayExecutor(Closing):
    """An :class:`~masquerade.apps.farm.executor.Executor` of the nodes of a cluster.

    Films are joined and single files done on this machine, where the signing identity is. Folders
    of pictures are drawn by the nodes and signed here. Nodes are told which faces are locked on
    this installation. Without a shared folder each
    node gets the files that a task needs through Ray's object store, once, and what it makes comes
    back the same way.

    Args:
        session: closed by the caller.
        shared: whether the nodes see the files under the same names.
        home: does what is done on this machine; closed by the caller.

    Attributes:
        signs: a node has none of this user's identities to sign with.
    """

    signs = False

    def __init__(self, session: RaySession, home: Executor, *, shared: bool) -> None:
        self._ray, self._session = session.ray, session
        self._home, self._shared = home, shared
        self._facts: dict[tuple[str, ...], dict[str, Any]] = {}
        self._store = secrets.token_hex(8)
        self._sent: dict[str, _Sent] = {}
        self._signing: set[str] = set()
        self._parcels: dict[tuple[Path, int, int], Parcel] = {}
        self._heard_s = time.monotonic()
        self._counted_s, self._cpus, self._gpus = float("-inf"), 0.0, 0.0
        here = on_node(session.here)
        self._board = self._ray.remote(Board).options(num_cpus=0, **here).remote()
        # Processes stay for the next task, also those with a device: their networks are open.
        self._remote = self._ray.remote(max_calls=0)(do_on_node)
        self._count()

    @property
    def slots(self) -> int:
        """Tasks of one core, or of one device where jobs ask for one, that the nodes hold now."""
        self._count()
        devices = any(wants_device(sent.task.spec) for sent in self._sent.values())
        held = max(1, int(self._gpus if devices else self._cpus))
        return held + min(held, len(self._signing))  # what is signed here keeps no node busy

    def submit(self, task: Task) -> None:
        """Send a task to a node that is free, or to the next one.

        Raises:
            InputError: a file cannot be read.
            RuntimeSetupError: no node has a device, and the job asks for one.
        """
        if self._is_for_home(task):
            self._home.submit(task)
            return
        device = wants_device(task.spec)
        if device and not self._gpus:
            raise RuntimeSetupError(
                f"{task.spec.name} asks for a device and no node of the cluster has one; start a "
                "node with --num-gpus, or take the provider out."
            )
        options = {"num_cpus": threads_of(task.spec), "num_gpus": int(device)}
        stream = self._remote.options(
            **options,
            max_retries=0,
            num_returns="streaming",
            scheduling_strategy="SPREAD",
            name=task.words,
        ).remote(task.to_json(), self._board, self._errand(task))
        self._sent[task.id] = _Sent(task, stream, Arrival(WorkFolder(task.folder)))

    def _told(self) -> Mapping[str, tuple[int, int | None]]:
        """How far tasks are. A machine that is busy may not say so for a while, and that is all."""
        try:
            told: dict[str, Any] = self._ray.get(self._board.take.remote(), timeout=_ANSWER_S)
        except self._ray.exceptions.GetTimeoutError:
            if time.monotonic() - self._heard_s > _SILENCE_S:
                raise
            return {}
        self._heard_s = time.monotonic()
        return told

    def _errand(self, task: Task) -> Errand:
        locked = DenyList().words()
        facts = self._facts_of(task, recogniser_here() if locked else ())
        if self._shared:
            return Errand(facts, locked)
        folder = WorkFolder(task.folder)
        small, pictures = folder.needed_for(), list[Parcel]()
        if task.step == "pictures":
            small = {folder.pictures.name: folder.read(folder.pictures).encode()}
            pictures = self._batch(task, PictureList.from_json(folder.read(folder.pictures)))
        parcels = [self._parcel(path) for path in task.inputs()]
        return Errand(facts, locked, self._store, parcels, pictures, small)

    def _batch(self, task: Task, pictures: PictureList) -> list[Parcel]:
        """The pictures of a batch in the object store, for as long as the task has them."""
        parcels = []
        for place in pictures.batches[task.number]:
            with contextlib.suppress(InputError):  # the node finds none and says so of it
                parcels.append(self._packed(task.spec.target / pictures.items[place][0]))
        return parcels

    def results(self, timeout_s: float) -> Sequence[Event]:
        """See the protocol.

        Raises:
            RuntimeSetupError: the cluster is gone.
        """
        events = list(self._home.results(0.0 if self._sent else timeout_s))
        ended = {event.task_id for event in events if not isinstance(event, Told | Said)}
        self._signing -= ended
        if not self._sent:
            self._heard_s = time.monotonic()
            return events
        waiting = {sent.stream: sent for sent in self._sent.values()}
        with self._session.speaking():
            ready, _ = self._ray.wait(list(waiting), timeout=timeout_s, fetch_local=False)
            told = self._told()
        for stream in ready:
            events += self._take(waiting[stream])
        events += [Told(id_, *words) for id_, words in told.items() if id_ in self._sent]
        return events

    def cancel(self, job_id: str) -> None:
        """Kill the workers that work on a job."""
        self._home.cancel(job_id)
        for sent in [sent for sent in self._sent.values() if sent.task.job_id == job_id]:
            with contextlib.suppress(self._ray.exceptions.RayError, ValueError):
                self._ray.cancel(sent.stream, force=True)
            sent.arrival.drop()
            del self._sent[sent.task.id]

    def close(self) -> None:
        """Stop what is under way and have the nodes delete their copies; may be called twice."""
        for sent in self._sent.values():
            with contextlib.suppress(self._ray.exceptions.RayError, ValueError):
                self._ray.cancel(sent.stream, force=True)
            sent.arrival.drop()
        self._sent.clear()
        if self._parcels:
            clear = self._ray.remote(clear_node)
            with contextlib.suppress(self._ray.exceptions.RayError):
                nodes = self._session.nodes()
                gone = [
                    clear.options(num_cpus=0, max_retries=0, **on_node(id_)).remote(self._store)
                    for id_ in nodes
                ]
                self._ray.wait(gone, num_returns=len(gone), timeout=_ANSWER_S)
            self._parcels.clear()

    def _is_for_home(self, task: Task) -> bool:
        if task.step == "pictures":
            folder = WorkFolder(task.folder)
            pictures = PictureList.from_json(folder.read(folder.pictures))
            return DrawnBatch.find(folder, task.number, pictures) is not None
        return task.step in ("join", "whole")

    def _facts_of(self, task: Task, more: tuple[str, ...]) -> dict[str, Any]:
        """What a node must have for a task."""
        models = tuple(dict.fromkeys((*NodeFacts.needed_by([task.spec]), *more)))
        if models not in self._facts:
            self._facts[models] = NodeFacts.here(models).as_dict()
        return self._facts[models]

    def _take(self, sent: _Sent) -> list[Event]:
        """Take what has come of a task: pieces of its files, its answer, or the word of its end."""
        task, errors = sent.task, self._ray.exceptions
        try:
            answer: Mapping[str, Any] = self._ray.get(next(sent.stream), timeout=_SILENCE_S)
        except errors.RayTaskError as error:  # what nobody has foreseen, on the node
            return self._lost(sent, " ".join(str(error.cause).split())[:300])
        except errors.RayError as error:
            reason = str(error).strip().partition("\n")[0]
            return self._lost(sent, f"{type(error).__name__}: {reason[:300]}")
        except StopIteration:
            return self._lost(sent, "it ended without an answer")
        try:
            if "data" in answer:
                sent.arrival.take(answer)
                return []
            event = node_event(task.id, answer)
            if isinstance(event, Done):
                sent.arrival.end()
        except MasqueradeError as error:  # a full disk here, or a file that no job has
            event = Failed(task.id, platform.node(), Failure.of(error, task.spec))
        except ValueError as error:
            return self._lost(sent, f"the answer makes no sense ({error})")
        del self._sent[task.id]
        if isinstance(event, Failed):
            sent.arrival.drop()
            note_refusal(event.failure, str(answer.get("where")))
            return [event]
        if task.step == "pictures":
            self._signing.add(task.id)
            self._home.submit(task)
            return []
        return [event]

    def _lost(self, sent: _Sent, reason: str) -> list[Event]:
        task = sent.task
        del self._sent[task.id]
        sent.arrival.drop()
        if task.step == "pictures" and not self._shared:
            with contextlib.suppress(self._ray.exceptions.RayError):
                place = self._ray.get(self._board.place_at.remote(task.id), timeout=_ANSWER_S)
                if place is not None:
                    WorkFolder(task.folder).begin_at(task.number, place)
        return [Lost(task.id, "a node", reason)]

    def _parcel(self, path: Path) -> Parcel:
        """A file in the object store; put there once, anew if it was changed."""
        try:
            found = path.stat()
        except OSError as error:
            raise input_error(error, path) from error
        key = path, found.st_size, found.st_mtime_ns
        if key not in self._parcels:
            self._parcels[key] = self._packed(path)
        return self._parcels[key]

    def _packed(self, path: Path) -> Parcel:
        pieces, digest = [], hashlib.sha256()
        try:
            with path.open("rb") as file:
                while data := file.read(PIECE_BYTES):
                    digest.update(data)
                    pieces.append(self._ray.put(data))
        except OSError as error:
            raise input_error(error, path) from error
        return Parcel(path, digest.hexdigest(), pieces)

    def _count(self) -> None:
        """See how much the nodes that are alive hold."""
        now_s = time.monotonic()
        if now_s - self._counted_s > _COUNT_S:
            self._counted_s = now_s
            with self._session.speaking():
                found = self._ray.cluster_resources()
            self._cpus, self._gpus = found.get("CPU", 0.0), found.get("GPU", 0.0)
