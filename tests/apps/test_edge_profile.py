"""The profile for small processors, from a brought file to a swapped film, by the real commands.

The swapper is of the published kind with few channels, since its functional stand-in has
no convolution that eight bits could be made of.
"""

from __future__ import annotations

import pytest

from masquerade.models.library import Library
from masquerade.models.opening import close_models
from masquerade.testing.networks.full_swapper import draft_inswapper
from masquerade.testing.networks.functional import fill_library


@pytest.fixture
def brought(run, workplace):
    """A small swapper, imported by its command, and stand-ins of what it needs."""
    fill_library(Library(), ["w600k_r50"])
    file = workplace / "inswapper_128.onnx"
    file.write_bytes(draft_inswapper(wide=64, blocks=1, branch=0.1).SerializeToString())
    assert run("models", "import", file, "--as", "inswapper_128", "--accept-licence").code == 0
    yield
    close_models()


@pytest.fixture
def swap(run, mona, clip):
    def command(*words):
        return run(
            *("swap", "-s", mona, "-t", clip, "-o", "out.mp4", "--overwrite"),
            *("--consent", "public-domain", "--model", "inswapper_128", "--profile", "edge"),
            *("--trim-end", "0.5", "--json", *words),
        )

    return command


def test_what_the_profile_needs_is_named_and_then_used(run, mona, swap, brought):
    done = swap()
    assert (done.code, "masquerade models pull det_500m" in done.err) == (8, True)

    fill_library(Library(), ["det_500m"])
    done = swap()
    assert done.code == 0, done.err
    report = done.json["files"][0]["report"]
    assert [name.partition(",")[0] for name in report["models"]] == [
        "inswapper_128 (fp32",
        "det_500m (fp32",
    ]
    assert "masquerade models quantize inswapper_128 --precision int8" in done.err

    done = run("models", "quantize", "inswapper_128", "--precision", "int8", "--photos", mona)
    assert done.code == 0, done.err
    done = swap("--max-memory", "2")
    assert done.code == 0, done.err
    report = done.json["files"][0]["report"]
    assert [name.partition(",")[0] for name in report["models"]] == [
        "inswapper_128 (int8",
        "det_500m (fp32",
    ]
    assert report["faces_swapped"] == report["frames"] > 10
    assert "cannot be had" not in done.err


def test_any_option_overrides_the_profile(swap, brought):
    done = swap("--detector", "blaze", "--precision", "fp32")
    assert done.code == 0, done.err
    (model,) = done.json["files"][0]["report"]["models"]
    assert model.startswith("inswapper_128 (fp32")
    assert "quantize" not in done.err


def test_a_profile_that_is_not_there_is_met_with_those_that_are(swap):
    done = swap("--profile", "egde")
    assert (done.code, "machine, edge, none" in done.err.replace("'", "")) == (2, True)
