"""The nodes of a Ray cluster as an executor."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masquerade.apps.farm.executor import Done, Event, Executor, Failed, Lost, Told
from masquerade.apps.farm.node_facts import NodeFacts
from masquerade.apps.farm.ray_node import Board, Parcel, clear_node, do_on_node
from masquerade.apps.farm.ray_session import RaySession, on_node
from masquerade.apps.farm.share import threads_of, wants_device
from masquerade.apps.farm.task import Task
from masquerade.apps.farm.work_folder import WorkFolder
from masquerade.apps.jobs.job import Failure
from masquerade.core.errors import RuntimeSetupError
from masquerade.core.lifetimes import Closing
from masquerade.media.image_read import input_error

__all__ = ["RayExecutor"]

_PIECE_BYTES = 32 * 2**20
_COUNT_S = 2.0
_ANSWER_S = 10.0


@dataclass(frozen=True, slots=True)
class _Sent:
    """A task that a node has, or waits for one."""

    task: Task
    reference: Any


class RayExecutor(Closing):
    """An :class:`~masquerade.apps.farm.executor.Executor` of the nodes of a cluster.

    Films are joined and pictures done on this machine, where the signing identity is, and films
    surveyed here, where this user's rules are, unless that takes a device. Without a shared folder
    each node gets the files that a task needs through Ray's object store, once.

    Args:
        session: closed by the caller.
        shared: whether the nodes see the files under the same names.
        home: does what is done on this machine; closed by the caller.
    """

    def __init__(self, session: RaySession, home: Executor, *, shared: bool) -> None:
        self._ray, self._session = session.ray, session
        self._home, self._shared = home, shared
        self._facts: dict[tuple[str, ...], dict[str, Any]] = {}
        self._store = secrets.token_hex(8)
        self._sent: dict[str, _Sent] = {}
        self._parcels: dict[tuple[Path, int, int], Parcel] = {}
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
        return max(1, int(self._gpus if devices else self._cpus))

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
        parcels: list[Parcel] = []
        small: dict[str, bytes] = {}
        if not self._shared:
            parcels = [self._parcel(path) for path in task.inputs()]
            small = WorkFolder(task.folder).needed_for(task.number)
        options = {"num_cpus": threads_of(task.spec), "num_gpus": int(device)}
        reference = self._remote.options(
            **options, max_retries=0, scheduling_strategy="SPREAD", name=task.words
        ).remote(
            task.to_json(),
            self._board,
            self._facts_of(task),
            parcels,
            small,
            None if self._shared else self._store,
        )
        self._sent[task.id] = _Sent(task, reference)

    def results(self, timeout_s: float) -> Sequence[Event]:
        """See the protocol.

        Raises:
            RuntimeSetupError: the cluster is gone.
        """
        events = list(self._home.results(0.0 if self._sent else timeout_s))
        if not self._sent:
            return events
        waiting = [sent.reference for sent in self._sent.values()]
        with self._session.speaking():
            ready, waiting = self._ray.wait(waiting, timeout=timeout_s, fetch_local=False)
            if ready and waiting:
                more, _ = self._ray.wait(
                    waiting, num_returns=len(waiting), timeout=0, fetch_local=False
                )
                ready += more
            told = self._ray.get(self._board.take.remote(), timeout=_ANSWER_S)
        ended = set(ready)
        for sent in [sent for sent in self._sent.values() if sent.reference in ended]:
            events.append(self._result(sent))
            del self._sent[sent.task.id]
        events += [Told(id_, *words) for id_, words in told.items() if id_ in self._sent]
        return events

    def cancel(self, job_id: str) -> None:
        """Kill the workers that work on a job."""
        self._home.cancel(job_id)
        for sent in [sent for sent in self._sent.values() if sent.task.job_id == job_id]:
            with contextlib.suppress(self._ray.exceptions.RayError, ValueError):
                self._ray.cancel(sent.reference, force=True)
            del self._sent[sent.task.id]

    def close(self) -> None:
        """Stop what is under way and have the nodes delete their copies; may be called twice."""
        for sent in self._sent.values():
            with contextlib.suppress(self._ray.exceptions.RayError, ValueError):
                self._ray.cancel(sent.reference, force=True)
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
        return task.step in ("join", "whole", "pictures") or (
            task.step == "survey" and not wants_device(task.spec)
        )

    def _facts_of(self, task: Task) -> dict[str, Any]:
        """What a node must have for a task."""
        models = NodeFacts.needed_by([task.spec])
        if models not in self._facts:
            self._facts[models] = NodeFacts.here(models).as_dict()
        return self._facts[models]

    def _result(self, sent: _Sent) -> Event:
        task, errors = sent.task, self._ray.exceptions
        try:
            answer: Mapping[str, Any] = self._ray.get(sent.reference, timeout=_ANSWER_S * 6)
        except errors.RayTaskError as error:  # what nobody has foreseen, on the node
            return Lost(task.id, "a node", " ".join(str(error.cause).split())[:300])
        except errors.RayError as error:
            reason = str(error).strip().partition("\n")[0]
            return Lost(task.id, "a node", f"{type(error).__name__}: {reason[:300]}")
        node = answer["node"]
        if "failed" in answer:
            return Failed(task.id, node, Failure(*answer["failed"]))
        if not self._shared:
            WorkFolder(task.folder).take_in(answer["files"])
        return Done(task.id, node, answer["result"])

    def _parcel(self, path: Path) -> Parcel:
        """A file in the object store; put there once, anew if it was changed."""
        try:
            found = path.stat()
            key = path, found.st_size, found.st_mtime_ns
            if key not in self._parcels:
                pieces, digest = [], hashlib.sha256()
                with path.open("rb") as file:
                    while data := file.read(_PIECE_BYTES):
                        digest.update(data)
                        pieces.append(self._ray.put(data))
                self._parcels[key] = Parcel(path, digest.hexdigest(), pieces)
        except OSError as error:
            raise input_error(error, path) from error
        return self._parcels[key]

    def _count(self) -> None:
        """See how much the nodes that are alive hold."""
        now_s = time.monotonic()
        if now_s - self._counted_s > _COUNT_S:
            self._counted_s = now_s
            with self._session.speaking():
                found = self._ray.cluster_resources()
            self._cpus, self._gpus = found.get("CPU", 0.0), found.get("GPU", 0.0)
