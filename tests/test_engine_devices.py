"""One engine on two devices: the processor taken twice, since no others are here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from masquerade import Engine, Execution, Identity, Settings
from masquerade.models.library import Library
from masquerade.models.opening import close_models
from masquerade.runtime import loader
from masquerade.runtime.provider_options import ProviderSetup
from masquerade.runtime.session import Session
from masquerade.testing.networks.functional import fill_library

skimage_data = pytest.importorskip("skimage.data")

MONA_LISA = Path(__file__).parent / "media" / "mona_lisa.jpg"
ONE = Execution(providers=("cpu",), threads=1, options={"cpu": {"library": "onnxruntime"}})
TWO = replace(ONE, device_ids=(0, 1))
FRAMES = "masquerade-frames"
WISH = Settings(label="none", model="inswapper_128", many_faces=True)


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory) -> Iterator[Library]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASQUERADE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("MASQUERADE_MODELS", raising=False)
        library = Library()
        fill_library(library, ["inswapper_128", "gpen_bfr_256"])
        yield library
        close_models()


@pytest.fixture(scope="module")
def donor() -> Identity:
    return Identity.from_photos(MONA_LISA)


@pytest.fixture(scope="module")
def couple() -> np.ndarray:
    """Two people side by side."""
    person = skimage_data.astronaut()[:360, 60:400, ::-1]
    return np.ascontiguousarray(np.hstack([person, person[:, ::-1]]))


def test_the_faces_of_a_frame_are_made_on_both_and_are_the_same(donor, couple, monkeypatch):
    with Engine(donor, WISH, execution=ONE) as engine:
        expected, report = engine.swap_picture(couple)
    assert report.faces_swapped == 2

    monkeypatch.setattr(loader, "has_numbers", lambda *_: True)
    numbered = property(lambda setup: f"cpu:{setup.device_id}")
    monkeypatch.setattr(ProviderSetup, "device", numbered)
    close_models()
    seen: set[tuple[str, int]] = set()
    both, run = threading.Barrier(2), Session.run

    def watched(session: Session, feeds):
        name = threading.current_thread().name
        if "source" in feeds and name.startswith(FRAMES):  # no trial while loading
            both.wait(10)  # breaks unless both faces are under way
            seen.add((name, id(session)))
        return run(session, feeds)

    monkeypatch.setattr(Session, "run", watched)
    with Engine(donor, WISH, execution=TWO) as engine:
        shown, report = engine.swap_picture(couple)
    assert report.faces_swapped == 2
    names, sessions = zip(*seen, strict=True)
    assert len(set(names)) == 2
    assert len(set(sessions)) == 2
    np.testing.assert_array_equal(shown, expected)
    assert not set(names) & {thread.name for thread in threading.enumerate()}, "they have ended"


def test_an_enhancer_on_a_device_of_its_own_makes_the_same_faces(donor, couple, monkeypatch):
    wish = WISH.replace(enhancer=("gpen_bfr_256",))
    with Engine(donor, wish, execution=ONE) as engine:
        expected, _ = engine.swap_picture(couple)

    numbered = property(lambda setup: f"cpu:{setup.device_id}")
    monkeypatch.setattr(ProviderSetup, "device", numbered)
    close_models()
    at: dict[str, set[tuple[int, str]]] = {}
    run = Session.run

    def watched(session: Session, feeds):
        name = threading.current_thread().name
        if name.startswith(FRAMES):
            at.setdefault(session.inputs[0], set()).add((session.setup.device_id, name))
        return run(session, feeds)

    monkeypatch.setattr(Session, "run", watched)
    by_role = replace(ONE, devices_of={"enhancer": (1,)})
    with Engine(donor, wish, execution=by_role) as engine:
        shown, report = engine.swap_picture(couple)
    assert report.faces_swapped == 2
    devices = {name: {device for device, _ in runs} for name, runs in at.items()}
    assert devices == {"target": {0}, "input": {1}, "input.1": {0}}, "swapper, enhancer, embedder"
    np.testing.assert_array_equal(shown, expected)
