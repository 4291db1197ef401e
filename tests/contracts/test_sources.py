"""One contract for everything that gives frames."""

from __future__ import annotations

from fractions import Fraction

import pytest

from masquerade.media.open import open_sink, open_source
from masquerade.testing import (
    Actor,
    MemorySource,
    PuppetSource,
    Scene,
    Turn,
    assert_source_contract,
)

SIZE_WH = (98, 66)


def puppet(**changes):
    scenes = [Scene(seconds=0.4), Scene(actors=(Actor(turns=(Turn(0, 0.3, 40),)),), seconds=0.3)]
    return PuppetSource(scenes, size_wh=SIZE_WH, **changes)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Makes a file of a kind once; the puppet plays in it."""
    folder = tmp_path_factory.mktemp("films")

    def make(suffix):
        path = folder / f"film{suffix}"
        if not path.exists():
            with puppet() as source:
                sink = open_sink(path, source)
                for frame in source:
                    sink.write(frame)
                sink.commit()
        return path

    return make


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".gif", ".webp", ".png"])
def test_files(suffix, film):
    path = film(suffix)
    assert_source_contract(lambda: open_source(path))


@pytest.mark.parametrize("rate", [10, Fraction(30000, 1001)])
def test_puppets(rate):
    assert_source_contract(lambda: puppet(rate=rate, noise=3))


def test_memory():
    pictures = [frame.pixels for frame in puppet()]
    assert_source_contract(lambda: MemorySource(pictures))
