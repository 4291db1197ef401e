from functools import cache

import numpy as np
import pytest
from calibration_faces import faces

from masquerade.core.errors import ModelError
from masquerade.geometry.templates import align, warp_crop
from masquerade.models.calibration import SwapperParts, calibration_feeds, output_span
from masquerade.models.catalogue import catalogue, find_spec
from masquerade.runtime.graph_facts import facts_of
from masquerade.runtime.session import Session
from masquerade.testing.networks.functional import draw_functional

SEEING = [name for name, spec in catalogue().items() if spec.size]


@cache
def drawn(name):
    return draw_functional(name)


class AnyFace:
    def embed(self, pixels_bgr, kps):
        return np.resize(pixels_bgr[::64, ::64].astype(np.float32).ravel(), 512)

    def close(self):
        pass


class AsItIs:
    def convert(self, embedding):
        return embedding


def feeds_of(name, count, people=3, seed=0):
    model = drawn(name)
    facts = facts_of(model, 0)
    parts = SwapperParts(AnyFace(), AsItIs(), np.eye(512, dtype=np.float32))
    made = calibration_feeds(
        find_spec(name), facts.inputs, facts.outputs, faces(people), count, parts=parts, seed=seed
    )
    return model, made


@pytest.mark.parametrize("name", SEEING)
def test_every_model_that_sees_pictures_takes_the_feeds_that_are_made_for_it(name):
    model, made = feeds_of(name, 2)
    session = Session(model.SerializeToString(), threads=1)
    types = {port.name: port.dtype for port in session.input_ports}
    for feed in made:
        assert set(feed) == set(session.inputs)
        assert all(values.dtype == np.float32 for values in feed.values())
        session.run({key: values.astype(types[key]) for key, values in feed.items()})
    assert any(np.abs(made[0][key] - made[1][key]).max() > 1e-3 for key in made[0])


def test_the_first_round_shows_the_faces_as_the_swapper_will_see_them():
    spec, people = find_spec("inswapper_128"), faces(3)
    _, made = feeds_of("inswapper_128", 3)
    for face, feed in zip(people, made, strict=True):
        crop = warp_crop(face.pixels, align(face.kps, spec.template, 128), 128)
        expected = crop[..., ::-1].transpose(2, 0, 1)[None] / np.float32(255)
        np.testing.assert_allclose(feed["target"], expected, atol=1e-6)
        assert np.linalg.norm(feed["source"]) == pytest.approx(1, abs=1e-4)


def test_further_rounds_vary_the_faces_and_pair_them_with_other_donors():
    _, made = feeds_of("inswapper_128", 9)
    targets = [feed["target"] for feed in made]
    pairs = [(a, b) for a in range(9) for b in range(a)]
    assert min(np.abs(targets[a] - targets[b]).mean() for a, b in pairs) > 0.01
    donors = {tuple(np.round(made[i]["source"].ravel()[:8], 5)) for i in (0, 3, 6)}
    assert len(donors) == 3
    again = feeds_of("inswapper_128", 9)[1]
    assert all((a["target"] == b["target"]).all() for a, b in zip(made, again, strict=True))
    other = feeds_of("inswapper_128", 3, seed=1)[1]
    assert np.abs(other[0]["target"] - made[0]["target"]).mean() > 0.005


def test_enhancers_see_sharp_and_soft_faces():
    _, made = feeds_of("gfpgan_1.4", 2, people=1)
    detail = [np.abs(np.diff(feed["input"], axis=-1)).mean() for feed in made]
    assert all(feed["input"].min() >= -1.001 and feed["input"].max() <= 1.001 for feed in made)
    assert detail[0] != pytest.approx(detail[1], rel=1e-3)


def test_it_says_what_it_needs():
    facts = facts_of(drawn("gfpgan_1.4"), 0)
    with pytest.raises(ModelError, match="Give pictures"):
        calibration_feeds(find_spec("gfpgan_1.4"), facts.inputs, facts.outputs, [], 1)
    small = next(spec for spec in catalogue().values() if spec.role == "converter")
    facts = facts_of(drawn(small.name), 0)
    with pytest.raises(ModelError, match="sees no pictures"):
        calibration_feeds(small, facts.inputs, facts.outputs, faces(1), 1)


def test_white_is_as_far_from_black_as_the_normalisation_says():
    assert output_span(find_spec("inswapper_128")) == 1
    assert output_span(find_spec("gfpgan_1.4")) == 2
    assert output_span(find_spec("w600k_r50")) is None
