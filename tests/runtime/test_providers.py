from __future__ import annotations

import subprocess
import sys

import pytest

from masquerade.core.errors import ProviderError, RuntimeSetupError
from masquerade.core.execution import PROVIDERS, Execution
from masquerade.runtime.plugin_providers import add_plugin
from masquerade.runtime.providers import (
    Installed,
    check_runtime_packages,
    installed_providers,
    load_onnxruntime,
    onnx_name,
    resolve,
    resolve_providers,
)

PLAIN = Installed(frozenset({"CPUExecutionProvider"}))
NVIDIA = Installed(
    frozenset({"TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"})
)
MAC = Installed(frozenset({"CoreMLExecutionProvider", "CPUExecutionProvider"}), openvino=True)


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
        "masquerade.models.embedder; "
        "masquerade.models.detector.Detector(); masquerade.models.embedder.Embedder(); "
        "assert not {'onnxruntime', 'onnx', 'tf2onnx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_auto_takes_the_best_that_is_there() -> None:
    assert resolve(Execution(), PLAIN) == (("cpu",), ())
    assert resolve(Execution(), NVIDIA) == (("cuda", "cpu"), ())  # TensorRT compiles for minutes
    assert resolve(Execution(), MAC) == (("coreml", "cpu"), ())
    plugged = Installed(PLAIN.providers, webgpu=True)
    assert resolve(Execution(), plugged) == (("webgpu", "cpu"), ())


@pytest.mark.parametrize("name", [name for name in PROVIDERS if name not in ("auto", "cpu")])
def test_what_was_asked_for_and_is_not_there_is_an_error(name: str) -> None:
    with pytest.raises(ProviderError, match=rf"'{name}' .*it has: cpu.*--allow-fallback") as caught:
        resolve(Execution(providers=(name,)), PLAIN)
    assert "pip install" in str(caught.value)


def test_a_fallback_that_was_allowed_is_said() -> None:
    names, notices = resolve(Execution(providers=("cuda",), allow_fallback=True), PLAIN)
    assert names == ("cpu",)
    assert len(notices) == 1
    assert "'cuda' is not installed" in notices[0]


def test_auto_after_others_allows_what_is_there() -> None:
    names, notices = resolve(Execution(providers=("dml", "auto")), NVIDIA)
    assert names == ("cuda", "cpu")
    assert "'directml'" in notices[0]


def test_the_order_that_was_asked_for_is_kept() -> None:
    assert resolve(Execution(providers=("tensorrt", "cuda")), NVIDIA)[0] == ("tensorrt", "cuda")
    assert resolve(Execution(providers=("openvino",)), MAC)[0] == ("openvino",)


def test_this_environment_is_asked() -> None:
    have = installed_providers()
    assert have.has("cpu")
    assert "cpu" in have.short_names


def test_a_plugin_that_is_not_installed_names_its_package() -> None:
    ort = load_onnxruntime()
    if installed_providers().webgpu:
        pytest.skip("the plug-in is installed here")
    with pytest.raises(ProviderError, match="pip install onnxruntime-ep-webgpu"):
        add_plugin(ort, ort.SessionOptions(), "webgpu", 0, {})


def test_a_plugin_takes_its_own_device_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime lists the processor as such a device too: it stands in for a plug-in's."""
    monkeypatch.setattr("masquerade.runtime.plugin_providers.onnx_name", lambda _: onnx_name("cpu"))
    monkeypatch.setattr("masquerade.runtime.plugin_providers._register", lambda _: None)
    ort = load_onnxruntime()
    options = ort.SessionOptions()
    add_plugin(ort, options, "webgpu", 0, {})
    assert options.has_providers()
    with pytest.raises(ProviderError, match="finds 1 devices here, so there is none of number 7"):
        add_plugin(ort, ort.SessionOptions(), "webgpu", 7, {})
