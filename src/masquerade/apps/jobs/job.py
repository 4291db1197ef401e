"""One file to be swapped: what is asked for, and how far it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

from masquerade.apps.settings_file import checked_changes
from masquerade.core import errors
from masquerade.core.errors import JobError, MasqueradeError, SettingsError
from masquerade.core.execution import Execution
from masquerade.core.settings import Settings

if TYPE_CHECKING:
    from masquerade.media.encoders import VideoOptions
    from masquerade.trust.minors import Guardian

__all__ = [
    "ENDED",
    "MOVES",
    "SEGMENT_S",
    "STATES",
    "Failure",
    "Job",
    "JobSpec",
    "JobState",
    "Lane",
    "execution_of",
    "settings_of",
]

Lane = Literal["files", "farm"]
"""Who does a job: a worker of a queue, which does the file as a whole, or the farm."""

SEGMENT_S = 180.0
"""How long a segment is, unless a job says otherwise: a worker that dies loses this much at the
most, and the frames before it that are worked on once more are a few hundredths of it."""

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


def execution_of(values: Mapping[str, Any]) -> Execution:
    """An execution from plain values, as JSON and TOML hold them: lists where it has tuples.

    Raises:
        SettingsError: there is no such value, or it is wrong.

    >>> execution_of({"providers": ["cpu"], "threads": 2}).providers
    ('cpu',)
    """
    unknown = sorted(set(values) - {item.name for item in fields(Execution)})
    if unknown:
        raise SettingsError(
            f"There is no {unknown[0]!r} among what says where networks run; see docs/farm.md."
        )
    plain: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    try:
        if "devices_of" in plain:
            plain["devices_of"] = {k: tuple(v) for k, v in plain["devices_of"].items()}
        return Execution(**plain)
    except (TypeError, AttributeError) as error:
        raise SettingsError(
            f"What says where networks run has a value of a wrong kind ({error}); see docs/farm.md."
        ) from error


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
        statements: by donor, the fingerprint under which the register of consents holds what was
            said; it must still be there when the job is done.
        guardian: what is said of people of the target who look under 18; empty for nothing.
        settings: what differs from the defaults of :class:`Settings`.
        video: what differs from the defaults of :class:`VideoOptions`.
        execution: what differs from the defaults of :class:`Execution`.
        segment_s: how long the pieces are into which the farm cuts a video, seconds.
        allow_no_face: write the output even where nobody was swapped.
    """

    name: str
    target: Path
    output: Path
    donors: Mapping[str, tuple[Path, ...]]
    references: Mapping[str, Path | int] = field(default_factory=dict)
    consents: Mapping[str, str] = field(default_factory=dict)
    statements: Mapping[str, str] = field(default_factory=dict)
    guardian: Guardian | Literal[""] = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    video: Mapping[str, Any] = field(default_factory=dict)
    execution: Mapping[str, Any] = field(default_factory=dict)
    segment_s: float = SEGMENT_S
    allow_no_face: bool = False

    def check(self) -> None:
        """Find out what can be found out without the files.

        Raises:
            SettingsError: a setting is unknown or wrong, there is no donor, or a reference or a
                consent is for somebody who is not among the donors.
        """
        settings_of(self.settings)
        execution_of(self.execution)
        self.video_options()
        if not 1 <= self.segment_s <= 3600:
            raise SettingsError(f"segment_s is {self.segment_s}; give seconds from 1 to 3600.")
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
            "statements": dict(self.statements),
            "guardian": self.guardian,
            "settings": dict(self.settings),
            "video": dict(self.video),
            "execution": dict(self.execution),
            "segment_s": self.segment_s,
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
            _check_kinds(plain)
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


_KINDS: Mapping[str, tuple[type, ...]] = {
    "name": (str,),
    "consents": (dict,),
    "settings": (dict,),
    "video": (dict,),
    "execution": (dict,),
    "segment_s": (int, float),
    "allow_no_face": (bool,),
}


def _check_kinds(plain: dict[str, Any]) -> None:
    """Whoever wrote the text may have put anything into it.

    Raises:
        TypeError: a value is of another kind than a job's.
    """
    for name, kinds in _KINDS.items():
        if name in plain and type(plain[name]) not in kinds:
            raise TypeError(name)


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
        lane: who does it.
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
    lane: Lane = "files"
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
