"""Networks that draw, watched while they run: what is broken is an error and never shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_networks import convolutions

from masquerade.core.errors import ModelError
from masquerade.core.execution import Execution
from masquerade.runtime.idle import IdleNetwork
from masquerade.runtime.loader import load_network
from masquerade.runtime.network import Port
from masquerade.runtime.plausible_input import face_picture, plausible_feeds
from masquerade.runtime.watched import WatchedNetwork, picture_fault

PICTURE = np.ascontiguousarray(face_picture(32, 32).transpose(2, 0, 1)[None])
FEEDS = {"x": PICTURE}
BROKEN = {
    "nan": np.where(PICTURE > 0.7, np.float32(np.nan), PICTURE),
    "infinite": np.where(PICTURE > 0.7, np.float32(np.inf), PICTURE),
    "black": 0 * PICTURE,
    "grey": 0 * PICTURE + 0.5,
}


@dataclass
class Scripted:
    """A network that gives what it was told to."""

    results: list[np.ndarray]
    precision: str = "fp16"
    closed: bool = False
    runs: int = 0
    provider: str = "cuda"
    devices: frozenset[str] = frozenset({"cuda:0"})
    notices: tuple[str, ...] = ("loaded",)
    input_ports: tuple[Port, ...] = ()
    output_ports: tuple[Port, ...] = ()
    counts: dict[str, int] = field(default_factory=lambda: {"cuda": 3})

    def run(self, feeds: Any) -> list[np.ndarray]:
        result = self.results[min(self.runs, len(self.results) - 1)]
        self.runs += 1
        return [result]

    def placement(self) -> dict[str, int]:
        return self.counts

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_picture_is_an_error(kind: str) -> None:
    network = WatchedNetwork(Scripted([PICTURE, BROKEN[kind], PICTURE]), "gfpgan_1.4")
    assert network.run(FEEDS)[0] is PICTURE
    with pytest.raises(ModelError, match=r"gfpgan_1.4 gave .*, which is not shown. Ask for --pre"):
        network.run(FEEDS)
    assert network.run(FEEDS)[0] is PICTURE  # the next one is judged by itself


def test_one_value_among_many_is_seen_in_any_type_and_order() -> None:
    one = PICTURE.copy()
    one[0, 2, 31, 31] = -np.inf
    assert picture_fault([one], []) == "gave values that are not numbers"
    assert picture_fault([one.astype(np.float16)], []) == "gave values that are not numbers"
    assert picture_fault([one.transpose(0, 2, 3, 1)], []) == "gave values that are not numbers"
    several = np.concatenate([PICTURE, BROKEN["black"]])
    assert picture_fault([several], [np.concatenate([PICTURE, PICTURE])]) == "gave an empty picture"


def test_what_is_no_picture_or_made_of_an_empty_one_is_left_alone() -> None:
    nothing_covered = np.zeros((1, 1, 32, 32), np.float32)
    assert picture_fault([nothing_covered, np.zeros((1, 512), np.float32)], [PICTURE]) == ""
    black = BROKEN["black"]
    assert picture_fault([black], [black]) == ""  # such as the bars above and below a film
    assert picture_fault([black], [PICTURE]) != ""
    mixed = np.concatenate([black, PICTURE])
    assert picture_fault([np.concatenate([black, PICTURE])], [mixed]) == ""
    assert picture_fault([np.concatenate([black, black])], [mixed]) != ""


def test_after_three_of_eight_the_network_is_loaded_in_full_precision() -> None:
    bad = BROKEN["nan"]
    reduced = Scripted([bad, PICTURE, bad, PICTURE, bad])
    exact = Scripted([PICTURE], precision="fp32")
    network = WatchedNetwork(reduced, "gfpgan_1.4", lambda: exact)
    for broken in (True, False, True, False):
        if broken:
            with pytest.raises(ModelError):
                network.run(FEEDS)
        else:
            network.run(FEEDS)
    assert network.precision == "fp16"
    assert network.run(FEEDS)[0] is PICTURE  # this very face is made
    assert (network.precision, reduced.closed, exact.closed) == ("fp32", True, False)
    assert network.notices == (
        "loaded",
        "gfpgan_1.4: In fp16 on cuda it gave values that are not numbers again and again, so fp32 "
        "is used from now on.",
    )


def test_rare_accidents_change_nothing() -> None:
    reduced = Scripted(([BROKEN["black"]] + [PICTURE] * 7) * 4)
    network = WatchedNetwork(reduced, "gfpgan_1.4", lambda: pytest.fail("loaded anew"))
    failures = 0
    for _ in range(32):
        try:
            network.run(FEEDS)
        except ModelError:
            failures += 1
    assert failures == 4


def test_full_precision_that_is_broken_stays_an_error() -> None:
    exact = Scripted([BROKEN["nan"]], precision="fp32")
    network = WatchedNetwork(Scripted([BROKEN["nan"]]), "gfpgan_1.4", lambda: exact)
    for _ in range(12):
        with pytest.raises(ModelError):
            network.run(FEEDS)
    assert exact.runs == 10  # loaded once, at the third
    with pytest.raises(ModelError, match=r"models verify gfpgan_1\.4"):
        network.run(FEEDS)


def test_the_loader_watches_what_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variant that draws well until it does not; full precision is the file itself."""
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "home"))
    full = convolutions(tmp_path / "full.onnx")
    run = IdleNetwork.run

    def failing(network: IdleNetwork, feeds: Any) -> list[np.ndarray]:
        results = run(network, feeds)
        return [0 * result for result in results] if network.precision == "bf16" else results

    monkeypatch.setattr("masquerade.runtime.loader.remembered_fault", lambda *_: "")
    execution = Execution(precision="bf16", threads=1, strict_precision=True)
    try:
        network = load_network(full, execution, label="small", draws=True)
    except ModelError as error:
        pytest.skip(str(error))
    with network:
        feeds = plausible_feeds(network.input_ports)
        network.run(feeds)
        monkeypatch.setattr(IdleNetwork, "run", failing)
        for _ in range(2):
            with pytest.raises(ModelError, match="small gave an empty picture"):
                network.run(feeds)
        assert network.run(feeds)[0].any()
        assert network.precision == "fp32"
        assert "so fp32 is used from now on" in network.notices[-1]
