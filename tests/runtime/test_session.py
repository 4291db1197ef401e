from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from small_networks import convolutions, greedy

from masquerade.core.errors import MemoryBudgetError, ModelError, ProviderError, RuntimeSetupError
from masquerade.models.store import weight_path
from masquerade.runtime.bound_runs import BoundRuns
from masquerade.runtime.exhaustion import is_exhaustion
from masquerade.runtime.plausible_input import plausible_feeds
from masquerade.runtime.provider_options import ProviderSetup
from masquerade.runtime.providers import load_onnxruntime
from masquerade.runtime.session import Session, choose_threads
from masquerade.testing.threads import no_leaked_threads


@pytest.fixture(scope="module")
def landmarks() -> Session:
    return Session(weight_path("landmarks"), threads=1)


def test_runs_from_a_path_and_from_bytes(landmarks: Session) -> None:
    crop = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3), np.uint8)
    again = Session(weight_path("landmarks").read_bytes(), threads=1)
    assert landmarks.inputs == ("crop",)
    assert landmarks.outputs == ("points", "presence")
    np.testing.assert_array_equal(landmarks.run({"crop": crop})[0], again.run({"crop": crop})[0])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.onnx is missing"):
        Session(tmp_path / "gone.onnx")


@pytest.mark.parametrize("data", [b"", b"not a network", b"\x08\x08\x12\x04junk"])
def test_damaged_bytes_are_a_model_error(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"bad\.onnx cannot be loaded"):
        Session(tmp_path / "bad.onnx")


@pytest.mark.parametrize(
    "feeds",
    [
        {"crop": np.zeros((1, 9, 9, 3), np.uint8)},
        {"crop": np.zeros((1, 256, 256, 3), np.float64)},
        {"dots": np.zeros((1, 256, 256, 3), np.uint8)},
        {},
    ],
)
def test_wrong_feeds_are_a_model_error(landmarks: Session, feeds: dict[str, np.ndarray]) -> None:
    with pytest.raises(ModelError, match=r"landmarks\.onnx failed while running"):
        landmarks.run(feeds)


def test_a_provider_that_is_not_there_is_never_replaced_in_silence() -> None:
    with pytest.raises(RuntimeSetupError, match="migraphx"):
        Session(weight_path("landmarks"), providers=("migraphx",))


def test_threads() -> None:
    assert choose_threads(3) == 3
    assert 1 <= choose_threads(0) <= 4


def test_ports_tell_shapes_and_types(landmarks: Session) -> None:
    port = landmarks.input_ports[0]
    assert (port.name, port.shape[1:], port.dtype) == ("crop", (256, 256, 3), np.uint8)
    assert (landmarks.provider, landmarks.precision) == ("cpu", "fp32")


def test_nodes_are_counted_by_provider(tmp_path: Path) -> None:
    placement = Session(convolutions(tmp_path / "n.onnx"), threads=1).placement()
    assert list(placement) == ["cpu"]
    assert placement["cpu"] >= 3


def test_many_threads_get_the_same_bits(tmp_path: Path) -> None:
    session = Session(convolutions(tmp_path / "n.onnx"), threads=1)
    given = [
        {"picture": np.random.default_rng(seed).uniform(size=(1, 3, 32, 32)).astype(np.float32)}
        for seed in range(24)
    ]
    alone = [session.run(feeds)[0] for feeds in given]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda feeds: session.run(feeds)[0], given))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_recorded_runs_are_made_by_one_thread_whoever_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, run = set(), BoundRuns.run

    def noted(self, feeds):
        seen.add(threading.get_ident())
        return run(self, feeds)

    monkeypatch.setattr(BoundRuns, "run", noted)
    path = convolutions(tmp_path / "n.onnx")
    feeds = plausible_feeds(Session(path).input_ports)
    with no_leaked_threads():
        session = Session(path, setup=ProviderSetup(binds="cpu", captures=True, concurrent=False))
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda _: session.run(feeds)[0], range(12)))
        session.close()
    assert len(seen) == 1
    for result in results:
        np.testing.assert_array_equal(result, results[0])
    with pytest.raises(ModelError, match="closed"):
        session.run(feeds)


def test_bound_runs_give_the_same_and_results_stay(tmp_path: Path) -> None:
    path = convolutions(tmp_path / "n.onnx")
    free, bound = Session(path), Session(path, setup=ProviderSetup(binds="cpu"))
    feeds = plausible_feeds(free.input_ports)
    other = {"picture": 1 - feeds["picture"]}
    result = bound.run(feeds)[0]
    changed = bound.run(other)[0]
    np.testing.assert_array_equal(result, free.run(feeds)[0])
    np.testing.assert_array_equal(changed, free.run(other)[0])
    with pytest.raises(ModelError, match=r"takes float32 \(1, 3, 32, 32\), but was given float64"):
        bound.run({"picture": feeds["picture"].astype(np.float64)})


