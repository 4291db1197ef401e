"""Pictures in bulk: which ones a folder holds, and where each goes.

The target of such a job is a folder and its output a pattern such as ``swapped/{stem}{suffix}``,
of which the last part is filled in for each picture. The list of pictures is made when the job
begins and kept; workers do one batch of it after the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from masquerade.apps.jobs.job import JobSpec
from masquerade.core.errors import JobError, MissingInputError, OutputExistsError, SettingsError
from masquerade.media.image import PICTURE_EXTENSIONS
from masquerade.media.open import VIDEO_INPUTS, expand_targets

__all__ = ["BATCH", "PictureList", "check_outputs", "expand", "is_bulk", "output_of", "pictures_in"]

BATCH = 32
"""Pictures of one task: few enough that little is done again after a crash."""


def is_bulk(spec: JobSpec) -> bool:
    """Whether a job is about a folder of pictures."""
    return spec.target.is_dir()


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder, in natural order, damaged ones too; no videos.

    Raises:
        MissingInputError: it holds neither a picture nor a video.
    """
    return [path for path in expand_targets(folder) if path.suffix.lower() not in VIDEO_INPUTS]


def expand(name: Path) -> list[Path]:
    """What the jobs of a name are about: files; of a folder itself, for its pictures,
    and its videos.

    Raises:
        MissingInputError: nothing is there.
    """
    if not name.exists():
        if not set("*?[") & set(str(name)):
            raise MissingInputError(f"There is no file {name}; check the name.")
        try:
            return expand_targets(name)
        except MissingInputError as error:
            raise MissingInputError(
                f"No picture and no video matches {name}; check the pattern."
            ) from error
    files = expand_targets(name)
    if not name.is_dir():
        return files
    videos = [file for file in files if file.suffix.lower() in VIDEO_INPUTS]
    return videos if len(videos) == len(files) else [name, *videos]


@dataclass(frozen=True, slots=True)
class PictureList:
    """What a job is about.

    Attributes:
        items: name, size in bytes and time of change in nanoseconds of each picture, in order.
        given_up: by place in ``items``, why a picture is not tried any more.
    """

    items: tuple[tuple[str, int, int], ...]
    given_up: Mapping[int, str] = field(default_factory=dict)

    @staticmethod
    def of(folder: Path) -> PictureList:
        """The pictures that a folder holds now.

        Raises:
            MissingInputError: there is none.
        """
        found = pictures_in(folder)
        if not found:
            raise MissingInputError(f"{folder} holds no picture; check the name.")
        return PictureList(tuple(_stamped(path) for path in found))

    @property
    def batches(self) -> list[range]:
        """Places of the pictures of each task."""
        count = len(self.items)
        return [range(start, min(start + BATCH, count)) for start in range(0, count, BATCH)]

    def renewed(self, folder: Path) -> tuple[PictureList, set[int]]:
        """The same pictures as they are now, and the places of those that were changed."""
        now = tuple(_stamped(folder / name) for name, _size, _time in self.items)
        changed = {
            place
            for place, (old, new) in enumerate(zip(self.items, now, strict=True))
            if old != new
        }
        given_up = {place: why for place, why in self.given_up.items() if place not in changed}
        return PictureList(now, given_up), changed

    def to_json(self) -> str:
        """As text, for :meth:`from_json`."""
        return json.dumps({"items": self.items, "given_up": dict(self.given_up)})

    @staticmethod
    def from_json(text: str) -> PictureList:
        """What :meth:`to_json` wrote.

        Raises:
            JobError: the text is something else.
        """
        try:
            plain = json.loads(text)
            items = tuple(_item(*item) for item in plain["items"])
            given_up = {int(place): why for place, why in plain["given_up"].items()}
            if not all(isinstance(why, str) for why in given_up.values()):
                raise TypeError("no reason")
            return PictureList(items, given_up)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise JobError(
                "The list of a job's pictures is damaged; retry it with --fresh."
            ) from error


def _item(name: str, size: int, time_ns: int) -> tuple[str, int, int]:
    """An item of a list that may be damaged; the name is one of a file and no path."""
    if not isinstance(name, str) or "\0" in name or Path(name).name != name:
        raise ValueError("no name")
    if type(size) is not int or type(time_ns) is not int:
        raise TypeError("no numbers")
    return name, size, time_ns


def _stamped(path: Path) -> tuple[str, int, int]:
    """Name, size and time of change; zeros where the file is gone, which is told in its turn."""
    try:
        found = path.stat()
    except OSError:
        return path.name, 0, 0
    return path.name, found.st_size, found.st_mtime_ns


def output_of(spec: JobSpec, name: str, place: int) -> Path:
    """Where the picture of that name and place goes, with an ending that can be written."""
    path = Path(name)
    words = {"stem": path.stem, "suffix": path.suffix, "number": place + 1}
    found = spec.output.name.format(**words)
    if Path(found).suffix.lower() not in PICTURE_EXTENSIONS:
        found += ".png"
    return spec.output.with_name(found)


def check_outputs(spec: JobSpec, *, overwrite: bool) -> int:
    """See that each picture has an output of its own; returns how many pictures there are.

    Raises:
        MissingInputError: there is no picture.
        SettingsError: two pictures would become the same file, or outputs would go among inputs.
        OutputExistsError: an output is there, and may not be replaced.
    """
    if spec.output.parent.resolve() == spec.target.resolve():
        raise SettingsError(
            f"output: the pictures of {spec.target} would go to where they come from; choose "
            "another folder."
        )
    pictures, taken = PictureList.of(spec.target).items, dict[Path, str]()
    for place, (name, _size, _time) in enumerate(pictures):
        output = output_of(spec, name, place)
        if output in taken:
            raise SettingsError(
                f"output: {taken[output]} and {name} would both become {output}; use {{stem}} and "
                "{suffix}, or {number}."
            )
        taken[output] = name
        if not overwrite and output.exists():
            raise OutputExistsError(
                f"{output} exists already; pass --overwrite to replace it or choose another name."
            )
    return len(pictures)
