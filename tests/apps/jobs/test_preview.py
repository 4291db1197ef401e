"""Previews: the right frame, with the right face, the same that the finished job shows."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from talking_film import RATE

from masquerade import Engine, Settings
from masquerade.apps.jobs.faces import find_faces
from masquerade.apps.jobs.frames import frame_at
from masquerade.apps.jobs.preview import Previewer
from masquerade.core.errors import MissingInputError
from masquerade.media.image import read_image
from masquerade.media.open import open_source


@pytest.fixture(scope="module")
def frames(film):
    """The film's frames as the product reads them."""
    with open_source(film) as source:
        return [frame.pixels for frame in source]


@pytest.fixture
def previewer():
    with Previewer() as previewer:
        yield previewer


@pytest.mark.parametrize("index", [0, 1, 12, 13, 29, 30, 31, 60, 74])
def test_the_frame_of_a_moment_is_that_very_one(film, frames, index):
    # The film's key frames are 0, 30 and 60.
    begin, half = index / RATE, 0.5 / RATE
    assert np.array_equal(frame_at(film, begin), frames[index])
    assert np.array_equal(frame_at(film, begin + half), frames[index])
    if index:
        assert np.array_equal(frame_at(film, begin - half), frames[index - 1])


def test_before_the_first_and_after_the_last_frame(film, frames):
    assert np.array_equal(frame_at(film, -1.0), frames[0])
    assert np.array_equal(frame_at(film, 1e6), frames[-1])


def test_a_frame_that_stays_for_long_is_found_from_its_end(tmp_path, frames):
    """Two frames, the second 40 s after the first: the first is shown for 40 s."""
    import av

    path = tmp_path / "slides.mkv"
    with av.open(str(path), "w") as out:
        video = out.add_stream("ffv1", rate=1)
        video.width, video.height, video.pix_fmt = 176, 144, "yuv420p"
        for second, pixels in ((0, frames[0]), (40, frames[50])):
            frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            frame.pts, frame.time_base = second, Fraction(1)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    first, last = frame_at(path, 0), frame_at(path, 40)
    assert not np.array_equal(first, last)
    assert np.array_equal(frame_at(path, 39.9), first)
    assert np.array_equal(frame_at(path, 41), last)


def test_animations_and_pictures_have_moments_too(tmp_path, astronaut):
    shades = [Image.new("RGB", (32, 32), (value, 0, 0)) for value in (10, 100, 200)]
    path = tmp_path / "a.png"
    shades[0].save(path, save_all=True, append_images=shades[1:], duration=200)
    assert [frame_at(path, at)[0, 0, 2] for at in (0, 0.19, 0.2, 0.5, 9)] == [10, 10, 100, 200, 200]
    assert np.array_equal(frame_at(astronaut, 5), read_image(astronaut).pixels)
    with pytest.raises(MissingInputError):
        frame_at(tmp_path / "none.mp4", 0)


def test_a_preview_is_what_the_finished_job_shows(film, frames, mona, previewer):
    """Before encoding. One frame for itself knows no history, so it is alike, not equal."""
    settings = Settings(label="small")
    with Engine(mona, settings) as engine:
        finished = [engine.process(pixels, 40 * n) for n, pixels in enumerate(frames)]
        identities = engine.identities
    for index in (0, 20, 50, 74):
        shown = previewer.swapped(
            film, index / RATE, "key", lambda: Engine(dict(identities), settings)
        )
        wanted, original = finished[index].astype(int), frames[index].astype(int)
        drawn = np.abs(wanted - original).max(2) > 0
        effect = np.abs(wanted - original)[drawn].mean()
        off = np.abs(shown - wanted)[drawn].mean()
        assert off < 0.5 * effect, f"frame {index}: {off:.1f} of {effect:.1f}"
        assert np.abs(shown - wanted)[~drawn].mean() < 0.5
    assert np.array_equal(
        previewer.swapped(film, 0.0, "key", lambda: pytest.fail("kept")),
        previewer.swapped(film, 0.0, "key", lambda: pytest.fail("kept")),
    )


def test_a_picture_s_preview_is_the_job_s_picture(astronaut, mona, previewer):
    with Engine(mona) as engine:
        wanted, _report = engine.swap_picture(read_image(astronaut).pixels)
    assert np.array_equal(previewer.swapped(astronaut, 0, "key", lambda: Engine(mona)), wanted)


def test_where_nobody_is_the_frame_stays_as_it_is(nobody, mona, previewer):
    shown = previewer.swapped(nobody, 0, "key", lambda: Engine(mona))
    assert np.array_equal(shown, previewer.original(nobody, 0))


def test_engines_are_kept_while_they_are_used_and_closed_then(astronaut, mona, previewer):
    made: dict[str, Engine] = {}

    def make(name: str) -> Engine:
        assert name not in made or made[name]._closed
        made[name] = Engine(mona)
        return made[name]

    for name in ("a", "b", "a", "c", "a"):
        previewer.swapped(astronaut, 0, name, lambda name=name: make(name))
    assert [name for name, engine in made.items() if engine._closed] == ["b"]
    previewer.close()
    assert all(engine._closed for engine in made.values())


def test_memory_is_given_back_while_nobody_asks(astronaut, mona):
    now, made = [0.0], []

    def make() -> Engine:
        made.append(Engine(mona))
        return made[-1]

    with Previewer(clock=lambda: now[0]) as previewer:
        previewer.swapped(astronaut, 0, "key", make)
        now[0] = 99.0
        previewer.rest(100.0)
        assert not made[0]._closed
        now[0] = 100.0
        previewer.rest(100.0)
        assert made[0]._closed
        previewer.swapped(astronaut, 0, "key", make)
        assert len(made) == 2


def test_faces_are_told_from_left_to_right_and_are_found_in_their_cuttings(two_people):
    pixels = read_image(two_people).pixels
    left, right = find_faces(pixels)
    assert left.box[2] < right.box[0]
    assert all(0 <= value <= 1 for face in (left, right) for value in face.box)
    assert left.gender == "female"
    assert 15 < left.age < 70
    for face in (left, right):
        assert len(find_faces(face.cutting)) == 1
    assert find_faces(np.zeros((64, 64, 3), np.uint8)) == []


def test_a_cutting_as_reference_picks_that_person(two_people, mona):
    pixels = read_image(two_people).pixels
    faces = find_faces(pixels)
    for number, face in enumerate(faces):
        with Engine({"mona": mona}, references={"mona": face.cutting}) as engine:
            swapped, report = engine.swap_picture(pixels)
        assert report.faces_swapped == 1
        changed = np.nonzero(np.abs(swapped.astype(int) - pixels).max((0, 2)) > 40)[0]
        middle = np.median(changed) / pixels.shape[1]
        assert face.box[0] < middle < face.box[2], f"face {number}"
