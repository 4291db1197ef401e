"""``masquerade doctor``: is this installation whole?"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable
from importlib import metadata
from typing import Any

from masquerade._version import __version__
from masquerade.apps.console import Console
from masquerade.core.errors import MasqueradeError, RuntimeSetupError

__all__ = ["run"]


def run(_args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Make every check; one that fails says how to repair it and the exit code is 8."""
    checks = []
    for name, check in _CHECKS.items():
        try:
            ok, detail = True, check()
        except (MasqueradeError, ImportError) as error:
            ok, detail = False, str(error)
        console.say(f"{'ok    ' if ok else 'BROKEN'}  {name:<11}  {detail}")
        checks.append({"name": name, "ok": ok, "detail": detail})
    broken = [check["name"] for check in checks if not check["ok"]]
    console.say(f"Broken: {', '.join(map(str, broken))}." if broken else "Everything is in order.")
    return {"checks": checks, "exit_code": RuntimeSetupError.exit_code if broken else 0}


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def _python() -> str:
    return f"{platform.python_version()}, masquerade {__version__}"


def _libraries() -> str:
    import cv2

    return f"numpy {metadata.version('numpy')}, OpenCV {cv2.__version__}"


def _video() -> str:
    from masquerade.media.file import available_encoders

    return f"PyAV {metadata.version('av')}, encoders {' '.join(available_encoders())}"


def _networks() -> str:
    from masquerade.runtime.providers import check_runtime_packages, load_onnxruntime

    package = check_runtime_packages()
    providers = " ".join(load_onnxruntime().get_available_providers())
    return f"{package} {metadata.version(package)}, {providers}"


def _weights() -> str:
    from masquerade.models.store import registry, verify_weights

    verify_weights()
    return f"{len(registry())} files, all hashes right"


_CHECKS: dict[str, Callable[[], str]] = {
    "machine": _machine,
    "python": _python,
    "libraries": _libraries,
    "video": _video,
    "networks": _networks,
    "weights": _weights,
}
