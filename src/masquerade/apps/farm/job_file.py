"""The file of ``masquerade farm submit``: which targets, whose face, how, and where to.

    targets = ["films/*.mp4", "intro.mov"]     # files, folders, patterns
    output = "swapped/{stem}.mp4"              # {stem}, {suffix}, {number}
    donor = "anna.jpg"                         # or several photos; or map = "people.toml"
    consent = "self"

    [settings]
    strength = 0.9

Several jobs in one file are ``[[job]]`` tables; what stands above them holds for all. Paths are
relative to the file. Everything is checked before anything begins, and a mistake is named with its
line and its field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from masquerade.apps.donor_map import MappedPerson, read_donor_map
from masquerade.apps.farm.job_keys import KINDS, TABLES, check_value, kind_words, unknown_key
from masquerade.apps.farm.pictures import expand
from masquerade.apps.farm.toml_lines import TomlLines
from masquerade.apps.jobs.job import SEGMENT_S
from masquerade.core.errors import InputError, MasqueradeError, SettingsError
from masquerade.trust.consent import BASES, Basis
from masquerade.trust.minors import GUARDIANS, Guardian

__all__ = ["FarmJob", "read_job_file"]

_MOST_PRIORITY = 1000
_TAKEN_OVER = ("consent", "guardian", "priority", "segment_s", "overwrite", "allow_no_face")


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmJob:
    """One target of a job file.

    Attributes:
        target: the picture or video.
        output: where the result goes.
        people: whose face is drawn, and upon whom.
        consent: on what ground the faces are used; None asks.
        guardian: what is said of people who look under 18; empty for nothing.
        priority: higher ones come first.
        segment_s: length of the pieces that a video is cut into, seconds.
        overwrite: whether an output that is there may be replaced.
        allow_no_face: write the output even where nobody was swapped.
        settings, video, execution: what differs from the defaults.
        where: file and line, for messages.
        places: the same of ``output``, ``donor`` and ``encoder``, with the field's name.
    """

    target: Path
    output: Path
    people: tuple[MappedPerson, ...]
    consent: Basis | None = None
    guardian: Guardian | Literal[""] = ""
    priority: int = 0
    segment_s: float = SEGMENT_S
    overwrite: bool = False
    allow_no_face: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    video: Mapping[str, Any] = field(default_factory=dict)
    execution: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""
    places: Mapping[str, str] = field(default_factory=dict)


def read_job_file(path: Path) -> list[FarmJob]:
    """Read and check a job file.

    Raises:
        MissingInputError: the file, a target, a photo or a map is not there.
        SettingsError: a mistake; the message names its line and its field.
    """
    text = TomlLines(path)
    tables = text.values.pop("job", None)
    shared = _Table(text, text.values, 1, next(iter(text.starts("job")), None))
    if tables is None:
        return _apart(list(shared.jobs({})))
    if not isinstance(tables, list) or not all(isinstance(item, dict) for item in tables):
        raise text.error(
            text.line_of("job") or 1, "write [[job]], with two brackets, above each job"
        )
    shared.check()
    starts = [*text.starts("job"), None]
    jobs: list[FarmJob] = []
    for number, values in enumerate(tables):
        start = starts[number] if number < len(starts) else None
        end = starts[number + 1] if number + 1 < len(starts) else None
        jobs += _Table(text, values, start or 1, end).jobs(text.values, shared, len(jobs))
    if not jobs:
        raise text.error(1, "it has no job; add targets, output and donor")
    return _apart(jobs)


class _Table:
    """The top of a job file or one ``[[job]]`` of it."""

    def __init__(
        self, text: TomlLines, values: dict[str, Any], start: int, end: int | None
    ) -> None:
        self._text, self._values, self._start, self._end = text, values, start, end

    def line(self, key: str) -> int:
        """Where ``key`` stands, or else where the table begins."""
        return self._text.line_of(key, self._start, self._end) or self._start

    def place(self, key: str) -> str:
        """File, line and name of ``key``."""
        return f"{self._text.path}, line {self.line(key)}: {key}"

    def check(self) -> None:
        """Raise SettingsError for an unknown key, a value of a wrong kind or out of range."""
        for key, value in self._values.items():
            kinds = KINDS.get(key)
            if kinds is None:
                raise self._wrong(key, unknown_key(key))
            if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
                raise self._wrong(key, kind_words(key, value))
        self._check_values()
        for name in TABLES:
            self._check_table(name, self._values.get(name, {}))

    def jobs(
        self, defaults: Mapping[str, Any], shared: _Table | None = None, count: int = 0
    ) -> Iterator[FarmJob]:
        """The jobs of the table, one for each target."""
        self.check()
        merged = {**defaults, **self._values}
        for name in TABLES:
            merged[name] = {**defaults.get(name, {}), **self._values.get(name, {})}
        if "donor" in self._values or "map" in self._values:
            merged = {k: v for k, v in merged.items() if k not in ("donor", "map", "reference")}
            merged |= {k: v for k, v in self._values.items() if k in ("donor", "map", "reference")}
        places = {key: self if key in self._values or not shared else shared for key in KINDS}
        for key, example in (("targets", '["film.mp4"]'), ("output", '"swapped/{stem}.mp4"')):
            if key not in merged:
                raise self._text.error(self._start, f"{key} is missing; add {key} = {example}")
        people = self._people(merged, places)
        plain = {key: merged[key] for key in (*_TAKEN_OVER, *TABLES) if key in merged}
        targets = places["targets"].targets(merged["targets"])
        donor = "map" if "map" in merged else "donor"
        said = {"output": places["output"], donor: places[donor], "encoder": places["video"]}
        for number, (target, line) in enumerate(targets, count + 1):
            output = places["output"].output(merged["output"], target, number)
            where = f"{self._text.path}, line {line}"
            yield FarmJob(
                target=target,
                output=output,
                people=people,
                where=where,
                places={key: table.place(key) for key, table in said.items()},
                **plain,
            )

    def targets(self, names: str | list[Any]) -> list[tuple[Path, int]]:
        """The files that ``targets`` stands for, each with its line."""
        found: list[tuple[Path, int]] = []
        start = self.line("targets")
        for name in [names] if isinstance(names, str) else names:
            if not isinstance(name, str) or not name:
                raise self._text.error(start, 'targets are paths in quotes, such as ["film.mp4"]')
            line = self._text.line_with(name, start) or start
            try:
                files = expand(self._path("targets", name))
            except InputError as error:
                raise type(error)(f"{self._text.path}, line {line}: targets: {error}") from error
            found += [(file.absolute(), line) for file in files]
        if not found:
            raise self._text.error(start, "targets is an empty list; name a file")
        return found

    def output(self, pattern: str, target: Path, number: int) -> Path:
        """The output of a target, by the pattern; of a folder the pattern, once it was tried."""
        words = {"stem": target.stem, "suffix": target.suffix, "number": number}
        try:
            name = pattern.format(**words)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise self._wrong(
                "output",
                f"output is {pattern!r}; use {{stem}}, {{suffix}} and {{number}} alone in braces",
            ) from error
        if target.is_dir():
            if set("{}") & set(str(Path(pattern).parent)):
                raise self._wrong("output", "of a folder, output has braces in its last part alone")
            name = pattern
        path = self._path("output", name)
        if name.endswith(("/", "\\")) or path.is_dir():
            inside = f"{pattern.rstrip('/' + chr(92))}/{{stem}}{{suffix}}"
            raise self._wrong("output", f'output is a folder; write output = "{inside}"')
        if not path.suffix and not target.is_dir():
            raise self._wrong(
                "output", f"output {pattern!r} has no extension; end it with {{suffix}} or .mp4"
            )
        return path

    def _path(self, key: str, name: str) -> Path:
        """A path of the file; relative ones are meant from where the file lies."""
        try:
            path = (self._text.path.parent / Path(name).expanduser()).absolute()
            path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return path
        except RuntimeError as error:
            raise self._wrong(key, f"{key}: there is no such home as in {name!r}") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise self._wrong(key, f"{key}: {name[:60]!r} cannot be used ({reason})") from error
        return path

    def _wrong(self, key: str, problem: str) -> SettingsError:
        return self._text.error(self.line(key), problem)

    def _check_values(self) -> None:
        values = self._values
        consent, priority = values.get("consent"), values.get("priority", 0)
        if consent is not None and consent not in BASES:
            raise self._wrong("consent", f"consent is {consent!r}; give one of {', '.join(BASES)}")
        guardian = values.get("guardian")
        if guardian is not None and guardian not in GUARDIANS:
            known = ", ".join(GUARDIANS)
            raise self._wrong("guardian", f"guardian is {guardian!r}; give one of {known}")
        if abs(priority) > _MOST_PRIORITY:
            limits = f"-{_MOST_PRIORITY} to {_MOST_PRIORITY}"
            raise self._wrong("priority", f"priority is {priority}; give a number from {limits}")
        if not 1 <= values.get("segment_s", SEGMENT_S) <= 3600:
            raise self._wrong(
                "segment_s", f"segment_s is {values['segment_s']}; give seconds from 1 to 3600"
            )
        if "donor" in values and "map" in values:
            raise self._wrong("map", "map and donor are both given; keep one of them")

    def _check_table(self, name: str, values: Mapping[str, Any]) -> None:
        """Check each value by itself, so that the line of the wrong one can be told."""
        top = self.line(name)
        for key, value in values.items():
            try:
                check_value(name, key, value)
            except MasqueradeError as error:
                line = self._text.line_of(key, top, self._end) or top
                problem = str(error).rstrip(".")
                raise self._text.error(line, f"{name}.{key}: {problem}") from error

    def _people(
        self, merged: Mapping[str, Any], places: Mapping[str, _Table]
    ) -> tuple[MappedPerson, ...]:
        if "map" in merged:
            return read_donor_map(places["map"].file("map", merged["map"]))
        if "donor" not in merged:
            raise self._text.error(self._start, 'donor is missing; add donor = "photo.jpg"')
        photos = merged["donor"] if isinstance(merged["donor"], list) else [merged["donor"]]
        donor = tuple(places["donor"].file("donor", name) for name in photos)
        if not donor:
            raise places["donor"]._wrong("donor", "donor is an empty list; name a photo")
        reference = merged.get("reference")
        whom = None if reference is None else places["reference"].file("reference", reference)
        return (MappedPerson(donor, whom, None),)

    def file(self, key: str, name: Any) -> Path:
        """A photo that must be there."""
        if not isinstance(name, str) or not name:
            raise self._wrong(key, f'{key} is a path in quotes, such as {key} = "photo.jpg"')
        path = self._path(key, name)
        if path.is_dir():
            raise self._wrong(key, f"{key}: {path} is a folder; name the file in it")
        if not path.is_file():
            raise self._wrong(key, f"{key}: there is no file {path}")
        return path


def _apart(jobs: list[FarmJob]) -> list[FarmJob]:
    """Refuse two jobs with one output, and an output that is another's input."""
    seen: dict[Path, FarmJob] = {}
    targets = {job.target: job for job in jobs}
    for job in jobs:
        twin = seen.setdefault(job.output, job)
        if twin is not job:
            raise SettingsError(
                f"{job.where}: output: {twin.target} and {job.target} would both become "
                f"{job.output}; use {{stem}} or {{number}} in output."
            )
        if job.output in targets:
            raise SettingsError(
                f"{job.where}: output: {job.output} is a target too, and inputs are never "
                "overwritten; choose another output."
            )
    return jobs
