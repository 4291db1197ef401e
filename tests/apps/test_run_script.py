"""run.py at the root: Deep-Live-Cam's command lines, translated and run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from shlex import split

import pytest
from PIL import Image

from masquerade import __version__
from masquerade.apps.deep_live_cam import translate
from masquerade.apps.parser import build_parser
from masquerade.core.errors import SettingsError

ROOT = Path(__file__).parents[2]
NOTHING: tuple[str, ...] = ()
ALL = ("inswapper_128", "gfpgan_1024", "gpen_256_upscalers", "gpen_512_upscalers")


def words(line: str, installed=ALL) -> list[str]:
    found = translate(line.split(), installed)
    build_parser().parse_args(list(found.words))  # masquerade understands every one of them
    return list(found.words)


def notices(line: str, installed=ALL) -> str:
    return "\n".join(translate(line.split(), installed).notices)


def test_the_command_line_of_the_brief():
    line = (
        "--max-memory 8 --execution-provider cuda --execution-threads 4 -s a.jpg -t b.mp4 -o c.mp4"
    )
    assert words(line) == [
        *split("swap -s a.jpg -t b.mp4 -o c.mp4 --overwrite --model inswapper_128"),
        *split("--execution-provider cuda --execution-threads 4 --max-memory 8"),
    ]
    assert notices(line) == ""


def test_several_providers_are_handed_on_and_one_that_is_missing_is_an_error(tmp_path):
    found = words("-s a.jpg -t b.jpg -o c.jpg --execution-provider cuda cpu --allow-fallback")
    assert found[found.index("--execution-provider") + 1] == "cuda,cpu"
    assert found[-1] == "--allow-fallback"
    photo = ROOT / "tests/media/mona_lisa.jpg"
    line = f"-s '{photo}' -t '{photo}' -o out.png --execution-provider cuda cpu"
    done = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *split(line)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"MASQUERADE_HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 8, done.stderr
    assert "leave it out" in done.stderr
    assert "--allow-fallback" in done.stderr


def test_without_a_target_the_camera_is_swapped_in_a_window():
    assert words("-s a.jpg --live-mirror --many-faces") == [
        *split("live -s a.jpg --mirror --many-faces --model inswapper_128")
    ]
    assert words("-s a.jpg --camera 2 --headless")[:7] == split(
        "live -s a.jpg --camera 2 --sink null"
    )


def test_enhancers_are_those_of_the_frame_processors():
    line = "-s a.jpg -t b.jpg -o c.jpg --frame-processor face_swapper face_enhancer"
    line += " face_enhancer_gpen256 face_enhancer_gpen512"
    found = words(line)
    chosen = [found[i + 1] for i, word in enumerate(found) if word == "--enhancer"]
    assert chosen == ["gfpgan_1024", "gpen_256_upscalers", "gpen_512_upscalers"]


def test_what_is_not_installed_is_left_out_and_said_with_the_command_that_brings_it():
    line = "-s a.jpg -t b.jpg -o c.jpg --frame-processor face_swapper face_enhancer"
    found = words(line, NOTHING)
    assert "--model" not in found
    assert "--enhancer" not in found
    text = notices(line, NOTHING)
    assert "built-in mesh swapper draws the face" in text
    assert "masquerade models pull inswapper_128" in text
    assert "masquerade models pull gfpgan_1024" in text


def test_masquerades_own_options_are_handed_on():
    line = "-s a.jpg -t b.jpg -o c.jpg --model mesh --consent self --label none"
    assert words(line)[-6:] == split("--model mesh --consent self --label none")
    assert "inswapper" not in notices(line, NOTHING)


@pytest.mark.parametrize(("theirs", "ours"), [(0, 100), (18, 65), (51, 0)])
def test_quality_counts_the_other_way_round(theirs, ours):
    found = words(f"-s a.jpg -t b.mp4 -o c.mp4 --video-quality {theirs} --video-encoder libx264")
    assert found[found.index("--video-quality") + 1] == str(ours)
    assert found[found.index("--video-encoder") + 1] == "libx264"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--keep-frames", "--keep-frames has no meaning here"),
        ("--nsfw-filter", "--nsfw-filter has no meaning here: the content check is on"),
        ("--map-faces", "here `--map FILE.toml` says who replaces whom"),
        ("--lang de", "masquerade speaks English"),
        ("--live-mirror", "--live-mirror has no meaning with -t"),
        ("--execution-provider rocm", "migraphx is asked for instead of rocm"),
    ],
)
def test_what_has_no_meaning_is_said_in_a_sentence(option, said):
    line = f"-s a.jpg -t b.mp4 -o c.mp4 {option}"
    words(line)
    assert said in notices(line)
    assert len(translate(line.split(), ALL).notices) == 1


@pytest.mark.parametrize(
    "option", ["--keep-fps", "--keep-audio", "--live-resizable", "--mouth-mask", "--many-faces"]
)
def test_what_is_done_anyway_is_taken_in_silence(option):
    line = f"-s a.jpg -t b.mp4 -o c.mp4 {option}"
    words(line)
    assert notices(line) == ""


def test_older_options_still_work():
    found = words("-f a.jpg -t b.mp4 -o c.mp4 --gpu-vendor nvidia --gpu-threads 8")
    assert found[1:3] == ["-s", "a.jpg"]
    assert found[found.index("--execution-provider") + 1] == "cuda"
    assert found[found.index("--execution-threads") + 1] == "8"


def test_no_output_means_beside_the_target():
    found = words("-s a.jpg -t films/b.mp4")
    assert found[found.index("-o") + 1] == str(Path("films/b-swapped.mp4"))
    assert "the result goes to" in notices("-s a.jpg -t films/b.mp4")


def test_enhancing_alone_is_refused():
    with pytest.raises(SettingsError, match="add face_swapper"):
        words("-s a.jpg -t b.mp4 -o c.mp4 --frame-processor face_enhancer")


# The script itself


def run_script(*words: object, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MASQUERADE_HOME": str(home)}
    environment.pop("PYTHONPATH", None)
    return subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment,
    )


def test_a_picture_is_swapped_from_a_checkout(mona, astronaut, workplace, tmp_path):
    done = run_script(
        *split("--max-memory 8 --execution-provider cpu --execution-threads 1"),
        *("-s", mona, "-t", astronaut, "-o", "out.png"),
        *split("--frame-processor face_swapper face_enhancer --keep-fps --consent public-domain"),
        home=tmp_path / "home",
    )
    assert done.returncode == 0, done.stderr
    assert "inswapper_128 is not installed" in done.stderr
    assert "gfpgan_1024 is not installed" in done.stderr
    assert "1 face swapped" in done.stdout
    with Image.open("out.png") as out, Image.open(astronaut) as target:
        assert out.size == target.size
        assert out.tobytes() != target.tobytes()


def test_mistakes_are_one_sentence_and_an_exit_code(tmp_path):
    done = run_script("--frame-processor", "face_enhancer", "-t", "a.jpg", home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("masquerade: Masquerade enhances faces that it has swapped")
    assert len(done.stderr.splitlines()) == 1
    done = run_script("-v", home=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"masquerade {__version__} (run.py)\n")
