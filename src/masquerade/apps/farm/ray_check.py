"""What is looked at on every node of a cluster before work starts."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from masquerade.apps.farm.node_facts import NodeFacts
from masquerade.apps.farm.ray_node import inspect_node
from masquerade.apps.farm.ray_session import RaySession, on_node
from masquerade.apps.jobs.liveness import WorkerName
from masquerade.core.errors import ModelError, RuntimeSetupError, SettingsError

__all__ = ["check_nodes"]

_PATIENCE_S = 120.0
_PROBE = ".masquerade-"


def check_nodes(
    session: RaySession,
    facts: NodeFacts,
    models: Sequence[str],
    folders: Iterable[Path],
    files: str,
) -> bool:
    """See that every node has the same software and networks as this machine, and which files.

    Args:
        session: connected.
        facts: of this machine.
        models: names of the brought models that jobs need.
        folders: where outputs go.
        files: ``shared`` and ``store`` decide how nodes get files, ``auto`` finds out.

    Returns:
        Whether the nodes see the outputs' folders under the same names.

    Raises:
        ModelError: a node has another file of a model, or none.
        RuntimeSetupError: masquerade is missing on a node, or of another version.
        SettingsError: there is no shared folder, and there has to be one.
    """
    shared = files != "store"
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(_probe(folder)) for folder in folders] if shared else []
        for place, (path, words) in enumerate(probes or [(Path(), b"")]):
            seen = _ask(session, facts, models if place == 0 else (), path, words, place == 0)
            shared = shared and all(seen.values())
            blind = [name for name, sees in seen.items() if not sees]
            if blind and files == "shared":
                raise SettingsError(
                    f"The node {blind[0]} does not see {path.parent}; mount it there under the "
                    "same name, or take --files store."
                )
    return shared


def _ask(
    session: RaySession,
    facts: NodeFacts,
    models: Sequence[str],
    path: Path,
    words: bytes,
    compare: bool,
) -> dict[str, bool]:
    """Whether each node, by name, sees a file; and whether it is like this one."""
    ray, seen = session.ray, dict[str, bool]()
    inspect = ray.remote(inspect_node)
    nodes = session.nodes()
    asked = {
        id_: inspect.options(num_cpus=0, max_retries=0, **on_node(id_)).remote(
            models, str(path), words
        )
        for id_ in nodes
    }
    for id_, reference in asked.items():
        answer = _answer(session, nodes[id_], reference)
        difference = facts.difference(NodeFacts.of_dict(answer["facts"])) if compare else ""
        if difference:
            kind = ModelError if "model" in difference else RuntimeSetupError
            raise kind(
                f"The node {nodes[id_]} has another {difference}; install the same on all nodes."
            )
        seen[nodes[id_]] = answer["shared"]
    return seen


def _answer(session: RaySession, name: str, reference: Any) -> dict[str, Any]:
    errors = session.ray.exceptions
    try:
        found: dict[str, Any] = session.ray.get(reference, timeout=_PATIENCE_S)
    except errors.RayError as error:
        text = " ".join(str(error).split())
        if "No module named" in text:
            raise RuntimeSetupError(
                f"Masquerade is not installed on the node {name}; install the same version there."
            ) from error
        raise RuntimeSetupError(
            f"The node {name} does not answer ({type(error).__name__}: {text[-300:]}); take it out "
            "of the cluster, or repair it."
        ) from error
    return found


@contextlib.contextmanager
def _probe(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """A file that whoever shares the folder sees."""
    path = folder / f"{_PROBE}{secrets.token_hex(8)}"
    words = f"{WorkerName.own()}\n{secrets.token_hex(16)}".encode()
    try:
        _sweep(folder)
        path.write_bytes(words)
        yield path, words
    except OSError as error:
        raise SettingsError(
            f"{folder} cannot be written to ({error.strerror}); choose another output."
        ) from error
    finally:
        path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Delete what drivers have left that were killed while they looked."""
    for path in folder.glob(f"{_PROBE}*"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            owner = WorkerName.read(path.read_text(encoding="utf-8").partition("\n")[0])
            if not owner.is_alive(path.stat().st_mtime + _PATIENCE_S):
                path.unlink()
