"""swap, live and faces with brought networks, and what they say where one is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from masquerade.models.library import Library
from masquerade.models.opening import close_models
from masquerade.testing.networks.functional import fill_library

CPU = ("--execution-provider", "cpu", "--execution-threads", 1)


@pytest.fixture
def networks():
    """Stand-ins in the home of the test; the folder is the autouse fixture's."""
    fill_library(Library(), ["inswapper_128", "gpen_bfr_256", "det_10g"])
    yield
    close_models()


@pytest.mark.parametrize(
    "words",
    [
        ["swap", "-t", "{target}", "-o", "out.png"],
        ["live", "-c", "{target}", "--sink", "null"],
    ],
)
def test_a_missing_model_is_said_before_anybody_is_asked_for_consent(run, mona, astronaut, words):
    words = [word.format(target=astronaut) for word in words]
    done = run(words[0], "-s", mona, *words[1:], "--model", "inswapper_128")
    assert done.code == 8
    (line,) = done.err.splitlines()
    assert line.startswith("masquerade: The model inswapper_128 is not installed")
    assert "masquerade models pull inswapper_128" in line


def test_a_typing_mistake_in_a_models_name_is_met_with_what_comes_near(run, mona, astronaut):
    done = run("swap", "-s", mona, "-t", astronaut, "-o", "o.png", "--model", "inswaper_128")
    assert done.code == 8
    assert "Did you mean inswapper_128" in done.err


def test_a_picture_is_swapped_by_networks_and_its_file_names_them(run, mona, astronaut, networks):
    done = run(
        *("swap", "-s", mona, "-t", astronaut, "-o", "out.png", "--consent", "public-domain"),
        *("--model", "inswapper_128", "--enhancer", "gpen_bfr_256", *CPU, "--json"),
    )
    assert done.code == 0, done.err
    report = done.json["files"][0]["report"]
    assert [name.split()[0] for name in report["models"]] == ["inswapper_128", "gpen_bfr_256"]
    with Image.open("out.png") as picture:
        assert picture.info["models"].startswith("inswapper_128 (")
        assert b"Masquerade with inswapper_128" in Path("out.png").read_bytes()


def test_a_video_is_swapped_by_networks(run, mona, clip, networks):
    done = run(
        *("swap", "-s", mona, "-t", clip, "-o", "out.mp4", "--consent", "public-domain"),
        *("--model", "inswapper_128", "--refresh", "10", *CPU, "--trim-end", "0.4", "--json"),
    )
    assert done.code == 0, done.err
    report = done.json["files"][0]["report"]
    assert report["frames"] >= 10
    assert report["faces_swapped"] == report["frames"]
    assert report["faces_concealed"] == 0


def test_a_stream_is_swapped_by_networks(run, mona, clip, networks):
    done = run(
        *("live", "-s", mona, "-c", clip, "--sink", "null", "--duration", 2, "--loop"),
        *("--consent", "public-domain", "--model", "inswapper_128", *CPU, "--json"),
    )
    assert done.code == 0, done.err
    assert done.json["frames"] > 5
    assert done.json["models"] == ["inswapper_128 (fp32, cpu)"]
    assert done.json["faces_swapped"] > 0
    assert done.json["faces_passed"] == 0


def test_faces_are_found_with_a_brought_detector(run, mona, astronaut, networks):
    done = run("faces", astronaut, "--detector", "det_10g", *CPU, "--json")
    assert done.code == 0, done.err
    assert done.json["faces"]
    done = run("faces", mona, "--detector", "yunet_2023_mar")
    assert done.code == 8
    assert "masquerade models pull yunet_2023_mar" in done.err
