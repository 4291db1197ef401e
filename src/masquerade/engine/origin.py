"""The statement of origin of an output: the one way from an engine to metadata and credentials."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import InputError
from masquerade.engine.record import record_output
from masquerade.models.library import Library
from masquerade.models.store import registry
from masquerade.trust.consent import basis_of, consent_statement
from masquerade.trust.credentials import Credentials
from masquerade.trust.metadata import build_disclosure, settings_digest
from masquerade.trust.report import Errand, Model, run_report
from masquerade.trust.watermark import Watermark, number_of

if TYPE_CHECKING:
    from masquerade.core.disclosure import Disclosure
    from masquerade.engine.engine import Engine
    from masquerade.trust.consent import Consent

__all__ = ["engine_report", "picture_mark", "sealed", "state_origin"]

_BEGINNING_BYTES = 1 << 20


def state_origin(
    engine: Engine,
    *,
    target: Path | None = None,
    errand: Errand | None = None,
    consents: Mapping[str, Consent | str] | None = None,
    size_wh: tuple[int, int] | None = None,
    live: bool = False,
    touched: bool = True,
) -> Disclosure:
    """What one output says of itself: the metadata now, the credentials when it is finished.

    Args:
        engine: makes the output; its ``ledger`` is asked when the output is finished.
        target: the file that is edited; that of ``errand`` by default, None for a stream.
        errand: what was asked for, for the run report.
        consents: the donors' names and what was said of each, or only on what basis their faces
            are used.
        size_wh: of the frames that will come, in pixels.
        live: a session draws with the engine, or will; else networks are opened now, since only
            then it is known which take part.
        touched: whether anything was or will be drawn; what is written as it was is not marked.

    Raises:
        SigningError: nothing can be signed here.
        RuntimeSetupError: a network is missing, broken, or does not fit into memory.
    """
    if not live:
        engine.load(size_wh)
    models = engine.models or None if live else engine.models
    bases = {name: basis_of(said) for name, said in (consents or {}).items()}
    disclosure = build_disclosure(engine.settings, consents=bases, models=models)
    errand = errand or Errand(target=target)
    target = target or errand.target
    mark = (engine.mark if live else _mark(engine, target)) if touched else None
    seal = _seal(engine, target, errand, consents, mark)
    # Live pictures have their mark before they reach any sink.
    return replace(disclosure, seal=seal, mark=None if live else _wanted(engine, mark))


def sealed(disclosure: Disclosure, engine: Engine, target: Path | None = None) -> Disclosure:
    """A caller's own statement, signed like every other.

    Raises:
        SigningError: nothing can be signed here.
    """
    if disclosure.seal is not None:
        return disclosure
    mark = _mark(engine, target)
    seal = _seal(engine, target, Errand(target=target), None, mark)
    return replace(disclosure, seal=seal, mark=_wanted(engine, mark))


def picture_mark(engine: Engine, target: Path) -> Watermark | None:
    """What is put into every picture that an engine makes of a file; None where none is wanted."""
    return _wanted(engine, _mark(engine, target))


def _mark(engine: Engine, target: Path | None) -> Watermark:
    """The mark of one file, the same whenever the same is done again."""
    if target is None:
        return engine.mark
    try:
        with target.open("rb") as file:
            beginning = hashlib.sha256(file.read(_BEGINNING_BYTES)).hexdigest()
        size_bytes = target.stat().st_size
    except OSError:
        return engine.mark  # whoever reads the target says what is wrong with it
    return Watermark(number_of(beginning, str(size_bytes), settings_digest(engine.settings)))


def _wanted(engine: Engine, mark: Watermark | None) -> Watermark | None:
    return mark if engine.settings.watermark else None


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
    engine: Engine,
    target: Path | None,
    errand: Errand,
    consents: Mapping[str, Consent | str] | None,
    mark: Watermark | None,
) -> Credentials:
    def statements() -> dict[str, Mapping[str, Any]]:
        own: dict[str, Mapping[str, Any]] = {"label": {"style": engine.settings.label}}
        wanted = _wanted(engine, mark)
        own["watermark"] = {"scheme": "none"} if wanted is None else wanted.statement()
        if consents:
            own["consent"] = consent_statement(consents.values(), engine.guardian)
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
