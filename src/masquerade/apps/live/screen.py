"""Is there a screen to show a window on, and what is missing if not?

Qt ends the whole process when it finds no display or lacks a system library, so whoever opens a
window asks here first.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import time
from pathlib import Path

from masquerade.core.errors import OutputError, RuntimeSetupError

__all__ = ["ensure_screen", "has_display", "no_desktop"]

_INVISIBLE = {"offscreen", "minimal", "minimalegl", "vnc"}
"""Platforms of Qt that draw where nobody looks."""

_ATTEMPTS_S = (0.0, 0.05, 0.15)
"""Pauses before an X server is asked (again): Xvfb begins anew when its last client has left, and
lets nobody in meanwhile."""

_OTHER_SINK = "choose another output with --sink"


def has_display() -> bool:
    """Whether a window would be seen here.

    On Linux the display is really asked, which takes a millisecond; elsewhere there is one,
    unless ``QT_QPA_PLATFORM`` says otherwise.
    """
    if _platform() in _INVISIBLE:
        return False
    if not sys.platform.startswith("linux"):
        return True
    return _wayland_answers() or _x11_answers()


def ensure_screen() -> None:
    """Check everything that Qt would end the process for.

    Raises:
        OutputError: there is no screen.
        RuntimeSetupError: PySide6, or a system library that it needs, is missing.
    """
    if _platform() not in _INVISIBLE and not has_display():
        raise OutputError(
            "There is no screen to open a window on; start from a desktop session (or set "
            f"DISPLAY), or {_OTHER_SINK}."
        )
    try:
        from PySide6.QtCore import QLibraryInfo
    except ImportError as error:
        raise no_desktop(error) from error
    if not _keeps_references():
        raise RuntimeSetupError(
            "This PySide6 would end the process within minutes on Python 3.11; run "
            f"`pip install 'PySide6-Essentials<6.12'`, use Python 3.12, or {_OTHER_SINK}."
        )
    if sys.platform.startswith("linux") and _platform() not in _INVISIBLE and _x11_answers():
        plugins = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath))
        _load(plugins / "platforms" / "libqxcb.so")


def no_desktop(error: ImportError) -> RuntimeSetupError:
    """What to say when PySide6 cannot be imported."""
    if error.name and error.name.partition(".")[0] == "PySide6" and not error.path:
        return RuntimeSetupError(
            'The preview window needs PySide6; run `pip install "masquerade[desktop]"`, '
            f"or {_OTHER_SINK}."
        )
    return _missing_library(str(error))


def _missing_library(reason: str) -> RuntimeSetupError:
    return RuntimeSetupError(
        f"The preview window lacks a system library ({reason.partition(': ')[0]}); on Debian and "
        "Ubuntu run `sudo apt install libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 "
        f"libxcb-icccm4 libxcb-keysyms1 libxcb-shape0`, or {_OTHER_SINK}."
    )


def _load(plugin: Path) -> None:
    """Load Qt's way to X11 as Qt will, but with an error instead of an abort.

    Raises:
        RuntimeSetupError: a library that the plugin needs is missing.
    """
    if not plugin.is_file():
        return
    import PySide6.QtGui  # noqa: F401 - its libraries must be there first

    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        raise _missing_library(str(error)) from error


def _keeps_references() -> bool:
    """Whether PySide6 leaves the reference count of None alone.

    6.12.0 takes one for every call without a result, until Python 3.11 gives up. Later Pythons do
    not count references to None.
    """
    from PySide6.QtCore import QPoint

    point, calls = QPoint(), 500
    before = sys.getrefcount(None)
    for _ in range(calls):
        point.setX(1)
    return sys.getrefcount(None) > before - calls // 2


def _platform() -> str:
    """The platform that Qt is told to use, empty where it may choose."""
    return os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0].partition(";")[0]


def _wayland_answers() -> bool:
    name = os.environ.get("WAYLAND_DISPLAY")
    if not name:
        return False
    # An absolute name stands for itself: joining lets it win.
    path = Path(os.environ.get("XDG_RUNTIME_DIR", "/run")) / name
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True


def _x11_answers() -> bool:
    if not os.environ.get("DISPLAY"):
        return False
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return False
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_int)]
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    return any(_x11_lets_in(xcb, pause_s) for pause_s in _ATTEMPTS_S)


def _x11_lets_in(xcb: ctypes.CDLL, pause_s: float) -> bool:
    time.sleep(pause_s)
    connection = xcb.xcb_connect(None, None)
    try:
        return not xcb.xcb_connection_has_error(connection)
    finally:
        xcb.xcb_disconnect(connection)
