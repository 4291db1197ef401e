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
    names = ("inswapper_128", "hyperswap_1a_256", "gpen_bfr_256", "det_10g")
    fill_library(Library(), [*names, "2dfan4", "xseg_1", "xseg_2"])
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


def test_landmarker_maskers_and_masks_are_chosen_by_words(run, mona, astronaut, networks):
    words = ("swap", "-s", mona, "-t", astronaut, "--consent", "public-domain", *CPU, "--json")
    hyper = ("--model", "hyperswap_1a_256")
    pictures, models = {}, {}
    for name, more in {
        "plain": (),
        "cut": ("--landmarker", "2dfan4"),
        "unconfined": ("--mask", "box", "--mask", "mesh"),
        "joined": ("--mask", "occlusion", "--masker", "xseg_1", "--masker", "xseg_2"),
    }.items():
        done = run(*words, "-o", f"{name}.png", *hyper, *more)
        assert done.code == 0, done.err
        report = done.json["files"][0]["report"]
        models[name] = [text.split()[0] for text in report["models"][1:]]
        with Image.open(f"{name}.png") as picture:
            pictures[name] = picture.tobytes()
    assert models == {
        "plain": [],
        "cut": ["2dfan4"],
        "unconfined": [],
        "joined": ["xseg_1", "xseg_2"],
    }
    assert len(set(pictures.values())) == 4


def test_a_masker_without_its_mask_is_said(run, mona, astronaut, networks):
    done = run(
        *("swap", "-s", mona, "-t", astronaut, "-o", "out.png", "--consent", "public-domain"),
        *("--model", "inswapper_128", "--masker", "xseg_1", *CPU, "--json"),
    )
    assert done.code == 0, done.err
    (said,) = [text for text in done.json["files"][0]["report"]["warnings"] if "xseg_1" in text]
    assert said == "xseg_1 is not used: it tells the mask occlusion; add `--mask occlusion`."


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
