"""The preview on a real X server, in a process of its own; and what is said without a screen."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from masquerade.apps.live.screen import ensure_screen, has_display, no_desktop
from masquerade.core.errors import OutputError, RuntimeSetupError

pytest.importorskip(
    "PySide6.QtWidgets", reason="the desktop extra is not installed", exc_type=ImportError
)

LINUX = sys.platform.startswith("linux")
HERE = Path(__file__).parent
PHOTO = HERE.parents[1] / "media" / "mona_lisa.jpg"


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A free display of an X server without a screen."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    read, write = os.pipe()
    server = subprocess.Popen(
        # Without -noreset it begins anew after each window, and refuses whoever comes just then.
        [
            *("Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24"),
            *("-nolisten", "tcp", "-noreset"),
        ],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as said:
        number = said.readline().strip()
    assert number, "Xvfb did not start"
    yield f":{number}"
    server.terminate()
    server.wait(5)


@pytest.fixture
def start(display: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the program of shown_program.py and waits until its picture is on the screen."""
    programs: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        others = ("QT_", "WAYLAND_")
        env = {key: value for key, value in os.environ.items() if not key.startswith(others)}
        program = subprocess.Popen(
            [sys.executable, str(HERE / "shown_program.py"), *words],
            env=env | {"DISPLAY": display},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        programs.append(program)
        ready, _, _ = select.select([program.stdout], [], [], 60)
        assert ready, "nothing is shown"
        line = program.stdout.readline()
        assert line == "shown #0000ff #ff0000\n", (line, program.poll() and program.stderr.read())
        return program

    yield start
    for program in programs:
        program.kill()
        program.communicate()


def _ended(program: subprocess.Popen[str], within_s: float) -> tuple[int, str, str]:
    """Exit code, and what it said last."""
    started_s = time.monotonic()
    out, err = program.communicate(timeout=30)
    assert time.monotonic() - started_s < within_s
    return program.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_window_at_once_and_cleanly(start, number):
    program = start()
    program.send_signal(number)
    assert _ended(program, 10.0) == (130, "ended, threads: 1\n", "")


def test_a_key_that_is_really_pressed_ends_the_stream(start, display):
    if shutil.which("xdotool") is None:
        pytest.skip("xdotool is not installed")
    program = start()
    env = os.environ | {"DISPLAY": display}
    found = ["xdotool", "search", "--sync", "--onlyvisible", "--name", "Masquerade"]
    subprocess.run([*found, "windowfocus", "--sync", "key", "q"], env=env, check=True, timeout=10)
    assert _ended(program, 10.0) == (0, "ended, threads: 1\n", "")


@pytest.mark.slow
def test_ctrl_c_ends_a_real_stream_in_a_window(start):
    program = start(str(PHOTO))
    program.send_signal(signal.SIGINT)
    code, out, err = _ended(program, 20.0)
    assert (code, out) == (130, "ended, threads: 1\n"), err


def test_there_is_a_display_where_a_server_answers(display, monkeypatch):
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", display)
    assert has_display()
    ensure_screen()
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert not has_display()
    ensure_screen()  # somebody wants it so


@pytest.mark.skipif(not LINUX, reason="elsewhere there always is a screen")
@pytest.mark.parametrize(
    "names", [{}, {"DISPLAY": ":4242"}, {"WAYLAND_DISPLAY": "wayland-42"}, {"DISPLAY": "nonsense"}]
)
def test_without_a_screen_it_is_said_and_qt_does_not_end_the_process(names, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    assert not has_display()
    with pytest.raises(OutputError, match=r"no screen to open a window on; .* another output"):
        ensure_screen()


def test_without_pyside_the_extra_is_named():
    code = (
        "import sys; sys.modules['PySide6'] = None\n"
        "from masquerade.core.errors import RuntimeSetupError\n"
        "try:\n    import masquerade.apps.live.window\n"
        "except RuntimeSetupError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "masquerade[desktop]"' in done.stdout, done.stderr


def test_a_missing_system_library_is_named():
    error = ImportError(
        "libEGL.so.1: cannot open shared object file: No such file or directory",
        name="PySide6.QtGui",
        path="/site-packages/PySide6/QtGui.abi3.so",
    )
    told = no_desktop(error)
    assert isinstance(told, RuntimeSetupError)
    assert "(libEGL.so.1)" in str(told)
    assert "apt install libegl1" in str(told)


def test_a_pyside_that_loses_references_is_refused(monkeypatch):
    """PySide6 6.12.0 on Python 3.11 ended a stream after a minute: none_dealloc."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    counts = iter((20_000, 19_500))
    monkeypatch.setattr("masquerade.apps.live.screen.sys.getrefcount", lambda _item: next(counts))
    with pytest.raises(RuntimeSetupError, match=r"PySide6-Essentials<6\.12"):
        ensure_screen()
