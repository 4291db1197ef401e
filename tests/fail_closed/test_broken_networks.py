"""Networks that begin to give black pictures, or none at all: the real face is never shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import as_file

import numpy as np
import pytest

from masquerade import Engine, Execution, Identity, Settings
from masquerade.core.errors import ModelError
from masquerade.media.puppet import bundled_photo
from masquerade.models.library import Library
from masquerade.models.opening import close_models
from masquerade.runtime.idle import IdleNetwork
from masquerade.testing import Actor, PuppetSource, Rehearsal, Scene
from masquerade.testing.networks.functional import fill_library

EXECUTION = Execution(providers=("cpu",), threads=1, options={"cpu": {"library": "onnxruntime"}})
SETTINGS = Settings(label="none", model="inswapper_128", identity_weight=1.0)


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory) -> Iterator[Library]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASQUERADE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("MASQUERADE_MODELS", raising=False)
        library = Library()
        fill_library(library, ["inswapper_128"])
        yield library
        close_models()


@pytest.fixture(scope="module")
def donor() -> Identity:
    with as_file(bundled_photo("mona_lisa")) as photo:
        return Identity.from_photos(photo)


class Breaking:
    """Swappers that paint the whole face, and break for some of their runs.

    The stand-in alone lets the target shine through, so that a sound swap would count as a leak.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, value: float, first: int, last: int):
        self.runs = self.broken = 0
        run = IdleNetwork.run

        def breaking(network: IdleNetwork, feeds):
            results = run(network, feeds)
            if all(value.ndim != 4 or value.shape[3] != 128 for value in feeds.values()):
                return results
            self.runs += 1
            if network.precision != "fp32" or first <= self.runs <= last:
                self.broken += 1
                return [np.full_like(result, value) for result in results]
            ramp = np.linspace(0.3, 0.9, 128, dtype=np.float32)
            return [np.broadcast_to(ramp, result.shape).copy() for result in results]

        monkeypatch.setattr(IdleNetwork, "run", breaking)


def film(seconds: float = 3.0) -> PuppetSource:
    scene = Scene(actors=(Actor(portrait="astronaut"),), seconds=seconds)
    return PuppetSource([scene], size_wh=(320, 240), rate=8, noise=2.0)


@pytest.mark.parametrize("refresh", ["every", "2"])
@pytest.mark.parametrize("value", [np.nan, 0.0], ids=["nan", "black"])
def test_broken_pictures_are_hidden_and_the_swap_goes_on(donor, monkeypatch, refresh, value):
    breaking = Breaking(monkeypatch, value, 4, 8)
    blackest = []

    def witness(_target, output, truth):
        x0, y0 = truth.heads[0].landmarks[:, :2].min(axis=0).astype(int)
        x1, y1 = truth.heads[0].landmarks[:, :2].max(axis=0).astype(int)
        blackest.append(float(output[y0:y1, x0:x1].mean()))

    with Engine(donor, SETTINGS.replace(refresh=refresh), execution=EXECUTION) as engine:
        rehearsal = Rehearsal(film(), witness=witness)
        report = engine.run(rehearsal.source, rehearsal.sink)
    assert breaking.broken == 5
    counts = rehearsal.exposure
    assert counts.leaks == ()
    assert counts.concealed == counts.visible == 24
    assert min(blackest) > 30  # nothing black is shown either
    # A film's frame whose key frame fails holds the last good swap, and the next one tries again.
    assert (report.faces_swapped, report.faces_concealed) == (19, 5)
    assert any("which is not shown" in text for text in report.warnings)


def test_a_network_that_breaks_in_reduced_precision_is_loaded_in_full(donor, monkeypatch):
    reduced = replace(EXECUTION, precision="bf16", strict_precision=True, options={})
    settings = SETTINGS.replace(refresh="every")
    with Engine(donor, settings, execution=reduced) as engine:
        try:
            engine.load()
        except ModelError as error:
            pytest.skip(str(error))
        assert engine.models[0].startswith("inswapper_128 (bf16")
        breaking = Breaking(monkeypatch, np.nan, 0, 0)
        rehearsal = Rehearsal(film(1.5))
        report = engine.run(rehearsal.source, rehearsal.sink)
        assert engine.models[0].startswith("inswapper_128 (fp32")
    assert breaking.broken == 3
    assert rehearsal.exposure.leaks == ()
    assert (report.faces_swapped, report.faces_concealed) == (10, 2)
    assert any("so fp32 is used from now on" in text for text in report.warnings)
