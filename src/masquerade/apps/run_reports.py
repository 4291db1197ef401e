"""The run reports that ``--report`` asks for, beside the outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.core.errors import OutputError
from masquerade.engine.origin import engine_report
from masquerade.media.output_file import OutputFile

if TYPE_CHECKING:
    from masquerade.apps.plan import Plan, Work
    from masquerade.engine import Engine
    from masquerade.trust.report import Errand

__all__ = ["RunReports"]


class RunReports:
    """Writes a report for every output, if that was asked for.

    Args:
        place: a file; for a batch a folder, which is made. None writes none.
        plan: the work that will be done.
        overwrite: whether a report that is there may be replaced.

    Raises:
        OutputError: the place cannot be written, or a file is there.
    """

    def __init__(self, place: str | None, plan: Plan, *, overwrite: bool) -> None:
        self._place = None if place is None else Path(place)
        self._many, self._overwrite = plan.is_batch, overwrite
        if self._place is None:
            return
        if self._many:
            try:
                self._place.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(
                    f"The folder {place} for the reports cannot be made ({error.strerror})."
                ) from error
            return
        work = plan.works[0]
        if self._place.absolute() == work.output.absolute():
            raise OutputError(f"{place} is the output itself; give the report another name.")
        OutputFile(self._place, overwrite=overwrite, inputs=[work.target]).abort()

    def write(self, work: Work, engine: Engine, errand: Errand) -> None:
        """Write the report of work that is done.

        Raises:
            OutputError: it cannot be written.
            InputError: a file of the work cannot be read any more.
        """
        if self._place is None:
            return
        name = f"{work.output.name}.report.json"
        path = self._place / name if self._many else self._place
        document = engine_report(engine, errand, with_paths=True)
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        OutputFile(path, overwrite=self._overwrite).write_whole(f"{text}\n".encode())
