from __future__ import annotations

import importlib
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from masquerade.core.errors import SettingsError
from masquerade.core.face import Face
from masquerade.core.frame import Frame, FrameJob
from masquerade.pipeline.line import Line
from masquerade.stages.disclose import Disclose
from masquerade.stages.effects import GROUP, Effect, Effects, effect_names, load_effect
from masquerade.trust.badge import make_badge

PLUGIN = Path(__file__).parents[2] / "examples" / "effect_plugin"

FOREIGN = """
import numpy as np

class Red:
    def apply(self, frame_bgr, faces):
        frame_bgr[:, :, 2] = 255
        return frame_bgr

class Breaks:
    calls = 0
    def apply(self, frame_bgr, faces):
        Breaks.calls += 1
        frame_bgr[:] = 0
        raise ZeroDivisionError("out of sparkles")

class Shrinks:
    def apply(self, frame_bgr, faces):
        return frame_bgr[::2]

class Remembers:
    streams = 0
    def reset(self):
        Remembers.streams += 1
    def apply(self, frame_bgr, faces):
        return frame_bgr

class NoEffect:
    pass

def refuses():
    raise OSError("no licence key")
"""
POINTS = {
    "red": "foreign_effects:Red",
    "breaks": "foreign_effects:Breaks",
    "shrinks": "foreign_effects:Shrinks",
    "remembers": "foreign_effects:Remembers",
    "no-effect": "foreign_effects:NoEffect",
    "refuses": "foreign_effects:refuses",
    "gone": "foreign_effects:Nothing",
}


def _install(folder: Path, name: str, points: dict[str, str]) -> None:
    """What an installer leaves of a package's entry points."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{key} = {value}" for key, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines]) + "\n")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    (tmp_path / "foreign_effects.py").write_text(FOREIGN)
    _install(tmp_path, "foreign_effects", POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("foreign_effects", None)


def _job(seed: int = 0) -> FrameJob:
    pixels = np.random.default_rng(seed).integers(0, 200, (48, 64, 3), np.uint8)
    return FrameJob(Frame(pixels), [Face(np.array([8, 8, 30, 40], np.float32), 0.9)])


@pytest.fixture
def example(tmp_path, monkeypatch):
    """The example plug-in, installed as its own pyproject.toml says."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    _install(tmp_path, "masquerade_vignette", project["entry-points"][GROUP])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(PLUGIN / "src")
    importlib.invalidate_caches()
    yield
    sys.modules.pop("masquerade_vignette", None)


def test_the_example_is_found_by_its_entry_point_and_draws(example):
    assert "vignette" in effect_names()
    effect = load_effect("vignette")
    assert isinstance(effect, Effect)
    job = _job()
    Effects(["vignette"]).process(job)
    assert job.failures == []
    change = job.frame.pixels.astype(int) - job.output
    face, corner = change[8:40, 8:30], change[-6:, -6:]
    assert change.min() >= 0
    assert corner.mean() > 3 * max(face.mean(), 1)


def test_the_label_stays_on_top_of_an_effect(installed):
    frame = np.full((720, 1280, 3), 90, np.uint8)
    badge = make_badge("small")

    def finished(*effects):
        line = Line(
            [list(effects)], finish=[Disclose(badge)], concealment=_Nothing(), give_up_after=1
        )
        return line.process(FrameJob(Frame(frame.copy()))).output

    red = np.full_like(frame, 90)
    red[..., 2] = 255
    shown = finished(Effects(["red"]))
    place = badge.places((1280, 720))[0]
    label = (slice(place[1], place[3]), slice(place[0], place[2]))
    assert (shown[label] != red[label]).any()
    bare = finished()
    assert (bare[label] != 90).any()


class _Nothing:
    name = "conceal"

    def process(self, job):
        return job

    def reset(self):
        pass


def test_several_draw_in_the_order_of_their_names(installed, example):
    job = _job()
    Effects(["vignette", "red"]).process(job)
    assert (job.output[..., 2] == 255).all()
    job = _job()
    Effects(["red", "vignette"]).process(job)
    assert not (job.output[..., 2] == 255).all()


def test_no_effect_copies_nothing():
    job = _job()
    Effects([]).process(job)
    assert job.output is job.frame.pixels


def test_the_frame_itself_is_never_drawn_on(installed):
    job = _job()
    before = job.frame.pixels.copy()
    Effects(["red"]).process(job)
    assert np.array_equal(job.frame.pixels, before)


@pytest.mark.parametrize("name", ["breaks", "shrinks"])
def test_a_failing_effect_is_said_once_and_left_out(installed, name):
    stage, jobs = Effects([name, "red"]), [_job(), _job(1)]
    for job in jobs:
        stage.process(job)
    (failure,) = jobs[0].failures
    assert name in failure.reason
    assert "left out" in failure.reason
    assert jobs[1].failures == []
    for job in jobs:
        assert not job.lost, "the swap goes on"
        assert np.array_equal(job.output[..., :2], job.frame.pixels[..., :2]), "nothing half drawn"
        assert (job.output[..., 2] == 255).all(), "the others still draw"


def test_a_failing_effect_is_tried_again_once_it_is_asked_for_anew(installed):
    stage = Effects(["breaks"])
    stage.process(_job())
    module = sys.modules["foreign_effects"]
    calls = module.Breaks.calls
    stage.process(_job())
    assert module.Breaks.calls == calls
    stage.configure(Effects.prepare(["breaks"]))
    stage.process(_job())
    assert module.Breaks.calls == calls + 1


def test_an_effect_hears_of_a_new_stream(installed):
    stage = Effects(["remembers", "red"])
    stage.reset()
    assert sys.modules["foreign_effects"].Remembers.streams == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unheard-of", "install its package"),
        ("no-effect", "no method `apply`"),
        ("refuses", "no licence key"),
        ("gone", "cannot be loaded"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_one_sentence(installed, name, words):
    with pytest.raises(SettingsError, match=words) as caught:
        Effects([name])
    assert str(caught.value).endswith(".") or str(caught.value).endswith(").")


def test_two_packages_with_one_name_are_told_apart_by_nobody(installed, tmp_path):
    _install(tmp_path, "second", {"red": "foreign_effects:Breaks"})
    importlib.invalidate_caches()
    with pytest.raises(SettingsError, match="Two packages"):
        load_effect("red")
