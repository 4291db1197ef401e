"""What a job was begun with, so that nothing else is put together with it later.

A film is known by its size, its time of change and its SHA-256. The hash is made once; later it is
made again only where size or time are others, so that going on with a job takes no time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from masquerade.apps.farm.node_facts import NodeFacts
from masquerade.apps.farm.task import Task
from masquerade.core.errors import InputError, JobError, MissingInputError
from masquerade.media.image_read import input_error
from masquerade.trust.report import hash_of

__all__ = ["check_unchanged", "describe_inputs"]


def describe_inputs(task: Task) -> dict[str, Any]:
    """The files of a job as plain JSON.

    Raises:
        InputError: one is missing or cannot be read.
    """
    return {str(path): _describe(path) for path in task.inputs()}


def check_unchanged(begun: Mapping[str, Any], facts: NodeFacts) -> None:
    """See that a job can go on as it was begun.

    Args:
        begun: ``inputs`` as :func:`describe_inputs` made them, and ``facts``, see
            :meth:`NodeFacts.as_dict`.
        facts: of this machine now.

    Raises:
        MissingInputError: a file is gone.
        InputError: a file is another one now.
        JobError: the program or a network is another one now.
    """
    for name, known in begun["inputs"].items():
        path = Path(name)
        if _stamp(path) != [known["size"], known["mtime_ns"]] and (
            path.stat().st_size != known["size"] or _hash(path) != known["sha256"]
        ):
            raise InputError(
                f"{path} was changed since the job began, and what is finished was made from the "
                "old one; put that back, or retry the job with --fresh."
            )
    difference = NodeFacts.of_dict(begun["facts"]).difference(facts)
    if difference:
        raise JobError(
            f"The job was begun with another {difference}, and pieces of both would not fit "
            "together; retry it with --fresh."
        )


def _describe(path: Path) -> dict[str, Any]:
    size, mtime_ns = _stamp(path)
    return {"size": size, "mtime_ns": mtime_ns, "sha256": _hash(path)}


def _stamp(path: Path) -> list[int]:
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise MissingInputError(f"There is no file {path}; it may have been moved.") from error
    except OSError as error:
        raise input_error(error, path) from error
    return [found.st_size, found.st_mtime_ns]


def _hash(path: Path) -> str:
    try:
        return hash_of(path)
    except OSError as error:
        raise input_error(error, path) from error
