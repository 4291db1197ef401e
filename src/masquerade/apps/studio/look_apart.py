"""Uploaded files are decoded for the first time in a process that has nothing to lose.

What a stranger sends meets FFmpeg's and Pillow's decoders here. Should one of them break, a process
breaks that knows no token, may write no file, and has a limit on memory and time; the studio and
its live sessions go on, and the client is told. It costs a quarter of a second of one core a file.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from masquerade.apps.studio.upload_facts import UploadFacts, look_at
from masquerade.core import errors
from masquerade.core.errors import CorruptMediaError, InputError, MasqueradeError
from masquerade.media.limits import MediaLimits

__all__ = ["look_at_apart"]

_LONGEST_S = 60
_LONGEST_CPU_S = 120
_MOST_MEMORY_BYTES = 8 * 2**30
"""Of addresses, of which libraries reserve far more than they use."""
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMPDIR", "LD_LIBRARY_PATH")


def look_at_apart(path: Path, limits: MediaLimits) -> UploadFacts:
    """What :func:`look_at` says, found out by another process.

    Raises:
        InputError: as there; or the file broke the decoder, or took too long.
    """
    command = [sys.executable, "-m", "masquerade.apps.studio.look_apart"]
    question = json.dumps({"path": str(path.absolute()), "limits": dataclasses.asdict(limits)})
    try:
        done = subprocess.run(
            command,
            input=question.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            timeout=_LONGEST_S,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CorruptMediaError(
            f"{path} takes longer than {_LONGEST_S} s to be looked at; convert it first."
        ) from error
    if done.returncode != 0:
        raise CorruptMediaError(
            f"{path} is damaged so that it breaks its decoder; get it again from where it came."
        )
    return _answered(json.loads(done.stdout))


def _answered(answer: dict[str, Any]) -> UploadFacts:
    if "error" in answer:
        kind = getattr(errors, answer["error"], InputError)
        raise kind(answer["message"])
    return UploadFacts(**{**answer, "thumbnail": base64.b64decode(answer["thumbnail"])})


def _main() -> None:
    """Answer the question on standard input, in this process."""
    _give_up_everything()
    question = json.load(sys.stdin)
    try:
        facts = look_at(Path(question["path"]), MediaLimits(**question["limits"]))
        answer = dataclasses.asdict(facts)
        answer["thumbnail"] = base64.b64encode(facts.thumbnail).decode()
    except MasqueradeError as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    json.dump(answer, sys.stdout)


def _give_up_everything() -> None:
    """Limits that this process cannot lift again, where the system has such."""
    try:
        import resource
    except ImportError:  # Windows
        return

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_LONGEST_CPU_S, _LONGEST_CPU_S))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY_BYTES, _MOST_MEMORY_BYTES))


if __name__ == "__main__":
    _main()
