"""A batch of pictures that a node of a cluster draws, and that is signed where the driver is.

The identity that signs outputs and what was said of consent stay on the driver's machine, as with
films, whose segments are signed when they are joined. A node writes its pictures into a folder of
the job, in their formats and with their marks, and last a list of them; a worker of the driver's
machine signs them into their places, which takes no network.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.apps.farm.answers import checked_report
from masquerade.apps.farm.picture_batch import BatchReport, finished_output, go_through
from masquerade.apps.farm.pictures import PictureList
from masquerade.apps.farm.refused import installation, note_refusal
from masquerade.apps.farm.work_folder import WorkFolder
from masquerade.apps.jobs.job import Failure, JobSpec
from masquerade.apps.jobs.work import do_file, statement_of
from masquerade.core.errors import InputError
from masquerade.engine.origin import picture_mark
from masquerade.media.limits import MediaLimits
from masquerade.media.output_file import OutputFile
from masquerade.pipeline.report import Tally
from masquerade.trust.consent import Consent, basis_of
from masquerade.trust.metadata import build_disclosure

if TYPE_CHECKING:
    from masquerade.core.disclosure import Disclosure
    from masquerade.engine import Engine
    from masquerade.media.picture import Picture
    from masquerade.pipeline.meter import Progress

__all__ = ["DrawnBatch", "draw_batch"]


@dataclass(frozen=True, slots=True)
class DrawnBatch:
    """What a node has drawn.

    Attributes:
        folder: where the pictures lie.
        where: :func:`~masquerade.apps.farm.refused.installation` of the node.
        drawn: by place in the job's list ``report``, ``touched``, ``moves`` and ``statements`` of
            each picture.
        failed: ``target``, ``kind`` and ``error`` of each that cannot be done.
    """

    folder: Path
    where: str
    drawn: Mapping[int, Mapping[str, Any]]
    failed: Sequence[Mapping[str, str]]

    @classmethod
    def find(cls, folder: WorkFolder, number: int, pictures: PictureList) -> DrawnBatch | None:
        """The batch of that number; None where it was not drawn, or its pictures were changed."""
        try:
            plain = json.loads(folder.drawn_list(number).read_bytes())
            if plain["of"] != _contents(pictures, number):
                return None
            drawn = {int(place): _checked(item) for place, item in plain["drawn"].items()}
            if not set(drawn) <= set(pictures.batches[number]):
                return None
            failed = [
                {name: str(item[name]) for name in ("target", "kind", "error")}
                for item in plain["failed"]
            ]
            return cls(folder.drawn(number), str(plain["where"]), drawn, failed)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def sign(
        self,
        engine: Engine,
        spec: JobSpec,
        pictures: PictureList,
        consents: Mapping[str, Consent | str],
    ) -> dict[str, Any]:
        """Sign the pictures into their places.

        Args:
            engine: of the job's donors and settings.
            spec: the job.
            pictures: all of its pictures.
            consents: what was said of each donor.

        Returns:
            What :func:`~masquerade.apps.farm.picture_batch.do_batch` returns.

        Raises:
            MasqueradeError: one cannot be signed or written, so neither can the others.
        """
        report = BatchReport()
        for lost in self.failed:
            report.add_failed(spec.target / lost["target"], lost["kind"], lost["error"])
            note_refusal(Failure(lost["kind"], lost["error"]), self.where)
        for place, item in sorted(self.drawn.items()):
            name = pictures.items[place][0]
            output = finished_output(spec, name, place, moves=item["moves"])
            one = replace(spec, name=name, target=spec.target / name, output=output)
            self._sign(engine, one, self.folder / f"{place:06d}{output.suffix}", item, consents)
            report.add(item["report"])
        return report.as_dict()

    def _sign(
        self,
        engine: Engine,
        one: JobSpec,
        written: Path,
        item: Mapping[str, Any],
        consents: Mapping[str, Consent | str],
    ) -> None:
        tally = Tally()
        tally.absorb(item["report"])
        engine.ledger.statements.update(item["statements"])
        engine.ledger.begin(tally, spent_s=float(item["report"]["seconds"]))
        disclosure = statement_of(engine, one, consents, touched=item["touched"])
        try:
            data = written.read_bytes()
        except OSError as error:
            self.remove()
            raise InputError(
                f"{written} was drawn and is gone ({error.strerror}); retry the job, which draws "
                "the batch again."
            ) from error
        OutputFile(
            one.output, overwrite=True, inputs=[one.target], disclosure=disclosure
        ).write_whole(data)

    def remove(self) -> None:
        """Delete the pictures."""
        shutil.rmtree(self.folder, ignore_errors=True)


def draw_batch(
    engine: Engine,
    spec: JobSpec,
    pictures: PictureList,
    number: int,
    folder: WorkFolder,
    *,
    consents: Mapping[str, Consent | str],
    show: Callable[[Progress], None],
    at: Callable[[int], None],
) -> None:
    """Draw a batch into a job's folder, for :meth:`DrawnBatch.sign`.

    Args:
        engine, spec, pictures, consents, show, at: as for
            :func:`~masquerade.apps.farm.picture_batch.do_batch`.
        number: of the batch.
        folder: of the job.

    Raises:
        MasqueradeError: what all other pictures would meet too.
    """
    place_of = folder.drawn(number)
    with contextlib.suppress(OSError):
        shutil.rmtree(place_of)
    folder.make_folder(place_of)
    bases = {name: basis_of(said) for name, said in consents.items()}
    drawn, failed = dict[int, Mapping[str, Any]](), BatchReport()

    def do(place: int, target: Path, picture: Picture | None) -> None:
        suffix = finished_output(spec, target.name, place, moves=picture is None).suffix
        output = place_of / f"{place:06d}{suffix}"
        one = replace(spec, name=target.name, target=target, output=output)
        was_touched = False

        def state(touched: bool) -> Disclosure:
            nonlocal was_touched
            was_touched = touched
            disclosure = build_disclosure(engine.settings, consents=bases, models=engine.models)
            return replace(disclosure, mark=picture_mark(engine, target) if touched else None)

        done = do_file(engine, one, picture, state, lambda _progress: None, MediaLimits())
        drawn[place] = {
            "report": done.as_dict(),
            "touched": was_touched,
            "moves": picture is None,
            "statements": {"content": engine.content, **engine.ledger.statements},
        }

    engine.load()
    places = pictures.batches[number]
    go_through(spec, pictures, places, do, failed.add_failed, show=show, at=at)
    words = {
        "of": _contents(pictures, number),
        "where": installation(),
        "drawn": drawn,
        "failed": failed.as_dict()["failed"],
    }
    folder.write(folder.drawn_list(number), json.dumps(words).encode())
    folder.leave_place(number)


def _contents(pictures: PictureList, number: int) -> list[list[Any]]:
    """What a batch is about: its pictures as they were, and which of them are given up."""
    return [
        [*pictures.items[place], pictures.given_up.get(place, "")]
        for place in pictures.batches[number]
    ]


def _checked(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """An entry of the list, or ValueError."""
    checked_report({**item["report"], "counts": item["report"]})
    kinds = (isinstance(item["touched"], bool), isinstance(item["moves"], bool))
    if not all(kinds) or not isinstance(item["statements"], dict):
        raise ValueError("not of those kinds")
    return item
