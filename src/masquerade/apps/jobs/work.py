"""Doing one job: the same engine, files, label and statement of origin as ``masquerade swap``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from masquerade.apps.donors import make_identity
from masquerade.apps.jobs.job import JobSpec, execution_of, settings_of
from masquerade.apps.picture_stream import swap_still
from masquerade.apps.plan import Work
from masquerade.apps.sinks import closing_down
from masquerade.core.errors import MissingInputError
from masquerade.engine import Engine, Report
from masquerade.engine.origin import state_origin
from masquerade.media.image import read_image
from masquerade.media.limits import MediaLimits
from masquerade.media.open import check_output, open_sink, open_source, open_target
from masquerade.pipeline.meter import Progress
from masquerade.trust.consent import Consent, guardians_of, still_given
from masquerade.trust.register import ConsentRegister
from masquerade.trust.report import Errand

if TYPE_CHECKING:
    from masquerade.core.disclosure import Disclosure
    from masquerade.core.execution import Execution
    from masquerade.core.settings import Settings
    from masquerade.media.picture import Picture
    from masquerade.trust.deny_list import LockedFace

__all__ = ["consents_of", "do_file", "do_job", "open_engine", "statement_of"]


def do_job(
    spec: JobSpec, show: Callable[[Progress], None], limits: MediaLimits | None = None
) -> Report:
    """Swap one file; the output appears whole or not at all, in place of an earlier one.

    Args:
        spec: what is to be done.
        show: called with how far a video is, about ten times a second; what it raises ends the
            work and leaves no output.
        limits: the largest target that is read.

    Raises:
        MasqueradeError: as ``masquerade swap``.
    """
    spec.check()
    limits = limits or MediaLimits()
    kind = open_target(spec.target, limits=limits)
    check_output(spec.output, kind)
    consents = consents_of(spec)
    picture = read_image(spec.target, limits=limits) if kind == "image" else None
    with open_engine(spec, consents, limits) as engine:

        def state(touched: bool) -> Disclosure:
            return statement_of(engine, spec, consents, touched=touched)

        return do_file(engine, spec, picture, state, show, limits)


def do_file(
    engine: Engine,
    spec: JobSpec,
    picture: Picture | None,
    state: Callable[[bool], Disclosure],
    show: Callable[[Progress], None],
    limits: MediaLimits,
) -> Report:
    """The same with an engine that is open.

    Args:
        engine: of the job's donors and settings.
        spec: what is to be done.
        picture: the target, read; None where it is no still.
        state: makes the statement of origin, given whether anything was or will be drawn.
        show: as for :func:`do_job`.
        limits: the largest target that is read.

    Raises:
        MasqueradeError: as ``masquerade swap``.
    """
    if picture is None:
        return _video(engine, spec, state, show, limits)
    return swap_still(
        engine,
        Work(spec.target, spec.output),
        picture,
        state,
        allow_no_face=spec.allow_no_face,
        overwrite=True,
    )


def open_engine(
    spec: JobSpec,
    consents: Mapping[str, Consent | str],
    limits: MediaLimits,
    *,
    settings: Settings | None = None,
    execution: Execution | None = None,
    locked: Sequence[LockedFace] = (),
) -> Engine:
    """The engine that does a job.

    Args:
        spec: what is to be done.
        consents: what was said of each donor.
        limits: the largest photo that is read.
        settings, execution: in place of the job's own.
        locked: faces that must not be used, beside those that are locked on this installation.

    Raises:
        MasqueradeError: as :class:`Engine`; a donor's photo is gone.
    """
    for name, files in spec.donors.items():
        if not all(file.is_file() for file in files):
            raise MissingInputError(
                f"The photos of {name} were deleted before the job began; submit it anew with "
                "another donor."
            )
    identities = {
        name: make_identity(files, limits, name=name) for name, files in spec.donors.items()
    }
    references = {
        name: ref if isinstance(ref, int) else str(ref) for name, ref in spec.references.items()
    }
    return Engine(
        identities,
        settings or settings_of(spec.settings),
        execution=execution or execution_of(spec.execution),
        references=references or None,
        guardian=guardians_of(consents, spec.guardian),
        locked=locked,
    )


def consents_of(spec: JobSpec) -> Mapping[str, Consent | str]:
    """What was said of each donor: as the register has it now, where it is kept there.

    Raises:
        ConsentError: it was revoked.
    """
    register = ConsentRegister()
    kept = {name: still_given(register, key, name) for name, key in spec.statements.items()}
    return {**spec.consents, **kept}


def _video(
    engine: Engine,
    spec: JobSpec,
    state: Callable[[bool], Disclosure],
    show: Callable[[Progress], None],
    limits: MediaLimits,
) -> Report:
    options, statement = spec.video_options(), state(True)
    with open_source(spec.target, options, limits=limits) as source:
        sink = open_sink(spec.output, source, options, disclosure=statement, overwrite=True)
        with closing_down(sink):
            return engine.run(source, sink, show, allow_no_face=spec.allow_no_face)


def statement_of(
    engine: Engine, spec: JobSpec, consents: Mapping[str, Consent | str], *, touched: bool = True
) -> Disclosure:
    """What the output says of its origin; ``touched`` whether anything was or will be drawn.

    Raises:
        SigningError: nothing can be signed here.
    """
    errand = Errand(
        target=spec.target,
        donors=spec.donors,
        references=spec.references,
        options={"video": dict(spec.video), "allow_no_face": spec.allow_no_face},
    )
    return state_origin(engine, errand=errand, consents=consents, touched=touched)
