from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from masquerade.core.errors import MemoryBudgetError, ModelError, ProviderError
from masquerade.runtime.brought_file import BroughtFile
from masquerade.runtime.candidates import Candidate
from masquerade.runtime.measured_choice import choose, forget_times, time_network
from masquerade.runtime.network import Port
from masquerade.runtime.opened import Opened

FILE = BroughtFile(
    path=Path("a.onnx"),
    digest="ab" * 32,
    precision="fp32",
    fixed_shapes=True,
    size_bytes=100,
    winograd_bytes=300,
)
PLAIN = Candidate(FILE, "cpu", "fp32")
OTHER = Candidate(FILE, "openvino", "fp32")
LARGE = Candidate(FILE, "openvino", "fp32", winograd=True)
ALL = (PLAIN, OTHER, LARGE)


class Machine:
    """Runs networks in set times, by a clock that only they move."""

    def __init__(self, **ms: float) -> None:
        self.ms, self.now_s, self.opened = ms, 0.0, []
        self.fails: dict[str, Exception] = {}

    def clock(self) -> float:
        return self.now_s

    def open(self, candidate: Candidate) -> Opened:
        self.opened.append(candidate.name)
        if candidate.name in self.fails:
            raise self.fails[candidate.name]
        return Opened(Timed(self, self.ms[candidate.name]), "fp32")

    def choose(self, candidates=ALL, *, fits=lambda _: True, threads: int = 2):
        return choose(candidates, threads, fits=fits, open_=self.open, clock=self.clock)


class Timed:
    input_ports = (Port("x", (1,), np.dtype(np.float32)),)
    output_ports = input_ports
    provider = "cpu"

    def __init__(self, machine: Machine, ms: float) -> None:
        self._machine, self._ms, self.runs = machine, ms, 0

    def run(self, feeds):
        self.runs += 1
        first = 10 if self.runs == 1 else 1  # the first run is slow and does not count
        self._machine.now_s += first * self._ms / 1000
        return [feeds["x"]]

    def close(self):
        pass


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path))


TIMES = {"cpu fp32": 40.0, "openvino fp32": 30.0, "openvino fp32 winograd": 20.0}


def test_the_quickest_is_taken_and_remembered() -> None:
    machine = Machine(**TIMES)
    choice = machine.choose()
    assert choice.candidate == LARGE
    assert list(choice.times_ms) == ["openvino fp32 winograd", "openvino fp32", "cpu fp32"]
    assert choice.times_ms["cpu fp32"] == pytest.approx(40)
    assert "runs as openvino fp32 winograd" in choice.notice
    again = machine.choose()
    assert again.candidate == LARGE
    assert again.notice == ""
    assert len(machine.opened) == 3


def test_it_is_measured_anew_where_that_is_asked_for() -> None:
    machine = Machine(**TIMES)
    FILE.remembered.put("taken", 5)
    assert not forget_times(FILE.digest), "nothing is known yet"
    machine.choose()
    assert forget_times(FILE.digest)
    machine.ms["cpu fp32"] = 10.0
    assert machine.choose().candidate == PLAIN
    assert FILE.remembered.get("taken") == 5


def test_other_threads_are_measured_anew() -> None:
    machine = Machine(**TIMES)
    machine.choose()
    machine.choose(threads=4)
    assert len(machine.opened) == 6


def test_what_does_not_fit_is_left_out_and_not_measured() -> None:
    machine = Machine(**TIMES)
    assert machine.choose(fits=lambda candidate: not candidate.winograd).candidate == OTHER
    assert "openvino fp32 winograd" not in machine.opened
    assert machine.choose().candidate == LARGE


def test_where_nothing_fits_the_plainest_is_left_to_the_budget() -> None:
    machine = Machine(**TIMES)
    assert machine.choose(fits=lambda _: False).candidate == PLAIN
    assert machine.opened == []


def test_a_gain_within_the_noise_is_none() -> None:
    machine = Machine(**(TIMES | {"openvino fp32": 39.0, "openvino fp32 winograd": 39.0}))
    assert machine.choose().candidate == PLAIN


@pytest.mark.parametrize(
    "error", [ModelError("No."), ProviderError("Gone."), MemoryBudgetError("Full.")]
)
def test_a_library_that_does_not_take_the_network_is_left_out(error: Exception) -> None:
    machine = Machine(**TIMES)
    machine.fails = {"openvino fp32 winograd": error}
    assert machine.choose().candidate == OTHER
    machine.choose()
    # A library that refuses is not asked again; memory may be there the next time.
    tries = machine.opened.count("openvino fp32 winograd")
    assert tries == (2 if isinstance(error, MemoryBudgetError) else 1)
    machine.fails = dict.fromkeys(TIMES, error)
    assert machine.choose((PLAIN, OTHER), threads=7).candidate == PLAIN  # opening it tells why


def test_the_first_run_does_not_count_and_long_ones_end_early() -> None:
    machine = Machine()
    quick, slow = Timed(machine, 10), Timed(machine, 700)
    assert time_network(quick, machine.clock) == pytest.approx(0.01)
    assert time_network(slow, machine.clock) == pytest.approx(0.7)
    assert (quick.runs, slow.runs) == (8, 2)
