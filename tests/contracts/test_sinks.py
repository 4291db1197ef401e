"""One contract for everything that takes frames."""

from __future__ import annotations

import pytest

from masquerade.media.open import open_sink
from masquerade.testing import MemorySink, PuppetSource, Scene, assert_sink_contract


@pytest.fixture(scope="module")
def source():
    return PuppetSource([Scene(seconds=0.4)], size_wh=(98, 66))


@pytest.fixture(scope="module")
def frames(source):
    return list(source)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".gif", ".webp", ".png"])
def test_files(suffix, source, frames, tmp_path):
    path = tmp_path / f"out{suffix}"
    assert_sink_contract(lambda: open_sink(path, source), frames, lambda: any(tmp_path.iterdir()))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_memory(frames):
    made = []

    def make():
        made.append(MemorySink())
        return made[-1]

    assert_sink_contract(make, frames, lambda: any(sink.frames for sink in made))
