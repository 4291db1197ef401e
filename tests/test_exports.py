"""The public names are frozen, typed, and cost nothing until they are used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import masquerade

NAMES = [
    "CancelledError",
    "ConsentError",
    "ContentError",
    "Engine",
    "Execution",
    "FaceError",
    "Identity",
    "InputError",
    "LiveOptions",
    "LiveSession",
    "LiveStatistics",
    "MasqueradeError",
    "NoFaceInDonorError",
    "NoFaceInTargetError",
    "OutputError",
    "Progress",
    "Report",
    "RuntimeSetupError",
    "Settings",
    "SettingsError",
    "SinkOptions",
    "SourceOptions",
    "VideoOptions",
    "__version__",
    "open_live_sink",
    "open_live_source",
    "swap_image",
    "swap_video",
]


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


def test_the_public_names_are_these():
    assert sorted(masquerade.__all__) == sorted(NAMES)
    assert dir(masquerade) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_there_and_documented(name):
    value = getattr(masquerade, name)
    if name != "__version__":
        assert value.__name__ == name
        assert value.__doc__


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(masquerade.__file__).read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = [
        alias.name
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert sorted([*seen, "__version__"]) == sorted(NAMES)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="swap_voice"):
        _ = masquerade.swap_voice


def test_importing_loads_no_heavy_library():
    heavy = "numpy", "cv2", "onnxruntime", "av", "PIL"
    loaded = run(f"import sys, masquerade; print([n for n in {heavy!r} if n in sys.modules])")
    assert loaded.strip() == "[]"


def test_importing_is_quick():
    code = "import time; s = time.perf_counter(); import masquerade; print(time.perf_counter() - s)"
    times = []
    for _ in range(3):
        times.append(float(run(code)))
        if times[-1] < 0.25:
            break
    assert min(times) < 0.25


def test_settings_need_no_heavy_library():
    code = "import sys, masquerade; masquerade.Settings(shape=0.2); print('cv2' in sys.modules)"
    assert run(code).strip() == "False"
