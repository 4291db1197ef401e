"""What swap signs and inspect says of it, through the real command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from masquerade.trust.metadata import DIGITAL_SOURCE_TYPE

PICTURES = (".jpg", ".png", ".webp", ".tiff", ".gif", ".avif")
VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".gif", ".webp", ".apng")


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_tells_its_origin(run, swap, astronaut, kind):
    swap(astronaut, f"out{kind}")
    found = run("inspect", f"out{kind}", "--json")
    assert found.code == 0, found.err
    _check(found.json)
    words = run("inspect", f"out{kind}")
    assert "intact, and signed by somebody known here" in words.out
    assert "opened the target; edited it: faces were replaced" in words.out
    assert "public domain, said on " in words.out
    assert "c2pa." not in words.out


@pytest.mark.parametrize("kind", VIDEOS)
def test_a_video_tells_its_origin(run, swap, short, kind):
    swap(short, f"out{kind}")
    found = run("inspect", f"out{kind}", "--json")
    assert found.code == 0, found.err
    _check(found.json)
    beside = Path(f"out{kind}.credentials.json")
    assert beside.exists() == (kind in (".mkv", ".webm"))
    assert found.json["carrier"] == ("sidecar" if beside.exists() else "file")


def _check(found: dict) -> None:
    assert found["state"] == "trusted"
    assert found["latest"]["source_type"] == DIGITAL_SOURCE_TYPE
    assert found["latest"]["actions"] == ["c2pa.opened", "c2pa.edited"]
    assert found["latest"]["descriptions"] == ["", "faces were replaced"]
    said = found["statements"]
    assert said["label"] == {"style": "small"}
    assert said["consent"]["bases"] == ["public-domain"]
    report = said["report"]
    assert report["figures"]["faces_swapped"] > 0
    assert report["settings"]["model"] == "mesh"
    assert {model["name"] for model in report["models"]} >= {"detector", "landmarks"}
    assert all(re.fullmatch("[0-9a-f]{64}", model["sha256"]) for model in report["models"])
    assert "numpy" in report["software"]
    text = json.dumps(found["statements"])
    assert "mona" not in text.lower()
    assert str(Path.cwd()) not in text


def test_exit_codes_of_inspect(run, swap, astronaut, monkeypatch, tmp_path):
    swap(astronaut, "out.png")
    assert run("inspect", astronaut).code == 21
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "elsewhere"))
    assert run("inspect", "out.png").code == 20
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "home"))
    data = bytearray(Path("out.png").read_bytes())
    data[-2000] ^= 1
    Path("out.png").write_bytes(data)
    broken = run("inspect", "out.png", "--json")
    assert (broken.code, broken.json["ok"], broken.json["state"]) == (22, False, "altered")
    assert run("inspect", "missing.png").code == 3
    assert run("inspect", ".").code == 3


def test_a_second_swap_keeps_the_first(run, swap, astronaut):
    swap(astronaut, "once.jpg")
    swap("once.jpg", "twice.png", "--label", "none")
    found = run("inspect", "twice.png", "--json").json
    assert found["statements"]["label"] == {"style": "none"}
    assert len(found["earlier"]) == 1
    (before,) = [line for line in run("inspect", "twice.png").out.splitlines() if "before" in line]
    assert "edited it: faces were replaced; by Masquerade" in before


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_of_framed_faces_says_that_nothing_was_replaced(run, astronaut, kind):
    assert run("faces", astronaut, "-o", f"boxes{kind}").code == 0
    found = run("inspect", f"boxes{kind}", "--json")
    assert (found.code, found.json["state"]) == (0, "trusted")
    assert found.json["latest"]["actions"] == ["c2pa.opened", "c2pa.drawing"]
    assert found.json["latest"]["source_type"] == ""
    assert found.json["statements"]["faces"] == {"described": 1, "replaced": 0}
    assert not found.json["mark"]["found"]
    written = Path(f"boxes{kind}").read_bytes()
    assert b"none was replaced" in written
    assert b"compositeWith" not in written
    words = run("inspect", f"boxes{kind}").out
    assert "drew on it: faces were framed and described; none was replaced" in words
    entry = found.json["statements"]["audit"]["entry"]
    assert entry in [line["hash"] for line in run("audit", "show", "--json").json["entries"]]


def test_a_picture_of_framed_faces_keeps_what_was_said_before(run, swap, astronaut):
    swap(astronaut, "swapped.png")
    assert run("faces", "swapped.png", "-o", "boxes.png").code == 0
    (earlier,) = run("inspect", "boxes.png", "--json").json["earlier"]
    assert earlier["source_type"] == DIGITAL_SOURCE_TYPE
    assert run("rerun", "boxes.png", "-o", "again.png").code == 3


def test_an_output_and_its_line_in_the_log_name_the_same_mark(run, swap, astronaut):
    swap(astronaut, "out.png")
    said = run("inspect", "out.png", "--json").json["statements"]
    (line,) = [
        one
        for one in run("audit", "show", "--json").json["entries"]
        if one["hash"] == said["audit"]["entry"]
    ]
    assert line["facts"]["watermark"] == said["watermark"]
    assert f"watermark: invisible, number {said['watermark']['number']}" in run("audit", "show").out


def test_a_home_that_cannot_keep_an_identity_is_told(run, mona, astronaut, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "signing").write_text("in the way")
    done = run("swap", "-s", mona, "-t", astronaut, "-o", "b.png", "--consent", "self")
    assert done.code == 6
    assert "MASQUERADE_HOME" in done.err
    assert not Path("b.png").exists()
