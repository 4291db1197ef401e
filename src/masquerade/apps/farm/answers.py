"""What workers, nodes and earlier drivers say, as the driver reads it.

A worker that is killed may leave half a line, a node may be of another version, and a folder that
machines share may be written by anybody. What is not as it should be is no answer: the piece is
done again, and a job that cannot go on says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from masquerade.apps.farm.executor import Done, Failed, Told
from masquerade.apps.jobs.job import Failure
from masquerade.core.errors import JobError
from masquerade.pipeline.report import Tally

__all__ = ["checked_begun", "checked_report", "checked_result", "node_event", "worker_event"]

_MOST_WORDS = 2000
_MOST_SECONDS = 1e12


def worker_event(line: bytes, node: str) -> Told | Done | Failed:
    """What a worker of this machine has written.

    Raises:
        ValueError: it makes no sense.
    """
    plain = _mapping(_json(line))
    task_id = _text(plain, "task")
    match plain.get("kind"):
        case "told":
            total = None if plain.get("total") is None else _whole(plain, "total")
            return Told(task_id, _whole(plain, "done"), total)
        case "done":
            return Done(task_id, node, _mapping(plain.get("result")))
        case "failed":
            failure = Failure(_text(plain, "error"), _text(plain, "message"))
            return Failed(task_id, node, failure)
    raise ValueError("of no kind")


def node_event(task_id: str, answer: Any) -> Done | Failed:
    """What a node has answered last.

    Raises:
        ValueError: it makes no sense.
    """
    plain = _mapping(answer)
    node = _text(plain, "node")
    if "failed" in plain:
        said = list(plain["failed"]) if isinstance(plain["failed"], list | tuple) else []
        if len(said) != 2 or not _are_texts(said):
            raise ValueError("no failure")
        return Failed(task_id, node, Failure(said[0], said[1][:_MOST_WORDS]))
    return Done(task_id, node, _mapping(plain.get("result")))


def checked_result(step: str, result: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a step has returned, see :meth:`Steps.do`.

    Raises:
        ValueError: it returns something else.
    """
    match step:
        case "scout":
            _text(result, "plan", most=2**26)
            _text(result, "words")
        case "segment" | "pictures":
            _whole(result, "bytes")
            report = checked_report(result.get("report"))
            if step == "segment":
                _text(result, "words")
            elif "failed" not in report:
                raise ValueError("its list of failed pictures")
    return result


def checked_report(report: Any) -> Mapping[str, Any]:
    """The report of a segment or a batch of pictures.

    Raises:
        ValueError: it is none.
    """
    plain = _mapping(report)
    counts = _mapping(plain.get("counts"))
    for name in Tally().counts():
        _whole(counts, name)
    seconds: Any = plain.get("seconds")
    if type(seconds) not in (int, float) or not 0 <= seconds < _MOST_SECONDS:
        raise ValueError("its seconds")
    if not _are_texts(plain.get("warnings")):
        raise ValueError("its warnings")
    failed = plain.get("failed", [])
    if not isinstance(failed, list):
        raise ValueError("its failed")
    for item in failed:
        for name in ("target", "kind", "error"):
            _text(_mapping(item), name)
    return plain


def checked_begun(text: str) -> dict[str, Any]:
    """What a job was begun with, as the journal has it.

    Raises:
        JobError: it is damaged.
    """
    try:
        plain = dict(_mapping(_json(text)))
        for known in _mapping(plain["inputs"]).values():
            _whole(_mapping(known), "size")
            _whole(known, "mtime_ns")
            _text(known, "sha256")
        for name in ("software", "models"):
            if not _are_texts(list(_mapping(plain["facts"][name]).values())):
                raise ValueError(f"its {name}")
        if plain["plan"] is not None:
            _text(plain, "plan", most=2**26)
        if plain["plan"] is not None or "pictures" in plain:
            frames = plain["frames"]
            if not isinstance(frames, list):
                raise ValueError("its frames")
            for place in range(len(frames)):
                _whole(frames, place)
        if "pictures" in plain:
            _text(plain, "pictures", most=2**30)
    except (ValueError, TypeError, KeyError) as error:
        raise JobError(
            f"What is known of this job's beginning is damaged ({error}); retry it with --fresh."
        ) from error
    return plain


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("no object")
    return value


def _text(plain: Any, name: str, most: int = 100_000) -> str:
    value = plain.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise ValueError(f"its {name}")
    return value


def _whole(plain: Any, name: Any) -> int:
    value = plain[name] if isinstance(plain, list) else plain.get(name)
    if type(value) is not int or not 0 <= value <= 2**63:
        raise ValueError(f"its {name}")
    return value


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
