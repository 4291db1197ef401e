"""demo, faces, identity, encoders, doctor."""

from __future__ import annotations

import pytest
from PIL import Image

from masquerade.media.file import VideoSource


def test_demo_writes_a_film_and_a_sheet(run):
    done = run("demo", "-o", "demo", "--json")
    assert done.code == 0, done.err
    with VideoSource(done.json["film"]) as film:
        assert film.info.frame_count == done.json["report"]["frames"]
    assert done.json["report"]["faces_concealed"] == 0
    sheet = Image.open(done.json["sheet"])
    assert sheet.width > sheet.height > 300
    again = run("demo", "-o", "demo")
    assert (again.code, "--overwrite" in again.err) == (6, True)


def test_faces_of_a_picture(run, two_people):
    done = run("faces", two_people, "-o", "faces.png", "--json")
    assert done.code == 0, done.err
    found = sorted(done.json["faces"], key=lambda face: face["box"][0])
    assert len(found) == 2
    for face, (x, y) in zip(found, ((220, 220), (780, 240)), strict=True):
        x0, y0, x1, y1 = face["box"]
        assert x0 < x < x1
        assert y0 < y < y1
        assert 0 <= face["quality"] <= 1
        assert 10 < face["age"] < 80
    assert found[0]["gender"] == "female"
    assert Image.open("faces.png").size == Image.open(two_people).size


def test_faces_of_a_video_have_times(run, clip):
    done = run("faces", clip, "--json")
    assert done.code == 0, done.err
    (face,) = [face for face in done.json["faces"] if face["frames"] > 60]
    assert face["first_s"] == 0
    assert face["last_s"] > 3
    assert "0:00-0:0" in done.err


def test_no_faces(run, nobody, workplace):
    done = run("faces", nobody, "-o", "faces.png")
    assert (done.code, done.err.count("\n")) == (5, 1)
    assert not list(workplace.iterdir())


def test_an_identity_is_made_shown_and_used(run, mona, astronaut):
    done = run("identity", "make", mona, "-o", "lisa.mqid", "--json")
    assert done.code == 0, done.err
    assert done.json["name"] == "lisa"
    shown = run("identity", "show", "lisa.mqid", "--json")
    assert shown.json["fingerprint"] == done.json["fingerprint"]
    words = ("-s", "lisa.mqid", "-t", astronaut, "-o", "out.png", "--consent", "public-domain")
    assert run("swap", *words).code == 0


def test_advice_has_reasons(run, mona):
    Image.open(mona).resize((120, 180)).save("small.jpg")
    done = run("identity", "make", "small.jpg", "-o", "small.mqid")
    assert done.code == 0, done.err
    assert "px high" in done.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("make", "none.jpg", "-o", "x.mqid"), 3),
        (("make", "{mona}", "-o", "x.png"), 6),
        (("make", "{mona}", "-o", "nowhere/x.mqid"), 6),
        (("show", "{mona}"), 3),
        (("show", "none.mqid"), 3),
    ],
)
def test_identity_mistakes(run, mona, workplace, words, code):
    done = run("identity", *(word.format(mona=mona) for word in words))
    assert (done.code, done.err.count("\n")) == (code, 1)
    assert not list(workplace.iterdir())


def test_encoders_are_those_that_work(run):
    done = run("encoders", "--json")
    assert {"libx264", "libx265", "libvpx-vp9", "libsvtav1"} <= set(done.json["encoders"])
    assert not set(done.json["encoders"]) & set(done.json["missing"])
