"""How large an input may be, by option: each refuses and names itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from masquerade.apps.limit_arguments import limits_from
from masquerade.apps.parser import build_parser
from masquerade.media.limits import MediaLimits

SWAP = ["swap", "-s", "me.jpg", "-t", "film.mp4", "-o", "out.mp4"]
REFUSED = 3


@pytest.fixture
def moving(astronaut, workplace) -> Path:
    """An animation of three pictures."""
    pictures = [Image.open(astronaut).convert("RGB").rotate(turn) for turn in (0, 1, 2)]
    pictures[0].save("moving.webp", save_all=True, append_images=pictures[1:])
    return Path("moving.webp")


def test_without_options_the_limits_are_the_usual_ones():
    for words in (
        SWAP,
        ["live", "-s", "me.jpg"],
        ["faces", "film.mp4"],
        ["identity", "make", "a.jpg", "-o", "a.mqid"],
        ["rerun", "report.json", "-o", "out.mp4"],
    ):
        assert limits_from(build_parser().parse_args(words)) == MediaLimits()


def test_every_limit_has_an_option():
    words = [
        "--max-pixels", "4", "--max-animation-pixels", "5", "--max-seconds", "1:30",
        "--max-frames", "6",
    ]  # fmt: skip
    limits = MediaLimits(max_pixels=4, max_animation_pixels=5, max_seconds=90, max_frames=6)
    assert limits_from(build_parser().parse_args([*SWAP, *words])) == limits


@pytest.mark.parametrize(
    ("option", "low"), [("--max-seconds", "0.2"), ("--max-frames", "4"), ("--max-pixels", "100")]
)
def test_a_film_that_is_too_much(run, swap, short, option, low):
    done = swap(short, "out.mp4", option, low, code=REFUSED)
    assert f"raise {option}" in done.err
    assert not Path("out.mp4").exists()
    faces = run("faces", short, option, low)
    assert (faces.code, f"raise {option}" in faces.err) == (REFUSED, True)


def test_a_report_is_run_within_the_limits_of_whoever_runs_it(run, swap, short):
    swap(short, "out.mp4", "--report", "out.json")
    refused = run("rerun", "out.json", "-o", "again.mp4", "--max-frames", "4")
    assert (refused.code, "raise --max-frames" in refused.err) == (REFUSED, True)
    assert run("rerun", "out.json", "-o", "again.mp4", "--max-frames", "8").code == 0


@pytest.mark.parametrize("output", ["out.gif", "out.mp4"])
def test_an_animation_that_is_too_much(swap, moving, output):
    option = "--max-animation-pixels"
    done = swap(moving, output, option, "500000", code=REFUSED)
    assert f"raise {option}" in done.err
    assert not Path(output).exists()


def test_a_film_that_becomes_too_large_an_animation(swap, short):
    option = "--max-animation-pixels"
    done = swap(short, "out.gif", option, "100000", code=REFUSED)
    assert f"raise {option}" in done.err
    assert not Path("out.gif").exists()
    swap(short, "out.gif", option, "50000000")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--max-seconds", "soon"], "'soon' is not a time"),
        (["--max-frames", "0"], "'0' is not a whole number from 1"),
        (["--max-frames", "many"], "'many' is not a whole number"),
    ],
)
def test_mistakes(run, workplace, words, message):
    done = run(*SWAP, *words)
    assert (done.code, message in done.err) == (2, True)
