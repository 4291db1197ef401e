"""Files that are brought become networks: the whole way, on the real libraries."""

from __future__ import annotations

import gc
import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from small_networks import convolutions, overflowing_half

from masquerade.core.errors import MemoryBudgetError, ModelError, ProviderError, SettingsError
from masquerade.core.execution import Execution
from masquerade.runtime import loader
from masquerade.runtime.budget import process_budget
from masquerade.runtime.loader import load_network
from masquerade.runtime.memory import resident_bytes, return_freed_memory
from masquerade.runtime.openvino_network import OpenVinoNetwork
from masquerade.runtime.optimised_files import OptimisedFiles
from masquerade.runtime.plausible_input import plausible_feeds
from masquerade.runtime.providers import Installed
from masquerade.runtime.session import Session
from masquerade.runtime.spread import SpreadNetwork

ORT = Execution(threads=1, options={"cpu": {"library": "onnxruntime", "winograd": "off"}})
OPENVINO = Execution(threads=1, options={"cpu": {"library": "openvino", "winograd": "off"}})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return convolutions(tmp_path / "small.onnx")


@pytest.fixture
def limited():
    yield process_budget()
    process_budget().set_limit(None)


def with_room_for(more_bytes: int) -> Execution:
    gc.collect()
    return_freed_memory()  # else the budget would find it when it looks
    limit = resident_bytes() + more_bytes
    return Execution(threads=1, options=ORT.options, max_memory_bytes=limit)


def kept(home: Path) -> list[Path]:
    return sorted(p for p in (home / "cache" / "networks").iterdir() if p.name != "facts")


def direct(path: Path) -> np.ndarray:
    session = Session(path, threads=1)
    return session.run(plausible_feeds(session.input_ports))[0]


@pytest.mark.parametrize("execution", [ORT, OPENVINO], ids=["onnxruntime", "openvino"])
def test_it_computes_what_the_file_does(path: Path, execution: Execution, home: Path) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with load_network(path, execution, sha256=digest, label="small") as network:
        feeds = plausible_feeds(network.input_ports)
        np.testing.assert_allclose(network.run(feeds)[0], direct(path), atol=1e-4)
        assert [port.name for port in network.output_ports] == ["swapped"]
        assert network.precision == "fp32"
        assert network.provider == ("cpu" if execution is ORT else "openvino")
        assert sum(network.placement().values()) >= 3
        with ThreadPoolExecutor(4) as pool:
            many = list(pool.map(lambda _: network.run(feeds)[0], range(12)))
        for result in many:
            np.testing.assert_array_equal(result, many[0])
    assert len(kept(home)) == 1


def test_the_rewritten_file_is_kept_and_taken(path: Path, home: Path, monkeypatch) -> None:
    first = load_network(path, ORT)
    feeds = plausible_feeds(first.input_ports)
    result = first.run(feeds)[0]
    first.close()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("It was made again.")

    monkeypatch.setattr("masquerade.runtime.onnx_file.read_model", refuse)
    with load_network(path, ORT) as again:
        np.testing.assert_array_equal(again.run(feeds)[0], result)
    # A damaged one is made anew, so the file is read again.
    (kept(home)[0] / "weights.bin").write_bytes(b"damaged")
    monkeypatch.undo()
    monkeypatch.setenv("MASQUERADE_HOME", str(home))
    with load_network(path, ORT) as repaired:
        np.testing.assert_array_equal(repaired.run(feeds)[0], result)


@pytest.mark.alone
@pytest.mark.parametrize("execution", [ORT, OPENVINO], ids=["onnxruntime", "openvino"])
def test_a_kept_network_loads_at_least_twice_as_fast(tmp_path: Path, execution: Execution) -> None:
    large = convolutions(tmp_path / "large.onnx", channels=384, layers=5, size=8)
    load_network(convolutions(tmp_path / "small.onnx"), execution).close()  # libraries are there
    took_s = []
    for _ in range(4):
        began = time.perf_counter()
        load_network(large, execution).close()
        took_s.append(time.perf_counter() - began)
    assert took_s[0] > 2 * min(took_s[1:])


def test_the_quickest_way_is_measured_once_and_said(path: Path, home: Path) -> None:
    execution = Execution(threads=1)
    with load_network(path, execution, label="small") as network:
        notices = network.notices
    if len(notices) > 1:  # OpenVINO is installed, so there was a choice
        assert "as measured on this machine" in notices[1]
    assert notices[0] == (
        f"small: The provider {network.provider!r} was chosen, as the best that works here."
    )
    with load_network(path, execution, label="small") as again:
        assert not any("as measured" in text for text in again.notices)
        assert again.provider == network.provider
    assert len(kept(home)) == 1  # what lost is not kept


def test_a_provider_that_is_not_there_is_an_error_or_is_said(path: Path) -> None:
    with pytest.raises(ProviderError, match=r"'migraphx'.*masquerade\[migraphx\]"):
        load_network(path, Execution(providers=("migraphx",)))
    allowed = Execution(providers=("migraphx",), allow_fallback=True, options=ORT.options)
    with load_network(path, allowed) as network:
        assert network.provider == "cpu"
        assert "'migraphx' is not installed here" in network.notices[0]
        assert "'cpu' was chosen" in network.notices[1]


