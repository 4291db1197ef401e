"""The ``masquerade`` command: read the arguments, run the command, turn errors into sentences."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import signal
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, Self

from masquerade.apps.console import Console
from masquerade.apps.parser import build_parser
from masquerade.apps.parsing import UsageError
from masquerade.core.addresses import without_secrets
from masquerade.core.errors import CancelledError, InputError, MasqueradeError
from masquerade.core.shown_text import shown

__all__ = ["main", "run_program"]

_PROFILED = frozenset({"swap", "live", "faces"})
"""Commands whose defaults `masquerade tune` may have set."""
_LONGEST_NAME = 300


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code (docs/usage.md lists them).

    Args:
        argv: the words after ``masquerade``; None takes those of this process.
    """
    words = sys.argv[1:] if argv is None else argv
    if not words:
        build_parser().print_help(sys.stderr)
        return UsageError.exit_code
    console = Console(json="--json" in words, quiet=bool({"-q", "--quiet"} & set(words)))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for names that are no proper text
    os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder greets on stderr otherwise
    with _Stop() as stop:
        try:
            return _run(build_parser().parse_args(words), console)
        except BrokenPipeError:
            # Whoever read our output has left. Python would complain once more while it flushes.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + 13
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last place to explain
            if stop.requested or isinstance(error, KeyboardInterrupt | CancelledError):
                error = CancelledError("Stopped; no half-written file was left.")
            return _fail(console, error, words)


def run_program(argv: list[str] | None = None) -> NoReturn:
    """The program itself: run the command and end the process with its exit code.

    Args:
        argv: as for :func:`main`.
    """
    code = main(argv)
    if code == CancelledError.exit_code:
        # Everything is cleaned up. A library that was interrupted while it loaded may have told
        # Python so, which would then end the process as if the signal had killed it.
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _run(args: argparse.Namespace, console: Console) -> int:
    if args.command in _PROFILED:
        from masquerade.apps.profile import apply_profile

        if getattr(args, "settings", None) is not None:
            from masquerade.apps.settings_file import fill_in_settings

            fill_in_settings(args)
        apply_profile(args)
    command = importlib.import_module(f"masquerade.apps.commands.{args.command}")
    result = command.run(args, console)
    code: int = result.pop("exit_code", 0)
    console.close({"ok": code == 0, "command": args.command, **result})
    return code


def _fail(console: Console, error: Exception, words: list[str]) -> int:
    """Say what went wrong in one sentence and return the exit code."""
    error = _as_input_error(error)
    code = error.exit_code if isinstance(error, MasqueradeError) else 1
    text = " ".join(str(error).split())
    if "--debug" in words:
        traceback.print_exception(error)
    elif not isinstance(error, MasqueradeError):
        text = (
            f"An unexpected error stopped the work ({type(error).__name__}: {text}). "
            f"Please report it with {_write_log(error)}, or see it with --debug."
        )
    print(f"masquerade: {shown(text)}", file=sys.stderr, flush=True)
    console.close({"ok": False, "kind": type(error).__name__, "error": text, "exit_code": code})
    return code


def _as_input_error(error: Exception) -> Exception:
    """A name that the system refuses, however long or forbidden, is the user's to mend."""
    if isinstance(error, OSError) and not isinstance(error, MasqueradeError) and error.filename:
        name = str(error.filename)
        name = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."
        told = InputError(
            f"{name} cannot be used ({error.strerror}); check the name and its permissions."
        )
        told.__cause__ = error
        return told
    return error


def _write_log(error: Exception) -> Path:
    """Keep the traceback of ``error`` in the user's log folder, or among the temporary files.

    It is for its user alone, and of addresses in it no password and no stream key is kept.
    """
    import platformdirs  # needed here alone, and help must stay quick

    try:
        folder = platformdirs.user_log_path("masquerade", appauthor=False, ensure_exists=True)
        path = folder / "masquerade-last-error.txt"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError:  # in a folder of everybody's the name must be one that nobody foresees
        handle, name = tempfile.mkstemp(prefix="masquerade-last-error-", suffix=".txt")
        path = Path(name)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(without_secrets("".join(traceback.format_exception(error))))
    return path


class _Stop:
    """Turns Ctrl-C and a polite request to end into KeyboardInterrupt, and remembers it.

    A library that is interrupted while it loads may raise whatever it likes instead; ``requested``
    tells what it meant. Only the main thread may listen; elsewhere nothing is changed.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        raise KeyboardInterrupt


if __name__ == "__main__":
    run_program()
