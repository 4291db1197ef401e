from __future__ import annotations

import gc
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from small_networks import convolutions

from masquerade.core.errors import MemoryBudgetError, ModelError
from masquerade.runtime.idle import IdleNetwork, IdleWatch
from masquerade.runtime.network import Port
from masquerade.runtime.opened import Opened

FEEDS = {"x": np.ones(1, np.float32)}


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Library:
    """A network that is counted, and that fails where it is told to."""

    def __init__(self) -> None:
        self.opened = self.closed = self.runs = 0
        self.failures: list[Exception] = []
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.may_end.set()

    def open(self) -> Opened:
        self.opened += 1
        return Opened(self, "fp32", notices=("It was chosen.",))

    @property
    def input_ports(self):
        return (Port("x", (1,), np.dtype(np.float32)),)

    output_ports = input_ports
    provider, devices = "cpu", frozenset({"cpu"})

    def run(self, feeds):
        self.begun.set()
        assert self.may_end.wait(10)
        self.runs += 1
        if self.failures:
            raise self.failures.pop()
        return [feeds["x"] + 1]

    def placement(self):
        return {"cpu": 1}

    def close(self):
        self.closed += 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> IdleWatch:
    return IdleWatch(clock=clock, threaded=False)


def test_it_is_let_go_after_its_time_and_loaded_again(clock: Clock, watch: IdleWatch) -> None:
    library = Library()
    network = IdleNetwork(library.open, idle_s=300, watch=watch)
    assert network.notices == ("It was chosen.",)
    network.run(FEEDS)
    clock.now_s += 299
    assert watch.look() == 0
    network.run(FEEDS)
    clock.now_s += 299
    assert watch.look() == 0
    clock.now_s += 1
    assert watch.look() == 1
    assert not network.loaded
    assert (library.opened, library.closed) == (1, 1)
    assert network.input_ports[0].name == "x"
    assert network.run(FEEDS)[0].tolist() == [2.0]
    assert network.loaded
    assert (library.opened, library.runs) == (2, 3)


def test_it_is_not_let_go_while_it_runs(clock: Clock, watch: IdleWatch) -> None:
    library = Library()
    network = IdleNetwork(library.open, idle_s=300, watch=watch)
    library.may_end.clear()
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(network.run, FEEDS)
        assert library.begun.wait(10)
        clock.now_s += 1000
        assert watch.look() == 0
        library.may_end.set()
        assert under_way.result()[0].tolist() == [2.0]
    assert watch.look() == 0  # it was used just now
    clock.now_s += 1000
    assert watch.look() == 1


def test_without_a_time_it_stays_unless_memory_is_short(clock: Clock, watch: IdleWatch) -> None:
    library = Library()
    network = IdleNetwork(library.open, idle_s=0, watch=watch)
    clock.now_s += 1e6
    assert watch.look() == 0
    watch.let_go_of_unused()
    assert not network.loaded


def test_many_threads_load_it_once(clock: Clock, watch: IdleWatch) -> None:
    library = Library()
    network = IdleNetwork(library.open, idle_s=300, watch=watch)
    clock.now_s += 1000
    watch.look()
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: network.run(FEEDS)[0][0], range(32)))
    assert results == [2.0] * 32
    assert library.opened == 2


def test_a_want_of_memory_lets_go_of_others_and_is_tried_once_more(
    clock: Clock, watch: IdleWatch
) -> None:
    busy, unused = Library(), Library()
    network = IdleNetwork(busy.open, idle_s=300, watch=watch)
    other = IdleNetwork(unused.open, idle_s=300, watch=watch)
    clock.now_s += 10
    busy.failures = [MemoryBudgetError("Full.")]
    assert network.run(FEEDS)[0].tolist() == [2.0]
    assert not other.loaded
    assert network.loaded
    busy.failures = [MemoryBudgetError("Full."), MemoryBudgetError("Full.")]
    with pytest.raises(MemoryBudgetError):
        network.run(FEEDS)


def test_a_closed_one_stays_closed(watch: IdleWatch) -> None:
    library = Library()
    with IdleNetwork(library.open, idle_s=300, watch=watch) as network:
        network.run(FEEDS)
    network.close()
    assert library.closed == 1
    with pytest.raises(ModelError, match="was closed"):
        network.run(FEEDS)


def idle_threads() -> int:
    return sum(thread.name == "masquerade-idle" for thread in threading.enumerate())


def test_the_thread_ends_with_the_last_network_and_begins_anew(clock: Clock) -> None:
    before = idle_threads()
    watch = IdleWatch(clock=clock)
    for _ in range(2):
        networks = [IdleNetwork(Library().open, idle_s=1, watch=watch) for _ in range(3)]
        assert idle_threads() == before + 1
        for network in networks:
            network.close()
        watch.close()
        assert idle_threads() == before


def test_networks_that_were_dropped_are_not_kept_alive(clock: Clock, watch: IdleWatch) -> None:
    IdleNetwork(Library().open, idle_s=1, watch=watch)
    gc.collect()
    clock.now_s += 100
    assert watch.look() == 0


RELEASES = """
import sys
from pathlib import Path
from masquerade.core.execution import Execution
from masquerade.runtime.loader import load_network
from masquerade.runtime.memory import resident_bytes, return_freed_memory
from masquerade.runtime.plausible_input import plausible_feeds
options = {"cpu": {"library": sys.argv[2], "winograd": "off"}}
network = load_network(Path(sys.argv[1]), Execution(threads=1, options=options))
feeds = plausible_feeds(network.input_ports)
before = network.run(feeds)[0]
loaded = resident_bytes()
assert network.let_go(0)
return_freed_memory()
released = resident_bytes()
after = network.run(feeds)[0]
assert (before == after).all()
print(loaded - released, resident_bytes() - released)
network.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems give memory back otherwise")
@pytest.mark.parametrize("library", ["onnxruntime", "openvino"])
def test_the_memory_of_an_idle_network_really_goes(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if library == "openvino":
        pytest.importorskip("openvino")
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path))
    path = convolutions(tmp_path / "large.onnx", channels=640, layers=5, size=8)
    weights = path.stat().st_size
    assert weights > 50_000_000
    done = subprocess.run(
        [sys.executable, "-c", RELEASES, str(path), library],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    released, taken_again = (int(word) for word in done.stdout.split())
    assert released > 0.85 * weights
    assert taken_again > 0.85 * weights
