"""A whole swap next to the insightface package's own INSwapper, with the same file."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from masquerade.geometry.templates import TEMPLATES, align, warp_crop
from masquerade.stages.finished_face import FinishedFace
from masquerade.stages.network_patch import to_patch
from masquerade.stages.overlay import blend

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from recorded import open_swapper, portrait

inswapper = pytest.importorskip("insightface.model_zoo.inswapper", reason="a dev dependency")


class Face:
    """What INSwapper reads of a face."""

    def __init__(self, kps=None, embedding=None):
        self.kps = kps
        if embedding is not None:
            self.normed_embedding = embedding / np.linalg.norm(embedding)


@pytest.fixture
def both(tmp_path):
    ours = open_swapper("inswapper_128", tmp_path)
    theirs = inswapper.INSwapper(str(ours.network.path), session=ours.network)
    return ours, theirs


@pytest.fixture(autouse=True)
def _as_a_session(monkeypatch):
    """Let INSwapper run on our recording network, which has ports in place of inputs."""
    import recorded

    network = recorded.RecordedNetwork
    monkeypatch.setattr(
        network, "get_inputs", lambda self: self.session.get_inputs(), raising=False
    )
    monkeypatch.setattr(
        network, "get_outputs", lambda self: self.session.get_outputs(), raising=False
    )
    plain = network.run

    def run(self, first, feeds=None):
        return plain(self, first if feeds is None else feeds)

    monkeypatch.setattr(network, "run", run)


def _frame() -> np.ndarray:
    """Smooth, so that linear and cubic sampling agree."""
    noise = np.random.default_rng(11).integers(30, 226, (9, 12, 3), np.uint8)
    return cv2.resize(noise, (640, 480), interpolation=cv2.INTER_CUBIC)


KPS = [
    TEMPLATES["arcface_128"] * 140 + (230, 150),
    TEMPLATES["arcface_128"] * 220 @ np.array([[0.97, 0.24], [-0.24, 0.97]]) + (200, 120),
    TEMPLATES["arcface_128"] * 180 + (-40, 200) + np.arange(10).reshape(5, 2) % 3,
]


@pytest.mark.parametrize("kps", KPS, ids=["upright", "turned", "cut by the frame"])
def test_crop_latent_output_and_picture_agree(both, kps):
    ours, theirs = both
    frame, donor = _frame(), portrait(2)
    kps = kps.astype(np.float32)
    code = ours.encode([donor])
    expected, theirs_matrix = theirs.get(frame, Face(kps), Face(None, code.embedding), False)
    their_feeds = ours.network.feeds[-1]

    matrix = align(kps, "arcface_128", 128)
    np.testing.assert_allclose(matrix, theirs_matrix, rtol=1e-6, atol=1e-4)
    crop = warp_crop(frame, matrix, 128)
    their_blob = their_feeds["target"][0].transpose(1, 2, 0)[..., ::-1]
    their_crop = np.rint(their_blob * 255).astype(np.uint8)
    # Its template is single precision: a sample in a hundred falls on the other grey level.
    assert cv2.absdiff(crop, their_crop).max() <= 1
    assert (crop != their_crop).mean() < 0.01

    face = ours.swap(their_crop[None], [code])[0]
    our_feeds = ours.network.feeds[-1]
    assert our_feeds.keys() == their_feeds.keys()
    for name, fed in our_feeds.items():
        np.testing.assert_allclose(fed, their_feeds[name], atol=1e-6)
    # INSwapper cuts where we round.
    assert np.abs(face.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("kps", KPS[:2], ids=["upright", "turned"])
def test_pasted_back_it_is_the_same_picture(both, kps):
    ours, theirs = both
    frame, donor = _frame(), portrait(2)
    kps = kps.astype(np.float32)
    code = ours.encode([donor])
    expected = theirs.get(frame.copy(), Face(kps), Face(None, code.embedding), True)

    matrix = align(kps, "arcface_128", 128)
    target = warp_crop(frame, matrix, 128)
    face = ours.swap(target[None], [code])[0]
    mask = np.full((128, 128), 255, np.uint8)
    patch = to_patch(FinishedFace(face, target, mask, matrix), frame, 0)
    result = frame.copy()
    blend(result, patch)

    # Their mask is 1 well inside the crop and 0 outside of it; the soft rim is their own.
    inside = cv2.warpAffine(mask, cv2.invertAffineTransform(matrix), (640, 480))
    margin = int(np.sqrt((inside == 255).sum()) / 4)
    inner = cv2.erode((inside == 255).astype(np.uint8), np.ones((margin, margin)))
    outer = cv2.dilate((inside > 0).astype(np.uint8), np.ones((5, 5)))
    difference = np.abs(result.astype(int) - expected).max(axis=2)
    assert inner.sum() > 3000
    # Theirs is cut to whole numbers twice, one level darker by that, and sampled linearly; ours is
    # rounded and sampled cubically.
    assert difference[inner == 1].max() <= 3
    brighter = (result.astype(int) - expected)[inner == 1]
    assert 0 < brighter.mean() < 1
    assert brighter.std() < 0.8
    assert difference[outer == 0].max() == 0
    assert np.abs(result.astype(int) - frame)[inner == 1].mean() > 5
