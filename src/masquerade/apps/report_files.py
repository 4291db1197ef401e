"""The files that a run report is of: where they are, and whether they are the very ones."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from masquerade.core.errors import MissingInputError, SettingsError
from masquerade.trust.report_reading import KnownDonor, KnownFile

__all__ = ["donor_words", "place_of"]

_UNKNOWN = (
    "The report of an output does not say where its files were; add -t with the target and -s with "
    "the donor's photos."
)
_UNKNOWN_REFERENCE = (
    "The report of an output does not say where its reference was; give the report that --report "
    "wrote."
)


def place_of(known: KnownFile, given: str | None, unknown: str = _UNKNOWN) -> Path:
    """Where a file is, which has to be the very one.

    Args:
        known: what the report says of it.
        given: where the command line says that it is.
        unknown: the error where neither says it.

    Raises:
        SettingsError: nobody says it.
        InputError: it is gone, another one, or cannot be read.
    """
    path = Path(given) if given else known.path
    if path is None:
        raise SettingsError(unknown)
    if not given and not path.exists():
        raise MissingInputError(
            f"{path}, which the report names, is gone; put it back, or say with -t (the target) or "
            "-s (a donor's photo) where it is."
        )
    known.check(path)
    return path


@contextmanager
def donor_words(donors: Sequence[KnownDonor], given: Sequence[str]) -> Iterator[list[str]]:
    """The donors as ``masquerade swap`` takes them: words, or a map for several.

    Args:
        donors: of the report.
        given: where the command line says that the photos of the only donor are.

    Raises:
        SettingsError: nobody says where a file is, or there are other numbers of them.
        InputError: as :func:`place_of`.
    """
    if given:
        _check_number(donors, len(given))
    people = [_person(donor, given) for donor in donors]
    if len(people) == 1 and donors[0].track is None:
        photos, reference = people[0]
        yield [
            *(f"--source={photo}" for photo in photos),
            *([f"--reference={reference}"] if reference else []),
        ]
        return
    with tempfile.TemporaryDirectory(prefix="masquerade-") as folder:
        map_file = Path(folder) / "map.toml"
        map_file.write_text("\n".join(map(_map_entry, people, donors)), encoding="utf-8")
        yield [f"--map={map_file}"]


def _check_number(donors: Sequence[KnownDonor], given: int) -> None:
    if len(donors) > 1:
        raise SettingsError(
            "The report is of several donors, who cannot be told apart by -s; give the report that "
            "--report wrote."
        )
    count = len(donors[0].files)
    if given != count:
        photos = "1 photo" if count == 1 else f"{count} photos"
        raise SettingsError(
            f"The report is of a donor with {photos}, and {given} came with -s; give the same ones "
            "in the same order."
        )


def _person(donor: KnownDonor, given: Sequence[str]) -> tuple[list[Path], Path | None]:
    """Where the donor's files are, and the photo of whom the donor replaces."""
    files = [place_of(file, given[at] if given else None) for at, file in enumerate(donor.files)]
    if donor.reference is None:
        return files, None
    return files, place_of(donor.reference, None, _UNKNOWN_REFERENCE)


def _map_entry(person: tuple[list[Path], Path | None], donor: KnownDonor) -> str:
    """JSON's way of writing text and lists of it is TOML's too."""
    photos, reference = person
    lines = ["[[person]]", f"donor = {json.dumps([str(photo.absolute()) for photo in photos])}"]
    if reference is not None:
        lines.append(f"reference = {json.dumps(str(reference.absolute()))}")
    elif donor.track is not None:
        lines.append(f"track = {donor.track}")
    return "\n".join(lines) + "\n"
