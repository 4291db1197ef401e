"""The statement of origin of an output: the one way from an engine to metadata and credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import InputError
from masquerade.engine.record import record_output
from masquerade.models.library import Library
from masquerade.models.store import registry
from masquerade.trust.credentials import Credentials
from masquerade.trust.metadata import build_disclosure
from masquerade.trust.report import Errand, Model, run_report

if TYPE_CHECKING:
    from masquerade.core.disclosure import Disclosure
    from masquerade.engine.engine import Engine

__all__ = ["engine_report", "sealed", "state_origin"]


def state_origin(
    engine: Engine,
    *,
    target: Path | None = None,
    errand: Errand | None = None,
    consents: Mapping[str, str] | None = None,
    size_wh: tuple[int, int] | None = None,
    live: bool = False,
) -> Disclosure:
    """What one output says of itself: the metadata now, the credentials when it is finished.

    Args:
        engine: makes the output; its ``ledger`` is asked when the output is finished.
        target: the file that is edited; that of ``errand`` by default, None for a stream.
        errand: what was asked for, for the run report.
        consents: the donors' names and on what basis their faces are used.
        size_wh: of the frames that will come, in pixels.
        live: a session draws with the engine, or will; else networks are opened now, since only
            then it is known which take part.

    Raises:
        SigningError: nothing can be signed here.
        RuntimeSetupError: a network is missing, broken, or does not fit into memory.
    """
    if not live:
        engine.load(size_wh)
    models = engine.models or None if live else engine.models
    disclosure = build_disclosure(engine.settings, consents=consents, models=models)
    errand = errand or Errand(target=target)
    return replace(disclosure, seal=_seal(engine, target or errand.target, errand, consents))


def sealed(disclosure: Disclosure, engine: Engine, target: Path | None = None) -> Disclosure:
    """A caller's own statement, signed like every other.

    Raises:
        SigningError: nothing can be signed here.
    """
    if disclosure.seal is not None:
        return disclosure
    return replace(disclosure, seal=_seal(engine, target, Errand(target=target), None))


def engine_report(
    engine: Engine, errand: Errand | None = None, *, with_paths: bool = False
) -> dict[str, Any]:
    """The run report of the engine's latest work; see :func:`masquerade.trust.report.run_report`.

    Raises:
        InputError: a file of the errand cannot be read any more.
    """
    try:
        return run_report(
            engine.settings,
            engine.execution,
            _models(engine),
            engine.ledger.figures(),
            errand,
            with_paths=with_paths,
        )
    except OSError as error:
        raise InputError(
            f"{error.filename} cannot be read any more ({error.strerror}), so there is no report "
            "of the run; keep inputs where they are until it ends."
        ) from error


def _seal(
    engine: Engine, target: Path | None, errand: Errand, consents: Mapping[str, str] | None
) -> Credentials:
    def statements() -> dict[str, Mapping[str, Any]]:
        own: dict[str, Mapping[str, Any]] = {"label": {"style": engine.settings.label}}
        if consents:
            own["consent"] = {"bases": sorted(set(consents.values()))}
        own["content"] = engine.content
        stated = {**own, **engine.ledger.statements, "report": engine_report(engine, errand)}
        return {**stated, "audit": {"entry": record_output(stated)}}

    return Credentials(target, statements)


def _models(engine: Engine) -> list[Model]:
    """The built-in networks, which find every face, and the brought ones that took part."""
    own = [Model(role, spec.sha256) for role, spec in registry().items()]
    library = Library()
    for item in engine.networks:
        name, network = item.spec.name, item.network
        digest = library.sha256(library.path(name))
        own.append(Model(name, digest, network.precision, network.provider))
    return own
