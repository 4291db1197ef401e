from __future__ import annotations

import subprocess
import sys

import pytest

from masquerade.core.errors import RuntimeSetupError
from masquerade.runtime.providers import (
    check_runtime_packages,
    load_onnxruntime,
    resolve_providers,
)


def test_one_package_is_fine() -> None:
    assert check_runtime_packages(["onnxruntime-gpu"]) == "onnxruntime-gpu"


def test_this_environment_has_one() -> None:
    assert hasattr(load_onnxruntime(), "InferenceSession")
    assert check_runtime_packages().startswith("onnxruntime")


def test_none_names_the_extra() -> None:
    with pytest.raises(RuntimeSetupError, match=r"pip install 'masquerade\[cpu\]'"):
        check_runtime_packages([])


@pytest.mark.parametrize(
    ("installed", "extra"),
    [
        (["onnxruntime", "onnxruntime-gpu"], "cuda"),
        (["onnxruntime-openvino", "onnxruntime"], "openvino"),
        (["onnxruntime-directml", "onnxruntime"], "directml"),
    ],
)
def test_two_packages_name_the_repair(installed: list[str], extra: str) -> None:
    with pytest.raises(RuntimeSetupError) as caught:
        check_runtime_packages(installed)
    for name in installed:
        assert name in str(caught.value)
    assert f"pip uninstall -y {' '.join(sorted(installed))}" in str(caught.value)
    assert f"pip install 'masquerade[{extra}]'" in str(caught.value)


def test_a_provider_that_is_not_there_is_an_error() -> None:
    with pytest.raises(RuntimeSetupError, match=r"'cuda' is not in .*it has: cpu"):
        resolve_providers(["cuda"], ["CPUExecutionProvider"])


def test_an_unknown_provider_is_an_error() -> None:
    with pytest.raises(RuntimeSetupError, match="no provider 'gpu'"):
        resolve_providers(["gpu"], ["CPUExecutionProvider"])


@pytest.mark.parametrize("name", ["dml", "directml", "DirectML"])
def test_both_names_of_directml_are_taken(name: str) -> None:
    assert resolve_providers([name], ["DmlExecutionProvider"]) == ["DmlExecutionProvider"]


def test_nothing_heavy_is_imported_before_a_network_is_needed() -> None:
    code = (
        "import sys; import masquerade.models.detector, masquerade.models.landmarker, "
        "masquerade.models.embedder, masquerade.models.blendshapes; "
        "masquerade.models.detector.Detector(); masquerade.models.embedder.Embedder(); "
        "assert not {'onnxruntime', 'onnx', 'tf2onnx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
