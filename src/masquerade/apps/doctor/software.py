"""The installation: versions, packages that exclude each other, shipped files."""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection
from importlib import metadata

from masquerade._version import __version__
from masquerade.apps.doctor.finding import Finding
from masquerade.core.errors import MasqueradeError, RuntimeSetupError

__all__ = ["look_at_software", "rival_packages"]

_LEAST_RUNTIME = (1, 21)
_OPENCV = (
    "opencv-python",
    "opencv-contrib-python",
    "opencv-python-headless",
    "opencv-contrib-python-headless",
)


def look_at_software() -> list[Finding]:
    """Every part of the installation; one that fails says how to repair it."""
    findings = []
    for name, check in _CHECKS.items():
        try:
            findings.append(Finding(name, "ok", check()))
        except (MasqueradeError, ImportError) as error:
            findings.append(Finding(name, "broken", str(error)))
    return findings


def rival_packages(names: Collection[str], installed: Collection[str] | None = None) -> list[str]:
    """Those of ``names`` that are installed, where that is more than one; else none.

    Args:
        names: packages that own the same folder.
        installed: what to look in; None asks this environment.
    """
    found = [name for name in names if (_has(name) if installed is None else name in installed)]
    return found if len(found) > 1 else []


def _has(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _python() -> str:
    return f"{platform.python_version()}, masquerade {__version__}"


def _libraries() -> str:
    import cv2

    rivals = rival_packages(_OPENCV)
    if rivals:
        raise RuntimeSetupError(
            f"{' and '.join(rivals)} own the same folder and overwrite each other. Run: "
            f"pip uninstall -y {' '.join(rivals)} && pip install opencv-python-headless"
        )
    return f"numpy {metadata.version('numpy')}, OpenCV {cv2.__version__}"


def _video() -> str:
    from masquerade.media.file import available_encoders

    return f"PyAV {metadata.version('av')}, encoders {' '.join(available_encoders())}"


def _runtime() -> str:
    from masquerade.runtime.providers import check_runtime_packages, load_onnxruntime

    package = check_runtime_packages()
    providers = " ".join(load_onnxruntime().get_available_providers())
    version = metadata.version(package)
    if tuple(int(part) for part in version.split(".")[:2]) < _LEAST_RUNTIME:
        least = ".".join(map(str, _LEAST_RUNTIME))
        raise RuntimeSetupError(
            f"{package} is {version}; {least} is the oldest that is supported. "
            f"Run: pip install --upgrade {package}"
        )
    openvino = f", OpenVINO {metadata.version('openvino')}" if _has("openvino") else ""
    return f"{package} {version}, {providers}{openvino}"


def _weights() -> str:
    from masquerade.models.store import registry, verify_weights

    verify_weights()
    return f"{len(registry())} files, all hashes right"


_CHECKS: dict[str, Callable[[], str]] = {
    "python": _python,
    "libraries": _libraries,
    "video": _video,
    "runtime": _runtime,
    "weights": _weights,
}
