"""The small networks one item at a time, as devices take them; here the device is a processor."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from masquerade.engine.brought import BroughtNetworks
from masquerade.engine.networks import shared_networks
from masquerade.geometry.roi import Roi
from masquerade.media.puppet import Portrait
from masquerade.models.embedder import Embedder
from masquerade.models.landmarker import Landmarker

DEVICE = "cpu:0"


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    return Portrait.bundled("astronaut")


def test_landmarks_of_several_windows_are_those_of_one_run(portrait: Portrait) -> None:
    whole = Roi.from_landmarks(portrait.landmarks)
    rois = [whole] * 5
    apart, together = (item.locate_many(portrait.pixels, rois) for item in pair(Landmarker))
    for one, other in zip(apart, together, strict=True):
        np.testing.assert_allclose(one.points, other.points, atol=0.02)
        assert one.presence == pytest.approx(other.presence, abs=1e-4)


def test_looks_of_several_faces_are_those_of_one_run(portrait: Portrait) -> None:
    meshes = [portrait.landmarks, portrait.landmarks + np.float32(3)]
    apart, together = (item.describe(portrait.pixels, meshes) for item in pair(Embedder))
    for one, other in zip(apart, together, strict=True):
        assert float(one.embedding_unit @ other.embedding_unit) > 0.9999
        assert one.age == pytest.approx(other.age, abs=0.01)
    assert apart[0].embedding_unit @ apart[1].embedding_unit < 0.99999, "two faces, not one twice"


@pytest.mark.parametrize(
    ("devices", "expected"),
    [({"cuda:0"}, "cuda:0"), ({"cuda:1", "cuda:2"}, "cuda:1"), ({"cpu"}, ""), ({"webgpu:0"}, "")],
)
def test_they_go_where_the_network_that_draws_is(devices: set[str], expected: str) -> None:
    swapper = SimpleNamespace(network=SimpleNamespace(devices=frozenset(devices)))
    networks = BroughtNetworks(lowered=None, swapper=swapper)  # type: ignore[arg-type]
    assert networks.device == expected
    assert BroughtNetworks(lowered=None).device == ""  # type: ignore[arg-type]


def test_each_setting_has_networks_of_its_own() -> None:
    assert shared_networks(1) is shared_networks(1)
    assert shared_networks(1, DEVICE) is not shared_networks(1)


def pair(kind):
    return kind(1, DEVICE), kind(1)
