"""Which file becomes which: the targets of a command line and where each goes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from masquerade.core.errors import InputError, OutputError, SettingsError
from masquerade.media.animation import ANIMATION_EXTENSIONS
from masquerade.media.encoders import find_encoder
from masquerade.media.file import VIDEO_EXTENSIONS
from masquerade.media.image import PICTURE_EXTENSIONS
from masquerade.media.limits import MediaLimits
from masquerade.media.open import check_output, expand_targets, open_target
from masquerade.media.output_file import OutputFile

__all__ = ["Plan", "Work", "make_plan"]

_WRITABLE = {*PICTURE_EXTENSIONS, *VIDEO_EXTENSIONS, *ANIMATION_EXTENSIONS}


@dataclass(frozen=True, slots=True)
class Work:
    """One target and where its result goes."""

    target: Path
    output: Path

    def check(
        self,
        limits: MediaLimits,
        *,
        encoder: str | None,
        overwrite: bool,
        inputs: Iterable[Path] = (),
    ) -> None:
        """Find out what can be found out before the work: it is quick.

        Raises:
            InputError: the target is missing or of a kind that is not handled.
            OutputError: the output has an unknown extension, exists, cannot be written, or does
                not go with the encoder.
        """
        kind = open_target(self.target, limits=limits)
        check_output(self.output, kind)
        container = VIDEO_EXTENSIONS.get(self.output.suffix.lower())
        if container is not None:
            find_encoder(encoder, container)
        OutputFile(self.output, overwrite=overwrite, inputs=[self.target, *inputs]).abort()


@dataclass(frozen=True, slots=True)
class Plan:
    """All the work of a command.

    Attributes:
        works: in the order in which it is done.
        is_batch: whether a folder, a pattern or several targets were given, so that one that
            fails must not stop the others.
    """

    works: tuple[Work, ...]
    is_batch: bool


def make_plan(targets: Sequence[str], output: str) -> Plan:
    """Pair every target with its output; a folder for the outputs of many is made if need be.

    Raises:
        MissingInputError: a pattern matches nothing.
        OutputError: many targets are to go into one file, or the folder cannot be made.
        SettingsError: a name is empty, or two targets would become the same file.
    """
    if not output or not all(targets):
        raise SettingsError("A target or the output is an empty name; give both.")
    folder = Path(output)
    is_batch = len(targets) > 1 or (not Path(targets[0]).is_file() and _is_many(targets[0]))
    if not is_batch:
        target = Path(targets[0])
        into_folder = folder.is_dir() or output.endswith(("/", os.sep))
        return Plan((Work(target, _inside(folder, target) if into_folder else folder),), False)
    if folder.is_file() or (folder.suffix.lower() in _WRITABLE and not folder.is_dir()):
        raise OutputError(f"{folder} names a file; many targets need a folder to go to.")
    files = [file for target in targets for file in expand_targets(target)]
    works = tuple(Work(file, _inside(folder, file)) for file in files)
    _refuse_twins(works)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be made ({error.strerror}).") from error
    return Plan(works, True)


def _is_many(target: str) -> bool:
    return Path(target).is_dir() or any(sign in target for sign in "*?[")


def _inside(folder: Path, target: Path) -> Path:
    """The target's name in ``folder``, with an ending that can be written."""
    if target.suffix.lower() in _WRITABLE:
        return folder / target.name
    try:
        suffix = ".png" if open_target(target) == "image" else ".mp4"
    except InputError:
        suffix = ""  # it will be refused with its own reason when its turn comes
    return folder / f"{target.name}{suffix}"


def _refuse_twins(works: Sequence[Work]) -> None:
    seen: dict[Path, Path] = {}
    for work in works:
        if work.output in seen and seen[work.output] != work.target:
            raise SettingsError(
                f"{seen[work.output]} and {work.target} would both become {work.output}; "
                "give them folders of their own."
            )
        seen[work.output] = work.target
