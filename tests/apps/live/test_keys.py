"""Single keys from a terminal: real pseudo terminals, real signals."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from masquerade.apps.live.key_names import key_names
from masquerade.apps.live.keys import TerminalKeys

if sys.platform == "win32":
    pytest.skip("terminals of POSIX", allow_module_level=True)
import fcntl
import pty
import termios

PROGRAM = """
import signal, sys, threading, time
from masquerade.apps.live.keys import TerminalKeys
how = sys.argv[1]
def stop(number, frame):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, stop)
pressed = threading.Event()
def press(key):
    print("<" + key + ">", flush=True)
    if key == "x":
        pressed.set()
try:
    keys = TerminalKeys(press)
    keys.__enter__()
    try:
        print("listening" if keys.listening else "deaf", flush=True)
        end_s = time.monotonic() + 60
        # As the stream's own loop does: another thread may take a signal, and this one sees it
        # when it looks.
        while not pressed.wait(0.05):
            if time.monotonic() > end_s:
                sys.exit(4)
        if how == "forget":
            sys.exit(3)
        if how == "raise":
            raise RuntimeError("on purpose")
    finally:
        if how != "forget":
            started_s = time.monotonic()
            keys.__exit__(None, None, None)
            print("threads:", threading.active_count(), "left after",
                  1000 * (time.monotonic() - started_s), "ms", flush=True)
except KeyboardInterrupt:
    sys.exit(130)
"""


class Terminal:
    """A program whose controlling terminal is a pseudo terminal of ours."""

    def __init__(self, how: str) -> None:
        # The program's end stays open here too, so that its mode can be read when it is gone.
        self.handle, self._theirs = pty.openpty()
        self.program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, how],
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.heard = ""

    def type(self, keys: bytes) -> None:
        os.write(self.handle, keys)

    def wait_for(self, text: str, timeout_s: float = 20.0) -> None:
        end_s = time.monotonic() + timeout_s
        while text not in self.heard:
            ready, _, _ = select.select([self.handle], [], [], max(0, end_s - time.monotonic()))
            assert ready, f"{text!r} did not come, but {self.heard!r}"
            self.heard += os.read(self.handle, 1024).decode()

    @property
    def mode(self) -> tuple[bool, bool]:
        """Whether it waits for whole lines, and whether it shows what is typed."""
        flags = termios.tcgetattr(self._theirs)[3]
        return bool(flags & termios.ICANON), bool(flags & termios.ECHO)

    def close(self) -> None:
        self.program.kill()
        self.program.wait()
        os.close(self._theirs)
        os.close(self.handle)


@pytest.fixture
def start() -> Iterator[Callable[[str], Terminal]]:
    terminals = []

    def start(how: str) -> Terminal:
        terminals.append(Terminal(how))
        terminals[-1].wait_for("listening\r\n")
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


@pytest.mark.parametrize(
    ("how", "last", "code"),
    [("return", b"x", 0), ("raise", b"x", 1), ("forget", b"x", 3), ("return", b"\x03", 130)],
)
def test_keys_come_singly_and_the_terminal_is_put_back_however_it_ends(start, how, last, code):
    terminal = start(how)
    assert terminal.mode == (False, False)
    terminal.type(b"m\x1b[A")
    terminal.wait_for("<up>")
    assert "listening\r\n<m>\r\n<up>" in terminal.heard  # and nothing of what was typed
    terminal.type(last)
    assert terminal.program.wait(20) == code
    assert terminal.mode == (True, True)


def test_a_polite_end_puts_the_terminal_back(start):
    terminal = start("return")
    terminal.program.terminate()
    assert terminal.program.wait(20) == 130
    assert terminal.mode == (True, True)


def test_after_a_stop_and_fg_keys_come_singly_again(start):
    terminal = start("return")
    terminal.program.send_signal(signal.SIGSTOP)
    cooked = termios.tcgetattr(terminal.handle)
    cooked[3] |= termios.ICANON | termios.ECHO  # as a shell has it
    termios.tcsetattr(terminal.handle, termios.TCSANOW, cooked)
    assert terminal.mode == (True, True)
    terminal.program.send_signal(signal.SIGCONT)
    end_s = time.monotonic() + 20
    while terminal.mode != (False, False):
        assert time.monotonic() < end_s
    terminal.type(b"x")
    assert terminal.program.wait(20) == 0
    assert terminal.mode == (True, True)


def test_the_thread_ends_at_once(start):
    terminal = start("return")
    started_s = time.monotonic()
    terminal.type(b"x")
    terminal.wait_for(" ms")
    told_ms = float(terminal.heard.partition("left after ")[2].split()[0])
    assert told_ms < 1000
    assert "threads: 1" in terminal.heard
    assert time.monotonic() - started_s < 20


@pytest.fixture
def pair() -> Iterator[tuple[int, io.TextIOWrapper]]:
    """Our end of a pseudo terminal, and the program's as a stream."""
    ours, theirs = pty.openpty()
    stream = os.fdopen(theirs, "r")
    yield ours, stream
    stream.close()
    os.close(ours)


def test_without_a_terminal_nothing_is_touched():
    keys = TerminalKeys(print, io.StringIO("q"))
    with keys:
        assert not keys.listening


def test_a_terminal_that_is_anothers_is_left_alone(pair):
    """Not our controlling terminal: as for a program in the background."""
    ours, stream = pair
    before = termios.tcgetattr(ours)
    with TerminalKeys(print, stream) as keys:
        assert not keys.listening
        assert termios.tcgetattr(ours) == before


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("q", ["q"]),
        ("Q?", ["q", "?"]),
        (" ", ["space"]),
        ("\x1b", ["escape"]),
        ("\x1b[A\x1bOB\x1b[C\x1b[D", ["up", "down", "right", "left"]),
        ("\x1b[23~", ["f11"]),
        ("\x1b[1;5A\x1b[200~", []),  # Ctrl-Up and the start of a paste: unknown, and not letters
        ("\r\n\t\x7f", []),
        ("ü", ["ü"]),
    ],
)
def test_names_of_keys(typed, names):
    assert key_names(typed) == names
