"""From what a job file asks for to jobs in the store: donors read, consent settled, all checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from masquerade.apps.donor_map import MappedPerson
from masquerade.apps.farm.donor_facts import DonorFacts, read_donors
from masquerade.apps.farm.job_file import FarmJob
from masquerade.apps.farm.pictures import check_outputs, is_bulk
from masquerade.apps.jobs.job import JobSpec, execution_of, settings_of
from masquerade.apps.plan import Work
from masquerade.core.errors import (
    ConsentError,
    EncoderError,
    MasqueradeError,
    OutputError,
    OutputExistsError,
)
from masquerade.engine.asked import check_models
from masquerade.media.containers import VIDEO_EXTENSIONS
from masquerade.media.encoders import find_encoder
from masquerade.media.limits import MediaLimits
from masquerade.media.open import check_output, open_target
from masquerade.media.output_file import output_error
from masquerade.trust.consent import Basis, Consent, ask, ensure_consent
from masquerade.trust.register import ConsentRegister

__all__ = ["make_specs"]


def make_specs(
    jobs: Sequence[FarmJob],
    *,
    overwrite: bool = False,
    make_folders: bool = True,
    note: Callable[[str], None] = lambda _text: None,
) -> list[JobSpec]:
    """Check everything that can be checked before work begins, and say what is to be done.

    Args:
        jobs: of a job file.
        overwrite: replace outputs that are there, whatever the file says.
        make_folders: make the folders of outputs where there are none.
        note: told what would make a donor look better.

    Raises:
        MasqueradeError: the first job that cannot be done as it is asked for.
    """
    casting = _Casting(jobs, note)
    specs = [casting.spec(job) for job in jobs]
    for spec in specs:
        check_models(settings_of(spec.settings))
    for job, spec in zip(jobs, specs, strict=True):
        if make_folders:
            _make_folder(spec.output.parent)
        try:
            _check_files(spec, overwrite=overwrite or job.overwrite)
        except MasqueradeError as error:
            raise type(error)(f"{_place(job, error)}: {error}") from error
    return specs


def _place(job: FarmJob, error: MasqueradeError) -> str:
    """Where in its file a job is wrong: an output that exists is a matter of its target."""
    if isinstance(error, EncoderError):
        return job.places.get("encoder", job.where)
    if isinstance(error, OutputError) and not isinstance(error, OutputExistsError):
        return job.places.get("output", job.where)
    return job.where


def _check_files(spec: JobSpec, *, overwrite: bool) -> None:
    """See that the target can be read and the output written."""
    if is_bulk(spec):
        check_outputs(spec, overwrite=overwrite)
        return
    encoder = spec.video_options().encoder
    if spec.output.parent.exists():
        photos = [photo for photos in spec.donors.values() for photo in photos]
        work = Work(spec.target, spec.output)
        work.check(MediaLimits(), encoder=encoder, overwrite=overwrite, inputs=photos)
        return
    check_output(spec.output, open_target(spec.target))
    container = VIDEO_EXTENSIONS.get(spec.output.suffix.lower())
    if container is not None:
        find_encoder(encoder, container)


class _Casting:
    """Knows each donor of some jobs, however many targets it is for."""

    def __init__(self, jobs: Sequence[FarmJob], note: Callable[[str], None]) -> None:
        donors = {
            person.donor: job.places.get("map") or job.places.get("donor", "")
            for job in reversed(jobs)
            for person in job.people
        }
        self._facts = dict(zip(donors, read_donors(donors), strict=True))
        for facts in self._facts.values():
            for sentence in facts.advice:
                note(f"{facts.name}: {sentence}")
        self._register = ConsentRegister()
        self._known: dict[tuple[object, ...], Consent] = {}

    def spec(self, job: FarmJob) -> JobSpec:
        donors: dict[str, tuple[Path, ...]] = {}
        references: dict[str, Path | int] = {}
        consents: dict[str, Consent] = {}
        for person in job.people:
            facts = self._facts[person.donor]
            name = _free_name(facts.name, donors)
            donors[name] = tuple(file.absolute() for file in person.donor)
            consents[name] = self._consent(person, facts, job)
            whom = person.track if person.reference is None else person.reference.absolute()
            if whom is not None:
                references[name] = whom
        spec = JobSpec(
            name=job.target.name,
            target=job.target,
            output=job.output,
            donors=donors,
            references=references,
            consents={name: consent.basis for name, consent in consents.items()},
            statements={name: consent.fingerprint for name, consent in consents.items()},
            guardian=job.guardian,
            settings=job.settings,
            video=job.video,
            execution=job.execution,
            segment_s=float(job.segment_s),
            allow_no_face=job.allow_no_face,
        )
        execution_of(spec.execution)
        spec.check()
        return spec

    def _consent(self, person: MappedPerson, facts: DonorFacts, job: FarmJob) -> Consent:
        key = (person.donor, job.consent, job.guardian)
        if key not in self._known:
            self._known[key] = ensure_consent(
                self._register,
                facts.mark,
                facts.name,
                job.consent,
                question=_ask,
                identity=facts.identity,
                guardian=(job.guardian or None) if facts.minor else None,
            )
        return self._known[key]


def _ask(name: str) -> Basis:
    """Ask on the terminal; where there is none, say what the file lacks."""
    try:
        return ask(name)
    except ConsentError as error:
        words = 'add a line such as consent = "given", with one of'
        raise ConsentError(str(error).replace("add --consent with one of", words)) from error


def _free_name(name: str, taken: dict[str, tuple[Path, ...]]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        found: OutputError = output_error(error, folder)
        raise found from error
