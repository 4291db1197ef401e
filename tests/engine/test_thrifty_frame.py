"""Whole pictures through an upscaler: in tiles, within memory, without a seam."""

from __future__ import annotations

import tracemalloc
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest

from masquerade.core.errors import MemoryBudgetError, ModelError
from masquerade.core.settings import Settings
from masquerade.engine.brought import BroughtNetworks
from masquerade.engine.held_networks import HeldNetworks
from masquerade.engine.lowering import Lowered
from masquerade.engine.thrifty_frame import ThriftyFrame
from masquerade.models.catalogue import find_spec
from masquerade.models.upscaler import Upscaler
from masquerade.runtime.network import Port


class Enlarging:
    """A network that repeats every pixel and makes each tile brighter by a number of its own."""

    provider, precision, notices = "cpu", "fp32", ()

    def __init__(self, scale: int, lift: float = 0.0, most: int = 4096) -> None:
        self.input_ports = (Port("input", (1, 3, None, None), np.dtype(np.float32)),)
        self.output_ports = (Port("output", (1, 3, None, None), np.dtype(np.float32)),)
        self.scale, self.lift, self.most = scale, lift, most
        self.sides: list[int] = []
        self.error: Exception | None = None

    def run(self, feeds: Any) -> list[np.ndarray]:
        (tile,) = feeds.values()
        self.sides.append(max(tile.shape[2:]))
        if self.sides[-1] > self.most:
            raise MemoryBudgetError("There was not enough memory (made up); close programs.")
        if self.error is not None:
            raise self.error
        large = tile.repeat(self.scale, axis=2).repeat(self.scale, axis=3)
        return [large + self.lift * (len(self.sides) % 2) / 255]


class Held:
    """Networks of which less and less is open."""

    def __init__(self, network: Enlarging, *tiles: int) -> None:
        upscaler = Upscaler(find_spec(f"real_esrgan_x{network.scale}"), cast("Any", network))
        wish = Lowered(Settings(tile=tiles[0]), cast("Any", None), "auto")
        self.steps = [
            BroughtNetworks(
                Lowered(wish.settings.replace(tile=tile), wish.execution, "auto"), upscaler=upscaler
            )
            for tile in tiles
        ]
        self.steps.append(BroughtNetworks(wish))

    def settled(self) -> BroughtNetworks:
        return self.steps[0]

    def lower(self, failed: BroughtNetworks) -> None:
        assert failed is self.steps[0]
        del self.steps[0]


def frame_of(network: Enlarging, *tiles: int) -> tuple[ThriftyFrame, list[str]]:
    notices: list[str] = []
    return ThriftyFrame(cast("HeldNetworks", Held(network, *tiles)), notices.append), notices


def smooth(width: int, height: int) -> np.ndarray:
    small = np.random.default_rng(0).integers(60, 190, (height // 40, width // 40, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("size_wh", [(640, 480), (333, 517), (90, 40)])
def test_the_size_stays_and_nothing_is_moved(scale, size_wh):
    network = Enlarging(scale)
    frame, notices = frame_of(network, 128)
    picture = smooth(*size_wh) if min(size_wh) >= 80 else smooth(160, 80)[:40, :90]
    before = picture.copy()
    result = frame.enhance(picture)
    np.testing.assert_array_equal(result, before)  # enlarged and reduced again is the same
    np.testing.assert_array_equal(picture, before)
    assert notices == []
    assert len(set(network.sides)) == 1
    assert network.sides[0] % 16 == 0
    assert network.sides[0] <= 128


def test_tiles_that_differ_meet_without_a_seam():
    """S17d: every second tile is 20 levels brighter; no step of more than a level is seen."""
    frame, _ = frame_of(Enlarging(2, lift=20.0), 128)
    flat = np.full((400, 700, 3), 100, np.uint8)
    result = frame.enhance(flat).astype(int)
    assert result.min() >= 100
    assert result.max() == 120
    for axis in (0, 1):
        assert np.abs(np.diff(result, axis=axis)).max() <= 1 + 20 // 33 + 1


def test_memory_does_not_grow_with_the_picture():
    """Beside the picture that comes out, a tile and a strip are held, whatever the size."""

    def beside(width: int, height: int) -> tuple[int, int]:
        network = Enlarging(4)
        frame, _ = frame_of(network, 128)
        picture = np.zeros((height, width, 3), np.uint8)
        picture[::7] = 90
        frame.enhance(picture[:128, :128])  # what is imported late is there
        network.sides.clear()
        tracemalloc.start()
        frame.enhance(picture)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak_bytes - picture.nbytes, max(network.sides)

    (small, small_side), (large, large_side) = beside(640, 360), beside(2560, 1440)
    assert small_side == large_side == 128
    at_scale = 2560 * 1440 * 3 * 16
    assert large < small + 2**20
    assert large < at_scale / 8


def test_where_memory_runs_out_tiles_shrink_and_at_last_the_picture_stays_as_it_is():
    network = Enlarging(2, lift=9.0, most=64)
    frame, notices = frame_of(network, 256, 128, 64)
    picture = smooth(320, 240)
    result = frame.enhance(picture)
    assert network.sides[:2] == [240, 128]
    assert set(network.sides[2:]) == {64}
    assert not np.array_equal(result, picture)
    network.most = 0
    assert frame.enhance(picture) is picture
    assert notices == []


def test_a_network_that_fails_leaves_the_picture_and_says_so():
    network = Enlarging(2)
    frame, notices = frame_of(network, 128)
    picture = smooth(320, 240)
    network.error = ModelError("real_esrgan_x2 gave an empty picture, which is not shown.")
    assert frame.enhance(picture) is picture
    assert notices == [
        "Pictures were left as they were swapped: real_esrgan_x2 gave an empty picture, which is "
        "not shown."
    ]
    network.error = None
    np.testing.assert_array_equal(frame.enhance(picture), picture)


def test_tiles_are_asked_for_before_they_are_fed(monkeypatch):
    asked = []
    budget = SimpleNamespace(admit=lambda label, size: asked.append((label, size)) or _Leave())
    monkeypatch.setattr("masquerade.engine.thrifty_frame.process_budget", lambda: budget)
    frame, _ = frame_of(Enlarging(4), 128)
    frame.enhance(smooth(320, 240))
    assert asked == [("A tile of 128x112 pixels of real_esrgan_x4", 1024 * 128 * 112 * 16)]


class _Leave:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...
