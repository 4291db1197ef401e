from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from small_networks import convolutions

from masquerade.core.errors import ModelError, ProviderError
from masquerade.core.execution import Execution
from masquerade.runtime.openvino_network import (
    OpenVinoNetwork,
    load_openvino,
    save_for_openvino,
)
from masquerade.runtime.plausible_input import plausible_feeds
from masquerade.runtime.provider_options import ProviderSetup, provider_setup
from masquerade.runtime.session import Session

pytest.importorskip("openvino")
SETUP = ProviderSetup(threads=1)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convolutions(tmp_path_factory.mktemp("networks") / "small.onnx", size=48)


@pytest.fixture(scope="module")
def network(path: Path) -> OpenVinoNetwork:
    return OpenVinoNetwork(path, SETUP)


def pictures(count: int) -> list[np.ndarray]:
    random = np.random.default_rng(5)
    return [random.uniform(0, 1, (1, 3, 48, 48)).astype(np.float32) for _ in range(count)]


def test_it_agrees_with_onnxruntime(path: Path, network: OpenVinoNetwork) -> None:
    session = Session(path, threads=1)
    assert network.input_ports == session.input_ports
    assert network.output_ports == session.output_ports
    assert (network.provider, network.precision) == ("openvino", "fp32")
    for picture in pictures(3):
        ours, theirs = network.run({"picture": picture})[0], session.run({"picture": picture})[0]
        assert np.abs(theirs).max() > 0.1
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_its_own_format_gives_the_same(
    path: Path, network: OpenVinoNetwork, tmp_path: Path
) -> None:
    save_for_openvino(path, tmp_path / "small.xml")
    again = OpenVinoNetwork(tmp_path / "small.xml", SETUP)
    assert again.input_ports == network.input_ports
    assert again.output_ports == network.output_ports
    feeds = plausible_feeds(network.input_ports)
    np.testing.assert_array_equal(again.run(feeds)[0], network.run(feeds)[0])


def test_many_threads_get_the_same_bits(network: OpenVinoNetwork) -> None:
    given = pictures(24)
    alone = [network.run({"picture": picture})[0] for picture in given]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda picture: network.run({"picture": picture})[0], given))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_results_belong_to_the_caller(network: OpenVinoNetwork) -> None:
    first, second = pictures(2)
    result = network.run({"picture": first})[0]
    kept = result.copy()
    network.run({"picture": second})
    np.testing.assert_array_equal(result, kept)
    result[:] = 0
    np.testing.assert_array_equal(network.run({"picture": first})[0], kept)


@pytest.mark.parametrize(
    "feeds",
    [
        {},
        {"photo": np.zeros((1, 3, 48, 48), np.float32)},
        {"picture": np.zeros((1, 3, 48, 48), np.float64)},
        {"picture": np.zeros((1, 3, 32, 48), np.float32)},
        {"picture": np.zeros((3, 48, 48), np.float32)},
    ],
)
def test_wrong_feeds_are_an_error_and_not_the_last_ones(
    network: OpenVinoNetwork, feeds: dict[str, np.ndarray]
) -> None:
    network.run({"picture": pictures(1)[0]})
    with pytest.raises(ModelError, match=r"small\.onnx failed while running"):
        network.run(feeds)


def test_all_of_it_runs_there(network: OpenVinoNetwork) -> None:
    placement = network.placement()
    assert list(placement) == ["openvino"]
    assert 3 <= placement["openvino"] <= 10


def test_bfloat16_only_where_asked(path: Path, network: OpenVinoNetwork) -> None:
    can = load_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if "BF16" not in can:
        with pytest.raises(ProviderError, match="does not compute in bf16 here"):
            OpenVinoNetwork(path, SETUP, precision="bf16")
        return
    coarse = OpenVinoNetwork(path, SETUP, precision="bf16")
    feeds = plausible_feeds(network.input_ports)
    exact, rounded = network.run(feeds)[0], coarse.run(feeds)[0]
    error = np.abs(exact - rounded).max() / np.abs(exact).max()
    assert 1e-5 < error < 0.05


@pytest.mark.parametrize("data", [b"not a network", b"\x08\x08\x12\x04junk"])
def test_damaged_files_are_a_model_error(tmp_path: Path, data: bytes) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(data)
    with pytest.raises(ModelError, match=r"bad\.onnx cannot be loaded"):
        OpenVinoNetwork(bad, SETUP)
    with pytest.raises(ModelError, match="gone"):
        OpenVinoNetwork(tmp_path / "gone.onnx", SETUP)


def test_a_device_that_is_not_there_is_an_error(path: Path) -> None:
    execution = Execution(options={"openvino": {"device_type": "NPU"}})
    if "NPU" in load_openvino().Core().available_devices:
        pytest.skip("there is one here")
    setup = provider_setup("openvino", execution, cache=path.parent)
    with pytest.raises(ProviderError, match=r"no device 'NPU' here \(it has: .*CPU"):
        OpenVinoNetwork(path, setup)


def test_a_closed_network_says_so(path: Path) -> None:
    network = OpenVinoNetwork(path, SETUP)
    network.close()
    network.close()
    with pytest.raises(ModelError, match="was closed"):
        network.run({"picture": pictures(1)[0]})


def test_nothing_that_reports_home_is_imported() -> None:
    code = (
        "import sys; from masquerade.runtime.openvino_network import load_openvino; "
        "load_openvino().Core(); "
        "assert not [m for m in sys.modules if m.startswith('openvino_telemetry')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
