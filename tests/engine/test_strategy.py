"""What is chosen by the free memory, and that engines do what was chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from masquerade import Engine, Execution, Identity, Settings
from masquerade.core.frame import Frame
from masquerade.core.protocols import SourceInfo
from masquerade.engine.library_shelf import LibraryShelf
from masquerade.engine.strategy import choose_strategy, frames_under_way
from masquerade.models.library import Library
from masquerade.models.opening import close_models
from masquerade.pipeline.scheduler import Scheduler
from masquerade.runtime.budget import process_budget
from masquerade.testing.networks.functional import fill_library

MB, GB = 2**20, 2**30
MONA_LISA = Path(__file__).parents[1] / "media" / "mona_lisa.jpg"
EXECUTION = Execution(providers=("cpu",), threads=1, options={"cpu": {"library": "onnxruntime"}})
WISH = Settings(
    label="none",
    model="inswapper_128",
    enhancer=("gpen_bfr_2048",),
    enhance_frame="real_esrgan_x2",
    refresh="every",
)
PUBLISHED = {
    "inswapper_128": {"fp32": 529 * MB},
    "gpen_bfr_256": {"fp32": 76 * MB},
    "gpen_bfr_2048": {"fp32": 290 * MB},
    "real_esrgan_x2": {"fp32": 64 * MB},
}
"""Sizes of the published files; the stand-ins are smaller by far."""


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory) -> Iterator[Library]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASQUERADE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("MASQUERADE_MODELS", raising=False)
        library = Library()
        fill_library(library, PUBLISHED)
        yield library
        close_models()


@pytest.fixture(scope="module")
def donor() -> Identity:
    return Identity.from_photos(MONA_LISA)


class OneFrame:
    """A film of one empty frame."""

    def __init__(self, size_wh: tuple[int, int]) -> None:
        self.info = SourceInfo(size_wh, 1, Fraction(25), None)

    def __iter__(self) -> Iterator[Frame]:
        width, height = self.info.size_wh
        return iter([Frame(np.full((height, width, 3), 90, np.uint8))])


class Nowhere:
    """A sink that keeps nothing."""

    def write(self, frame: Frame) -> None: ...

    def commit(self) -> None: ...

    def abort(self) -> None: ...


@pytest.mark.parametrize(
    ("free_gb", "frames", "enhancer", "tile"),
    [(2, 4, "gpen_bfr_256", 128), (8, 4, "gpen_bfr_2048", 512), (24, 6, "gpen_bfr_2048", 1024)],
)
def test_an_engine_adapts_to_the_memory_that_is_free(
    donor, monkeypatch, free_gb, frames, enhancer, tile
):
    """S23a: 2, 8 and 24 GB mean other queues, tiles and models."""

    def published(_shelf: LibraryShelf, name: str) -> Mapping[str, int]:
        return PUBLISHED[name]

    monkeypatch.setattr(LibraryShelf, "sizes", published)
    monkeypatch.setattr(process_budget(), "_available", lambda: free_gb * GB)
    alive = []
    monkeypatch.setattr(
        "masquerade.engine.engine.Scheduler",
        lambda frames_alive: alive.append(frames_alive) or Scheduler(frames_alive=frames_alive),
    )
    with Engine(donor, WISH, execution=EXECUTION) as engine:
        report = engine.run(OneFrame((1920, 1080)), Nowhere(), allow_no_face=True)
    names = [text.split(" (")[0] for text in report.models]
    assert names == ["inswapper_128", enhancer, "real_esrgan_x2"]
    assert alive == [frames]
    assert report.strategy == (
        f"{frames} frames under way, real_esrgan_x2 on tiles of {tile} pixels, "
        f"inswapper_128 and {enhancer}"
    )
    said = "To fit into memory, gpen_bfr_256 enhances instead of gpen_bfr_2048."
    assert (said in report.warnings) == (free_gb == 2)


def test_a_tile_that_was_asked_for_is_taken_and_only_lowered_where_it_has_to_be(library):
    def tile(free_gb: float) -> int:
        wish = Settings(enhance_frame="real_esrgan_x2", tile=1600)
        found = choose_strategy(wish, EXECUTION, LibraryShelf(library), round(free_gb * GB))
        return found.steps[0].settings.tile

    assert [tile(free) for free in (16, 4, 1, 0.2)] == [1600, 800, 400, 128]


def test_networks_leave_memory_for_the_frames(library):
    wish, shelf = WISH.replace(model="mesh"), LibraryShelf(library)
    small = choose_strategy(wish, EXECUTION, shelf, 2 * GB + 700 * MB, (640, 480))
    large = choose_strategy(wish, EXECUTION, shelf, 2 * GB + 700 * MB, (15360, 8640))
    assert small.steps[0].settings.enhancer == ("gpen_bfr_2048",)
    assert large.steps[0].settings.enhancer == ("gpen_bfr_256",)


@pytest.mark.parametrize("size_wh", [(640, 480), (1280, 720), (1920, 1080), (3840, 2160)])
def test_frames_under_way_never_pile_up(size_wh):
    counts = [frames_under_way(size_wh, round(free * GB)) for free in (0.25, 1, 2, 8, 24, 256)]
    assert counts == sorted(counts)
    assert counts[0] >= 2
    assert counts[-1] <= 8
