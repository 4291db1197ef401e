"""Jobs done again from their reports, honest and hostile ones, through the real command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from masquerade.apps.cli import main
from masquerade.media.image import read_image

MEDIA = Path(__file__).parents[1] / "media"


def test_a_picture_is_made_again_from_its_report(run, swap, astronaut, mona):
    swap(astronaut, "out.png", "--report", "out.json", "--shape", "0.3", "--sharpness", "0.5")
    again = run("rerun", "out.json", "-o", "again.png", "--json")
    assert again.code == 0, again.err
    one, other = (read_image(Path(name)).pixels for name in ("out.png", "again.png"))
    assert np.array_equal(one, other)
    told = run("rerun", "out.png", "-o", "third.png", "-s", mona, "-t", astronaut, "--json")
    assert told.json["same_pixels"] is True


def test_a_video_is_made_again_from_its_report(run, swap, short, mona):
    swap(short, "out.mkv", "--report", "out.json", "--video-quality", "70", "--no-audio")
    told = run("rerun", "out.mkv", "-o", "again.mkv", "-s", mona, "-t", short, "--json")
    assert told.code == 0, told.err
    assert told.json["same_pixels"] is True


def test_several_donors_are_made_again(run, two_people, mona, astronaut):
    entries = (
        f'[[person]]\ndonor = "{mona}"\ntrack = 0\n[[person]]\ndonor = "{astronaut}"\ntrack = 1\n'
    )
    Path("map.toml").write_text(entries)
    given = ("-t", two_people, "-o", "out.png", "--consent", "public-domain", "--many-faces")
    done = run("swap", "--map", "map.toml", *given, "--report", "out.json")
    assert done.code == 0, done.err
    again = run("rerun", "out.json", "-o", "again.png")
    assert again.code == 0, again.err
    one, other = (read_image(Path(name)).pixels for name in ("out.png", "again.png"))
    assert np.array_equal(one, other)


@pytest.fixture(scope="module")
def known(tmp_path_factory) -> Iterator[tuple[Path, Path]]:
    """A report of a small picture, and the home of whoever made it."""
    folder = tmp_path_factory.mktemp("known")
    Image.fromarray(skimage.data.astronaut()[:256, 96:352]).save(folder / "target.png")
    home = folder / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASQUERADE_HOME", str(home))
        words = ("swap", "-s", MEDIA / "mona_lisa.jpg", "-t", folder / "target.png")
        said = ("--consent", "public-domain", "--report", folder / "out.json", "-q")
        assert main([str(word) for word in (*words, "-o", folder / "out.png", *said)]) == 0
    yield folder / "out.json", home


@pytest.fixture
def report(known, monkeypatch) -> dict:
    monkeypatch.setenv("MASQUERADE_HOME", str(known[1]))
    return json.loads(known[0].read_text())


def _changed(report: dict, path: str, value: object) -> str:
    *way, last = path.split(".")
    place = report
    for key in way:
        place = place[int(key)] if key.isdigit() else place[key]
    place[last] = value
    Path("hostile.json").write_text(json.dumps(report))
    return "hostile.json"


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("settings.label", "none", 2),
        ("settings.watermark", False, 2),
        ("settings.shape", 7, 2),
        ("settings.shape", "0.5", 2),
        ("settings.more", 1, 2),
        ("settings.model", "../../etc/passwd", 2),
        ("settings.model", "no_such_model", 8),
        ("settings.effect", ["no-such-effect"], 2),
        ("execution.providers", ["nonsense"], 2),
        ("execution.device_ids", "x", 2),
        ("execution.threads", 10**9, 2),
        ("execution.devices_of", [1], 2),
        ("job.target.path", "/etc/hostname", 3),
        ("job.target.path", "/dev/zero", 3),
        ("job.target.path", "missing.png", 3),
        ("job.target.sha256", "0" * 64, 3),
        ("job.source_face", "--help", 2),
        ("job.source_face", -1, 2),
        ("job.allow_no_face", "yes", 2),
        ("job.video", {"encoder": 5}, 2),
        ("job.video", {"output": "/tmp/x"}, 2),
        ("job.video", {"encoder": "--output=/tmp/x"}, 0),
        ("models", [{"name": "no_such_model", "sha256": "0" * 64}], 8),
    ],
)
def test_a_hostile_report_is_refused_in_a_sentence(run, report, path, value, code):
    done = run("rerun", _changed(report, path, value), "-o", "again.png")
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    assert Path("again.png").exists() == (code == 0)
    assert not Path("/tmp/x").exists()


def test_a_report_cannot_load_libraries_or_choose_the_output(run, report):
    report["execution"]["options"] = {"tensorrt": {"trt_extra_plugin_lib_paths": "/tmp/evil.so"}}
    file = _changed(report, "output", "/tmp/x.png")
    assert run("rerun", file, "-o", "again.png").code == 0
    assert not Path("/tmp/x.png").exists()


def test_the_label_is_left_out_only_by_ones_own_word(run, swap, astronaut):
    swap(astronaut, "out.png", "--label", "none", "--report", "out.json")
    assert run("rerun", "out.json", "-o", "again.png").code == 2
    assert run("rerun", "out.json", "-o", "again.png", "--label", "none").code == 0
    swap(astronaut, "small.png", "--report", "small.json")
    assert run("rerun", "small.json", "-o", "b.png", "--label", "none").code == 2


def test_the_content_check_is_ones_own(run, report, monkeypatch):
    from masquerade.apps.commands import swap

    asked = []
    real = swap.run
    monkeypatch.setattr(
        swap, "run", lambda args, console: asked.append(args) or real(args, console)
    )
    report["settings"] |= {"content_check": False, "content_threshold": 0.99}
    done = run("rerun", _changed(report, "output", 0), "-o", "again.png")
    assert done.code == 0, done.err
    assert asked[0].content_check is None
    assert asked[0].content_threshold is None


def test_consent_is_asked_of_whoever_reruns(run, known):
    done = run("rerun", known[0], "-o", "again.png")
    assert done.code == 7


def test_an_altered_output_gives_no_report(run, swap, astronaut, mona):
    swap(astronaut, "out.png")
    data = bytearray(Path("out.png").read_bytes())
    data[-2000] ^= 1
    Path("out.png").write_bytes(data)
    for file in ("out.png", str(astronaut), "missing.json", "."):
        done = run("rerun", file, "-o", "again.png", "-s", mona, "-t", astronaut)
        assert done.code == 3
        assert done.err.count("\n") == 1


def test_a_report_is_no_output_and_replaces_nothing(run, swap, astronaut, mona):
    swap(astronaut, "out.png", "--report", "out.png", code=6)
    Path("there.json").write_text("mine")
    swap(astronaut, "out.png", "--report", "there.json", code=6)
    assert Path("there.json").read_text() == "mine"
    Path("many").mkdir()
    for name in ("a.png", "b.png"):
        Image.open(astronaut).save(Path("many") / name)
    done = run(
        "swap", "-s", mona, "-t", "many", "-o", "made", "--report", "reports", "--consent", "self"
    )
    assert done.code == 0, done.err
    assert {item.name for item in Path("reports").iterdir()} == {
        "a.png.report.json",
        "b.png.report.json",
    }