def test_a_provider_that_does_not_start_gives_way_only_where_allowed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package claims CUDA, but no session starts on it."""
    both = frozenset({"CUDAExecutionProvider", "CPUExecutionProvider"})
    monkeypatch.setattr("masquerade.runtime.providers.installed_providers", lambda: Installed(both))
    monkeypatch.setattr(
        "masquerade.runtime.session.resolve_providers", lambda _: ["CPUExecutionProvider"]
    )
    with pytest.raises(ProviderError, match="started 'cpu'"):
        load_network(path, Execution(providers=("cuda",)))
    with load_network(path, Execution(options=ORT.options)) as network:
        assert network.provider == "cpu"
        assert any("ONNX Runtime started 'cpu'. Another is used." in t for t in network.notices)


def test_another_file_than_promised_is_refused(path: Path) -> None:
    with pytest.raises(ModelError, match="damaged or another file"):
        load_network(path, ORT, sha256="00" * 32)
    with pytest.raises(ModelError, match="missing"):
        load_network(path.with_name("gone.onnx"), ORT)
    path.write_bytes(b"\x08\x08\x12\x04junk of some length")
    with pytest.raises(ModelError):
        load_network(path, ORT)


def test_wrong_options_are_refused(path: Path) -> None:
    with pytest.raises(SettingsError, match="no option 'libary'"):
        load_network(path, Execution(options={"cpu": {"libary": "openvino"}}))


def test_a_half_file_is_computed_in_single_on_a_processor(tmp_path: Path) -> None:
    half = convolutions(tmp_path / "half.onnx", half=True)
    with load_network(half, ORT) as network:
        assert network.precision == "fp32"
        feeds = plausible_feeds(network.input_ports)
        (result,) = network.run(feeds)
    session = Session(half, threads=1)
    (rough,) = session.run(plausible_feeds(session.input_ports))
    assert rough.dtype == np.float16
    np.testing.assert_allclose(result, rough, atol=2e-2)


def test_what_overflows_in_half_is_right_in_single(tmp_path: Path) -> None:
    path = overflowing_half(tmp_path / "overflow.onnx")
    with load_network(path, ORT) as network:
        feeds = plausible_feeds(network.input_ports)
        np.testing.assert_allclose(network.run(feeds)[0], 4 * feeds["picture"], rtol=5e-3)


def test_half_that_is_broken_on_its_device_is_replaced_by_single(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime's processor kernels in half precision stand in for a device."""
    path = overflowing_half(tmp_path / "overflow.onnx")
    monkeypatch.setattr(
        loader,
        "candidate_groups",
        lambda _, files, *__, **___: (
            loader.Group((loader.Candidate(files["fp16"], "cpu", "fp16"),)),
        ),
    )
    for _ in range(2):  # found, then remembered
        with load_network(path, ORT, label="overflow") as network:
            assert network.precision == "fp32"
            assert any("values that are not numbers, so fp32" in t for t in network.notices)
            feeds = plausible_feeds(network.input_ports)
            np.testing.assert_allclose(network.run(feeds)[0], 4 * feeds["picture"], rtol=5e-3)


def test_bfloat16_is_compared_with_single(path: Path) -> None:
    try:
        network = load_network(path, Execution(precision="bf16", threads=1))
    except (ModelError, ProviderError) as error:
        pytest.skip(str(error))
    with network:
        assert network.precision == "bf16"
        result = network.run(plausible_feeds(network.input_ports))[0]
    exact = direct(path)
    assert 0 < np.abs(result - exact).max() < 0.05 * np.abs(exact).max()


def test_what_does_not_fit_is_an_error_that_names_the_limit(tmp_path: Path, limited) -> None:
    large = convolutions(tmp_path / "large.onnx", channels=384, layers=3, size=8)
    with pytest.raises(MemoryBudgetError, match="--max-memory"):
        load_network(large, with_room_for(5_000_000))
    with load_network(large, with_room_for(2**30), label="large"):
        claims = {claim.label: claim for claim in limited.report().claims}
        assert claims["large"].settled
    assert "large" not in {claim.label for claim in limited.report().claims}


def test_what_does_not_fit_in_full_is_taken_in_int8(tmp_path: Path, limited) -> None:
    large = convolutions(tmp_path / "large.onnx", channels=512, layers=6, size=8)
    small = convolutions(tmp_path / "int8.onnx", channels=16, layers=6, size=8)
    files = loader.brought_files(large, None, {"int8": small})
    assert list(files) == ["fp32", "int8"]
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(loader, "remembered_fault", lambda *_: "")  # they are not the same network
        with load_network(large, with_room_for(110_000_000), variants={"int8": small}) as network:
            assert network.precision == "int8"
            assert any("did not fit into the memory" in text for text in network.notices)


def test_several_devices_get_a_network_each(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = Execution(threads=1, options=ORT.options, device_ids=(0, 1))
    with load_network(path, execution) as one:
        assert not isinstance(one, SpreadNetwork)  # a processor is one device
        assert any("'cpu' is one device here" in text for text in one.notices)
    monkeypatch.setattr(loader, "has_numbers", lambda *_: True)
    with load_network(path, execution) as two:
        assert isinstance(two, SpreadNetwork)
        assert not any("is one device" in text for text in two.notices)
        result = two.run(plausible_feeds(two.input_ports))[0]
    np.testing.assert_allclose(result, direct(path), atol=1e-5)


def test_a_half_made_entry_is_not_used(path: Path, home: Path) -> None:
    load_network(path, OPENVINO).close()
    (entry,) = kept(home)
    (entry / "files.json").unlink()
    assert OptimisedFiles().find(entry.name) is None
    with load_network(path, OPENVINO) as network:
        assert isinstance(network._opened.network, OpenVinoNetwork)
