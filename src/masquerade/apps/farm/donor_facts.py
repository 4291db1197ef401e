"""What jobs have to know of a donor before they wait: read in a process that ends at once.

Finding the face in a photo takes networks and as much memory as the photo has pixels. The program
that submits jobs goes on to drive them for hours, so another one looks, answers in a line of JSON
and gives everything back.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from masquerade.apps.jobs.job import Failure
from masquerade.core.errors import MasqueradeError, RuntimeSetupError

__all__ = ["DonorFacts", "read_donors"]


@dataclass(frozen=True, slots=True)
class DonorFacts:
    """A donor, without the face.

    Attributes:
        name: of the saved identity, or the first photo's.
        advice: how better photos would look, in sentences.
        mark: fingerprint of the files, see :func:`masquerade.trust.consent.fingerprint`.
        identity: fingerprint of the face.
        minor: whether the donor looks under 18.
    """

    name: str
    advice: tuple[str, ...]
    mark: str
    identity: str
    minor: bool


def read_donors(donors: Mapping[tuple[Path, ...], str]) -> list[DonorFacts]:
    """The facts of some donors, in order.

    Args:
        donors: by the photos of each, or its saved identity, where the donor is named, for
            messages.

    Raises:
        InputError: a file is missing or no picture.
        NoFaceInDonorError: a photo shows no face.
        RuntimeSetupError: whoever looked at them ended before it had answered.
    """
    question = json.dumps([[str(file.absolute()) for file in files] for files in donors])
    done = subprocess.run(
        [sys.executable, "-m", "masquerade.apps.farm.donor_facts"],
        input=question.encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise _no_answer(done)
    answer: dict[str, Any] = json.loads(done.stdout)
    if "failed" in answer:
        place = list(donors.values())[answer["number"]]
        kind, message = answer["failed"]
        raise Failure(kind, f"{place}: {message}" if place else message).as_error()
    return [DonorFacts(**{**one, "advice": tuple(one["advice"])}) for one in answer["donors"]]


def _no_answer(done: subprocess.CompletedProcess[bytes]) -> RuntimeSetupError:
    if done.returncode < 0:
        return RuntimeSetupError(
            f"The program that looks at the donors' photos was killed (signal {-done.returncode}); "
            "free some memory, or give smaller photos."
        )
    words = done.stderr.decode(errors="replace").strip().splitlines()
    last = words[-1] if words else f"exit code {done.returncode}"
    return RuntimeSetupError(
        f"The program that looks at the donors' photos ended ({last}); run `masquerade doctor`."
    )


def _look(files: Sequence[Path]) -> DonorFacts:
    from masquerade.apps.donors import make_identity
    from masquerade.media.limits import MediaLimits
    from masquerade.trust.consent import fingerprint
    from masquerade.trust.minors import looks_minor

    identity = make_identity(files, MediaLimits())
    return DonorFacts(
        identity.name,
        tuple(identity.advice),
        fingerprint(file.read_bytes() for file in files),
        identity.fingerprint,
        bool(looks_minor(identity.attributes.age)),
    )


def _main() -> None:
    """Answer the question on standard input."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)  # what libraries print is no answer
        answer: dict[str, Any] = {"donors": []}
        for number, files in enumerate(json.load(sys.stdin)):
            try:
                answer["donors"].append(asdict(_look([Path(file) for file in files])))
            except MasqueradeError as error:
                answer = {"number": number, "failed": (type(error).__name__, str(error))}
                break
        json.dump(answer, answers)


if __name__ == "__main__":
    _main()
