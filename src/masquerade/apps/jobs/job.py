"""One file to be swapped: what is asked for, and how far it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

from masquerade.apps.settings_file import checked_changes
from masquerade.core import errors
from masquerade.core.errors import JobError, MasqueradeError, SettingsError
from masquerade.core.settings import Settings

if TYPE_CHECKING:
    from masquerade.media.encoders import VideoOptions

__all__ = ["ENDED", "MOVES", "STATES", "Failure", "Job", "JobSpec", "JobState", "settings_of"]

JobState = Literal["waiting", "running", "done", "failed", "cancelled"]
STATES: tuple[JobState, ...] = get_args(JobState)
ENDED: frozenset[JobState] = frozenset({"done", "failed", "cancelled"})
"""States in which nobody works on the job any more."""
MOVES: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        "waiting": frozenset({"running", "cancelled"}),
        "running": frozenset({"waiting", "done", "failed", "cancelled"}),
        "done": frozenset(),
        "failed": frozenset({"waiting"}),
        "cancelled": frozenset({"waiting"}),
    }
)
"""Where each state may lead. From ``running`` back to ``waiting`` goes a job whose worker died."""


def settings_of(values: Mapping[str, Any]) -> Settings:
    """Settings from plain values, as JSON and TOML hold them: lists where settings have tuples.

    Raises:
        SettingsError: there is no such setting, or its value is wrong.

    >>> settings_of({"mask": ["box"], "shape": 0.5}).mask
    ('box',)
    """
    return Settings().replace(**checked_changes(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What is to be done. Everything in it can be written as JSON.

    Attributes:
        name: what the target is called in lists and messages.
        target: the picture or video.
        output: where the result goes; what is there is replaced.
        donors: by person, the photos or the saved identity.
        references: whom a donor replaces: a photo of that person, or a track's number; a donor
            without one replaces whoever the settings choose.
        consents: on what ground each donor's face is used.
        settings: what differs from the defaults of :class:`Settings`.
        video: what differs from the defaults of :class:`VideoOptions`.
        allow_no_face: write the output even where nobody was swapped.
    """

    name: str
    target: Path
    output: Path
    donors: Mapping[str, tuple[Path, ...]]
    references: Mapping[str, Path | int] = field(default_factory=dict)
    consents: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    video: Mapping[str, Any] = field(default_factory=dict)
    allow_no_face: bool = False

    def check(self) -> None:
        """Find out what can be found out without the files.

        Raises:
            SettingsError: a setting is unknown or wrong, there is no donor, or a reference or a
                consent is for somebody who is not among the donors.
        """
        settings_of(self.settings)
        self.video_options()
        if not self.donors or not all(self.donors.values()):
            raise SettingsError("A job needs a donor; choose an identity.")
        strangers = sorted({*self.references, *self.consents} - set(self.donors))
        if strangers:
            raise SettingsError(
                f"{strangers[0]!r} is no donor of this job; there are {', '.join(self.donors)}."
            )

    def video_options(self) -> VideoOptions:
        """How the video is read and written.

        Raises:
            SettingsError: an option is unknown or wrong.
        """
        from masquerade.media.encoders import VideoOptions  # FFmpeg is opened for it

        unknown = sorted(set(self.video) - set(VideoOptions.__dataclass_fields__))
        if unknown:
            raise SettingsError(f"There is no video option {unknown[0]!r}; see docs/usage.md.")
        return VideoOptions(**self.video)

    def to_json(self) -> str:
        """The same as text, for :meth:`from_json`."""
        plain = {
            "name": self.name,
            "target": str(self.target),
            "output": str(self.output),
            "donors": {name: [str(file) for file in files] for name, files in self.donors.items()},
            "references": {
                name: ref if isinstance(ref, int) else str(ref)
                for name, ref in self.references.items()
            },
            "consents": dict(self.consents),
            "settings": dict(self.settings),
            "video": dict(self.video),
            "allow_no_face": self.allow_no_face,
        }
        return json.dumps(plain, ensure_ascii=False, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> JobSpec:
        """What :meth:`to_json` wrote.

        Raises:
            JobError: the text is something else.
        """
        try:
            plain = json.loads(text)
            donors = {
                name: tuple(Path(file) for file in files)
                for name, files in plain.pop("donors").items()
            }
            references = {
                name: ref if isinstance(ref, int) else Path(ref)
                for name, ref in plain.pop("references").items()
            }
            target, output = Path(plain.pop("target")), Path(plain.pop("output"))
            return JobSpec(
                target=target, output=output, donors=donors, references=references, **plain
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise JobError(
                "A job in the store cannot be read; remove it and submit it anew."
            ) from error


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed: an error that a store can hold.

    Attributes:
        kind: name of the error's class in ``core/errors.py``.
        message: its two sentences.
    """

    kind: str
    message: str

    @classmethod
    def of(cls, error: MasqueradeError, spec: JobSpec) -> Failure:
        """What is kept of ``error``, which calls the target of ``spec`` by its name."""
        message = " ".join(str(error).split()).replace(str(spec.target), spec.name)
        return cls(type(error).__name__, message)

    def as_error(self) -> MasqueradeError:
        """The error again; one of a kind that is unknown here becomes a JobError."""
        kind = getattr(errors, self.kind, JobError)
        known = isinstance(kind, type) and issubclass(kind, MasqueradeError)
        return kind(self.message) if known else JobError(self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as the store holds it. Times are seconds since 1970, UTC.

    Attributes:
        id: 20 characters of 0-9 and a-f.
        number: grows with every job of the store.
        spec: what is to be done.
        state: see :data:`MOVES`.
        priority: higher ones come first.
        attempts: how often a worker has taken it up.
        worker: who works on it, or is still leaving it after it was cancelled.
        progress: 0..1.
        fps: frames a second, None before the first.
        left_s: seconds it will still take, None where nobody knows.
        created, started, finished: when; None before.
        failure: why it failed.
        report: what was done, as ``Report.as_dict`` says it.
        change: grows in the store with every change of any job.
    """

    id: str
    number: int
    spec: JobSpec
    state: JobState
    priority: int = 0
    attempts: int = 0
    worker: str | None = None
    progress: float = 0.0
    fps: float | None = None
    left_s: float | None = None
    created: float
    started: float | None = None
    finished: float | None = None
    failure: Failure | None = None
    report: Mapping[str, Any] | None = None
    change: int