def test_a_closed_session_says_so(tmp_path: Path) -> None:
    with Session(convolutions(tmp_path / "n.onnx"), threads=1) as session:
        feeds = plausible_feeds(session.input_ports)
        session.run(feeds)
    session.close()
    with pytest.raises(ModelError, match=r"n\.onnx was closed"):
        session.run(feeds)


class Starting:
    """ONNX Runtime whose sessions start otherwise than asked; everything else is the real one."""

    def __init__(self, active: list[str], error: str = "") -> None:
        self._real, self._active, self._error = load_onnxruntime(), active, error
        self.asked: list[dict[str, str]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def preload_dlls(self) -> None:
        pass

    def get_available_providers(self) -> list[str]:
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    def InferenceSession(self, source, options, providers, enable_fallback):  # noqa: N802
        assert not enable_fallback
        self.asked.append(providers[0][1])
        if self._error and providers[0][1].get("enable_cuda_graph"):
            raise RuntimeError(self._error)
        real = self._real.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        return SimpleNamespace(
            get_providers=lambda: self._active,
            get_inputs=real.get_inputs,
            get_outputs=real.get_outputs,
            run=real.run,
        )


def start(monkeypatch: pytest.MonkeyPatch, ort: Starting, path: Path) -> Session:
    for module in ("session", "providers"):
        monkeypatch.setattr(f"masquerade.runtime.{module}.load_onnxruntime", lambda: ort)
    chain = (("cuda", {"device_id": "0", "enable_cuda_graph": "1"}),)
    return Session(path, setup=ProviderSetup(chain=chain, captures=True))


def test_a_provider_that_does_not_start_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ort = Starting(["CPUExecutionProvider"])
    with pytest.raises(ProviderError, match="was to run on 'cuda', but ONNX Runtime started 'cpu'"):
        start(monkeypatch, ort, convolutions(tmp_path / "n.onnx"))


def test_a_network_that_cannot_be_recorded_runs_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ort = Starting(
        ["CUDAExecutionProvider", "CPUExecutionProvider"],
        "This session cannot use the graph capture feature as requested by the user",
    )
    session = start(monkeypatch, ort, convolutions(tmp_path / "n.onnx"))
    assert ort.asked == [{"device_id": "0", "enable_cuda_graph": "1"}, {"device_id": "0"}]
    assert session.provider == "cuda"
    assert not session.setup.captures


@pytest.mark.parametrize(
    "text",
    [
        "CUDA failure 2: out of memory ; GPU=0",
        "Available memory of 12405248 is smaller than requested bytes of 134217728",
        "Failed to allocate memory for requested buffer of size 6400000000",
        "Exception during initialization: std::bad_alloc",
        "bad allocation",
        "8007000E Not enough memory resources are available to complete this operation.",
        "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED",
        "[GPU] clEnqueueNDRangeKernel, error code: -5 CL_OUT_OF_RESOURCES",
    ],
)
def test_words_for_want_of_memory(text: str) -> None:
    assert is_exhaustion(RuntimeError(text))
    assert not is_exhaustion(RuntimeError("Got invalid dimensions for input: picture"))


OUT_OF_MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np
from masquerade.core.errors import MemoryBudgetError
from masquerade.runtime.openvino_network import OpenVinoNetwork
from masquerade.runtime.provider_options import ProviderSetup
from masquerade.runtime.session import Session
path, library = Path(sys.argv[1]), sys.argv[2]
setup = ProviderSetup(threads=1)
feeds = {"x": np.ones((1, 1), np.float32)}
def load(path):
    return Session(path, setup=setup) if library == "cpu" else OpenVinoNetwork(path, setup)
load(Path(sys.argv[3]))  # so that the library itself is there
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
try:
    load(path).run(feeds)
except MemoryBudgetError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
@pytest.mark.parametrize("library", ["cpu", "openvino"])
def test_want_of_memory_is_told_from_other_failures(library: str, tmp_path: Path) -> None:
    if library == "openvino":
        pytest.importorskip("openvino")
    small, large = convolutions(tmp_path / "n.onnx"), greedy(tmp_path / "greedy.onnx")
    done = subprocess.run(
        [sys.executable, "-c", OUT_OF_MEMORY, str(large), library, str(small)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "There was not enough memory for greedy.onnx" in done.stdout, done.stderr
    assert issubclass(MemoryBudgetError, MemoryError)
