"""Engines that enhance whole pictures: stills and films, never live; the label comes last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from masquerade import Engine, Execution, Identity, Settings
from masquerade.core.errors import MemoryBudgetError, SettingsError
from masquerade.core.frame import Frame
from masquerade.core.protocols import SourceInfo
from masquerade.models.library import Library
from masquerade.models.opening import close_models
from masquerade.runtime.idle import IdleNetwork
from masquerade.testing.networks.functional import fill_library

skimage_data = pytest.importorskip("skimage.data")

MONA_LISA = Path(__file__).parent / "media" / "mona_lisa.jpg"
EXECUTION = Execution(providers=("cpu",), threads=1, options={"cpu": {"library": "onnxruntime"}})
PLAIN = Settings(label="none", enhancer_blend=1.0)
WISH = PLAIN.replace(enhance_frame="real_esrgan_x2", tile=128)


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory) -> Iterator[Library]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASQUERADE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("MASQUERADE_MODELS", raising=False)
        library = Library()
        fill_library(library, ["real_esrgan_x2", "gpen_bfr_256"])
        yield library
        close_models()


@pytest.fixture(scope="module")
def donor() -> Identity:
    return Identity.from_photos(MONA_LISA)


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return np.ascontiguousarray(skimage_data.astronaut()[..., ::-1])


def sharpened(picture: np.ndarray) -> np.ndarray:
    """What the stand-in does to a picture, in float64."""
    values = picture.astype(np.float64)
    mean = cv2.blur(values, (3, 3), borderType=cv2.BORDER_REPLICATE)
    return np.clip(2 * values - mean, 0, 255)


def test_a_still_is_enhanced_as_a_whole_and_keeps_its_size(donor, astronaut):
    with Engine(donor, PLAIN, execution=EXECUTION) as plain:
        swapped, _ = plain.swap_picture(astronaut)
    with Engine(donor, WISH, execution=EXECUTION) as engine:
        shown, report = engine.swap_picture(astronaut)
    assert shown.shape == astronaut.shape
    assert report.faces_swapped == 1
    assert report.models == ("real_esrgan_x2 (fp32, cpu)",)
    off = np.abs(shown - sharpened(swapped))
    assert np.median(off) <= 0.51
    # Edges of tiles are padded by the network: there alone a fade of two tiles may differ.
    assert (off > 1.5).mean() < 0.01
    assert off.mean() < 0.6


def test_the_label_is_drawn_on_the_enhanced_picture(donor, astronaut):
    labelled = WISH.replace(label="small")
    with Engine(donor, labelled, execution=EXECUTION) as engine:
        shown, _ = engine.swap_picture(astronaut)
        names = [stage.name for part in engine._line(still=True).sections for stage in part.stages]
    late = [name for name in names if name in ("strict", "enhance_frame", "conceal", "disclose")]
    assert late == ["strict", "enhance_frame", "conceal", "disclose"]
    assert names[-1] == "disclose"
    with Engine(donor, WISH, execution=EXECUTION) as engine:
        bare, _ = engine.swap_picture(astronaut)
    changed = (shown != bare).any(axis=2)
    assert 0 < changed.mean() < 0.1  # the label, and nothing else, is different


def film(picture: np.ndarray, count: int) -> object:
    class Film:
        info = SourceInfo((picture.shape[1], picture.shape[0]), count, Fraction(25), None)

        def __iter__(self) -> Iterator[Frame]:
            return (Frame(picture.copy(), seq, 40 * seq) for seq in range(count))

    return Film()


class Kept:
    """A sink that keeps its frames."""

    def __init__(self) -> None:
        self.frames: list[np.ndarray] = []

    def write(self, frame: Frame) -> None:
        self.frames.append(frame.pixels.copy())

    def commit(self) -> None: ...

    def abort(self) -> None: ...


def test_all_frames_of_a_film_are_enhanced_those_without_a_face_too(donor):
    empty = np.random.default_rng(0).integers(60, 190, (120, 200, 3), np.uint8)
    kept = Kept()
    with Engine(donor, WISH, execution=EXECUTION) as engine:
        report = engine.run(film(empty, 3), kept, allow_no_face=True)
    assert len(kept.frames) == 3
    for shown in kept.frames:
        assert np.median(np.abs(shown - sharpened(empty))) <= 0.51
    assert "real_esrgan_x2 on tiles of 128 pixels" in report.strategy
    assert "enhance_frame" in report.timings_ms


def test_a_device_that_runs_out_of_memory_is_fed_smaller_tiles_then_none(
    donor, astronaut, monkeypatch
):
    run, most = IdleNetwork.run, [160]

    def limited(network, feeds):
        if max(value.shape[3] for value in feeds.values()) > most[0]:
            raise MemoryBudgetError("There was not enough memory (made up); close programs.")
        return run(network, feeds)

    monkeypatch.setattr(IdleNetwork, "run", limited)
    with Engine(donor, WISH.replace(tile=512), execution=EXECUTION) as engine:
        _, report = engine.swap_picture(astronaut)
        assert [text for text in report.warnings if "tiles" in text] == [
            "To fit into memory, pictures are enhanced in tiles of 256 pixels instead of 512.",
            "To fit into memory, pictures are enhanced in tiles of 128 pixels instead of 256.",
        ]
        assert report.models == ("real_esrgan_x2 (fp32, cpu)",)
        most[0] = 1
        shown, report = engine.swap_picture(astronaut)
        assert report.warnings[-1] == "To fit into memory, real_esrgan_x2 is left out."
        assert report.models == ()
    with Engine(donor, PLAIN, execution=EXECUTION) as plain:
        np.testing.assert_array_equal(shown, plain.swap_picture(astronaut)[0])


def test_a_live_stream_leaves_it_out_and_says_so(donor):
    with Engine(donor, WISH, execution=EXECUTION) as engine:
        line = engine.live_line((320, 240), warm_up=False)
        assert "enhance_frame" not in [s.name for part in line.sections for s in part.stages]
        assert engine.notices == (
            "Live pictures are not enhanced as a whole: real_esrgan_x2 rests.",
        )
        assert engine.models == ()


def test_only_an_upscaler_enhances_whole_pictures(donor):
    with pytest.raises(SettingsError, match="kind enhancer, not upscaler"):
        Engine(donor, PLAIN.replace(enhance_frame="gpen_bfr_256"), execution=EXECUTION)


def test_the_memory_limit_holds_for_tiles(donor, astronaut):
    from masquerade.runtime.memory import resident_bytes

    limit = resident_bytes() + 230 * 2**20
    execution = replace(EXECUTION, max_memory_bytes=limit)
    with Engine(donor, WISH.replace(tile=2048), execution=execution) as engine:
        _, report = engine.swap_picture(astronaut)
    assert any("in tiles of" in text for text in report.warnings)
