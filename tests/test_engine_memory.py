"""What engines give up for want of memory: in order, said aloud, and the swap goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from masquerade import Engine, Execution, Identity, Settings
from masquerade.core.errors import MemoryBudgetError
from masquerade.core.frame import Frame
from masquerade.core.protocols import SourceInfo
from masquerade.models.library import Library
from masquerade.models.opening import close_models
from masquerade.runtime.budget import process_budget
from masquerade.runtime.idle import IdleNetwork
from masquerade.runtime.memory import resident_bytes
from masquerade.testing.networks.functional import fill_library

skimage_data = pytest.importorskip("skimage.data")

MONA_LISA = Path(__file__).parent / "media" / "mona_lisa.jpg"
EXECUTION = Execution(providers=("cpu",), threads=1, options={"cpu": {"library": "onnxruntime"}})
WISH = Settings(label="none", model="inswapper_128", enhancer=("gpen_bfr_2048",), refresh="every")
SMALLER = "To fit into memory, gpen_bfr_256 enhances instead of gpen_bfr_2048."
WITHOUT = "To fit into memory, gpen_bfr_256 is left out."


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory) -> Iterator[Library]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASQUERADE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("MASQUERADE_MODELS", raising=False)
        library = Library()
        fill_library(library, ["inswapper_128", "gpen_bfr_2048", "gpen_bfr_256"])
        yield library
        close_models()


@pytest.fixture(scope="module")
def donor() -> Identity:
    return Identity.from_photos(MONA_LISA)


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return np.ascontiguousarray(skimage_data.astronaut()[..., ::-1])


class Device:
    """Networks of these models run out of memory; counts how often."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *sizes: int) -> None:
        self.failures = 0
        run = IdleNetwork.run

        def limited(network: IdleNetwork, feeds):
            side = max((value.shape[3] for value in feeds.values() if value.ndim == 4), default=0)
            if side in sizes:
                self.failures += 1
                raise MemoryBudgetError("There was not enough memory (made up); close programs.")
            return run(network, feeds)

        monkeypatch.setattr(IdleNetwork, "run", limited)


def test_an_enhancer_that_cannot_fit_gives_way_to_a_smaller_one(donor, astronaut):
    limit = resident_bytes() + 500 * 2**20
    with Engine(donor, WISH, execution=replace(EXECUTION, max_memory_bytes=limit)) as engine:
        _, report = engine.swap_picture(astronaut)
        assert engine.settings == WISH  # what was asked for is remembered as it was
    assert report.faces_swapped == 1
    assert SMALLER in report.warnings
    assert [name.split()[0] for name in report.models] == ["inswapper_128", "gpen_bfr_256"]
    assert process_budget().limit_bytes is None


def test_what_cannot_fit_at_all_is_an_error_that_names_the_limit(donor, astronaut):
    close_models()  # of the tests before
    limit = resident_bytes() + 2**20
    execution = replace(EXECUTION, max_memory_bytes=limit)
    with (
        Engine(donor, WISH, execution=execution) as engine,
        pytest.raises(MemoryBudgetError, match="--max-memory"),
    ):
        engine.swap_picture(astronaut)
    assert process_budget().limit_bytes is None


def test_a_device_that_runs_out_of_memory_is_given_less_and_the_face_is_made_again(
    donor, astronaut, monkeypatch
):
    device = Device(monkeypatch, 2048)
    with Engine(donor, WISH, execution=EXECUTION) as engine:
        shown, report = engine.swap_picture(astronaut)
        again, _ = engine.swap_picture(astronaut)
        assert engine.notices[-1] == SMALLER
    assert report.faces_swapped == 1
    assert report.faces_concealed == 0
    assert SMALLER in report.warnings
    assert device.failures == 1
    np.testing.assert_array_equal(shown, again)


def test_it_goes_down_step_by_step_and_ends_in_an_error_of_one_sentence(
    donor, astronaut, monkeypatch
):
    device = Device(monkeypatch, 2048, 256)
    with Engine(donor, WISH, execution=EXECUTION) as engine:
        _, report = engine.swap_picture(astronaut)
        assert [text for text in report.warnings if "fit" in text] == [SMALLER, WITHOUT]
        assert device.failures == 2
    Device(monkeypatch, 128)
    with (
        Engine(donor, WISH.replace(enhancer=()), execution=EXECUTION) as engine,
        pytest.raises(MemoryBudgetError, match="nothing is left to be lowered"),
    ):
        engine.swap_picture(astronaut)


def test_two_lines_of_an_engine_share_what_was_lowered(donor, astronaut, monkeypatch):
    device = Device(monkeypatch, 2048)
    with Engine(donor, WISH, execution=EXECUTION) as engine:
        engine.swap_picture(astronaut)
        engine.process(astronaut)
        assert [name.split()[0] for name in engine.models] == ["inswapper_128", "gpen_bfr_256"]
    assert device.failures == 1


class OneFrame:
    """A source of one large picture."""

    info = SourceInfo((7680, 4320), 1, Fraction(25), None)

    def __iter__(self):
        return iter([Frame(np.zeros((4320, 7680, 3), np.uint8))])


class Sink:
    state = "open"

    def write(self, frame: Frame) -> None: ...

    def commit(self) -> None:
        self.state = "committed"

    def abort(self) -> None:
        self.state = "aborted"


def test_frames_that_cannot_fit_are_refused_before_the_first_is_read(donor):
    sink = Sink()
    execution = Execution(max_memory_bytes=resident_bytes() + 300 * 2**20)
    with (
        Engine(donor, Settings(label="none"), execution=execution) as engine,
        pytest.raises(MemoryBudgetError, match="The queue of frames needs 506 MB"),
    ):
        engine.run(OneFrame(), sink)
    assert sink.state == "aborted"
    labels = [claim.label for claim in process_budget().report().claims]
    assert "The queue of frames" not in labels
