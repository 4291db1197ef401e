"""Which networks tell a mask: those that are named, else the best that is installed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from masquerade.core.errors import ModelError
from masquerade.core.settings import Settings
from masquerade.engine.mask_networks import (
    chosen_maskers,
    idle_maskers,
    joined_maskers,
    network_masks,
)
from masquerade.models.catalogue import find_spec
from masquerade.models.maskers import JointMasker

BOTH = Settings(model="inswapper_128", mask=("box", "occlusion", "region"))


class Shelf:
    """A library in which these are installed."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def installed(self):
        return [SimpleNamespace(name=name) for name in self._names]

    def spec(self, name):
        return find_spec(name)


class Even:
    """A masker that says the same of every pixel."""

    def __init__(self, name: str, value: float, size: int = 256) -> None:
        self.spec, self.value, self.size = find_spec(name), value, size

    def raw(self, crop_bgr):
        return np.full(crop_bgr.shape[:2], self.value, np.float32)


ALL = Shelf("xseg_1", "xseg_2", "xseg_3", "bisenet_resnet_18", "bisenet_resnet_34", "occluder")


def test_masks_limit_a_networks_face_alone():
    assert network_masks(BOTH) == ("occlusion", "region")
    assert network_masks(BOTH.replace(model="mesh")) == ()
    assert list(chosen_maskers(BOTH.replace(model="mesh"), ALL)) == []


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [
        (ALL, ["xseg_3", "bisenet_resnet_34"]),
        (Shelf("occluder", "xseg_1", "bisenet_resnet_18"), ["xseg_1", "bisenet_resnet_18"]),
        (Shelf("xseg_dfl_roop"), ["xseg_dfl_roop"]),
        (Shelf("inswapper_128"), []),
    ],
)
def test_without_a_name_the_best_that_is_installed_is_taken(installed, chosen):
    assert list(chosen_maskers(BOTH, installed)) == chosen


def test_those_that_are_named_are_taken_and_for_the_other_kind_the_best():
    settings = BOTH.replace(masker=("xseg_1", "occluder", "xseg_1"))
    assert list(chosen_maskers(settings, ALL)) == ["xseg_1", "occluder", "bisenet_resnet_34"]
    settings = BOTH.replace(masker=("bisenet_resnet_18",))
    assert list(chosen_maskers(settings, ALL)) == ["xseg_3", "bisenet_resnet_18"]


def test_what_is_named_in_vain_is_said():
    settings = BOTH.replace(masker=("xseg_1", "bisenet_resnet_18"), mask=("occlusion",))
    (said,) = idle_maskers(settings, ALL)
    assert said.startswith("bisenet_resnet_18 is not used")
    assert "`--mask region`" in said
    assert len(list(idle_maskers(settings.replace(model="mesh"), ALL))) == 2
    assert not list(idle_maskers(BOTH.replace(masker=("xseg_1",)), ALL))


def test_those_of_a_kind_are_joined_and_the_least_counts():
    parts = Even("xseg_1", 0.9), Even("bisenet_resnet_18", 0.2, 512), Even("xseg_2", 0.7)
    front, regions = joined_maskers(parts)
    assert isinstance(front, JointMasker)
    assert regions is parts[1]
    crop = np.zeros((256, 256, 3), np.uint8)
    assert (front.mask(crop) == round((0.7 - 0.5) * 2 * 255)).all()
    assert joined_maskers(parts[:1]) == parts[:1]


def test_different_sizes_cannot_be_joined():
    with pytest.raises(ModelError, match="xseg_1 and xseg_2 look at crops of different sizes"):
        joined_maskers((Even("xseg_1", 1), Even("xseg_2", 1, 512)))
