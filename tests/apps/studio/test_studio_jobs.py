"""Files through the studio: submitted, watched, fetched, removed."""

from __future__ import annotations

import shutil
import time

import numpy as np
import pytest
from studio_client import PATIENCE_S, client_at
from talking_film import RATE, make_film, packets, pictures_of

from masquerade.apps.studio.config import Limits
from masquerade.media.image import read_image

UNKNOWN = "f" * 20


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_film(tmp_path_factory.mktemp("films") / "film.mp4", 50)


@pytest.fixture
def studio(configure):
    with client_at(configure()) as client:
        yield client


def test_a_film_from_upload_to_download(studio, film, mona, tmp_path):
    target, donor = studio.upload(film), studio.donor(mona)
    with studio.events() as heard:
        (job,) = studio.submit([target], donor, settings={"shape": 0.5}, video={"quality": 90})
        studio.ask("DELETE", f"/uploads/{target}", 204)  # the job has what it needs
        done = studio.wait_for(f"/jobs/{job}", "done", "failed")
        assert done["state"] == "done", done
        told = [heard.get(timeout=PATIENCE_S)]
        while told[-1][2]["state"] != "done":
            told.append(heard.get(timeout=PATIENCE_S))
    assert {kind for _, kind, _ in told} == {"job"}
    assert told[0][2]["id"] == job
    assert [number for number, _, _ in told] == sorted({number for number, _, _ in told})
    assert done["target"] == {"name": "film.mp4", "kind": "video"}
    assert done["report"]["faces_swapped"] == 50
    assert done["created"] <= done["started"] <= done["finished"]
    result = studio.ask("GET", f"/jobs/{job}/result")
    assert 'filename="film-swapped.mp4"' in result.headers["content-disposition"]
    assert len(result.content) == done["result"]["bytes"]
    (tmp_path / "got.mp4").write_bytes(result.content)
    assert packets(tmp_path / "got.mp4", "audio") == packets(film, "audio")
    assert len(pictures_of(tmp_path / "got.mp4")) == 50
    assert studio.ask("GET", f"/jobs/{job}/target").content == film.read_bytes()


def test_parts_of_a_result_are_what_a_player_asks_for(studio, astronaut, mona):
    (job,) = studio.submit([studio.upload(astronaut)], studio.donor(mona))
    studio.wait_for(f"/jobs/{job}", "done")
    path = f"/jobs/{job}/result"
    whole = studio.ask("GET", path)
    assert whole.headers["accept-ranges"] == "bytes"
    size = len(whole.content)
    for asked, begin, end in (
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, size),
        ("bytes=-50", size - 50, size),
        (f"bytes=10-{10 * size}", 10, size),
    ):
        part = studio.ask("GET", path, 206, headers={"Range": asked})
        assert part.content == whole.content[begin:end]
        assert part.headers["content-range"] == f"bytes {begin}-{end - 1}/{size}"
    beyond = studio.http.get(path, headers={"Range": f"bytes={size}-"})
    assert beyond.status_code == 416
    # One whose file changed meanwhile gets all of it.
    again = studio.ask("GET", path, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert again.content == whole.content


def test_a_person_of_a_picture_is_mapped_by_the_face_s_number(studio, two_people, mona):
    upload, donor = studio.upload(two_people), studio.donor(mona)
    found = studio.ask("GET", f"/uploads/{upload}/faces")
    assert [face["index"] for face in found["faces"]] == [0, 1]
    assert all(face["thumbnail"].startswith("data:image/jpeg;base64,") for face in found["faces"])
    original = read_image(two_people).pixels
    assert (found["width"], found["height"]) == original.shape[1::-1]
    who = {"Mona": {"upload": upload, "face": 0}}
    (job,) = studio.submit([upload], donor, map=who, settings={"label": "none"})
    assert studio.wait_for(f"/jobs/{job}", "done")["report"]["faces_swapped"] == 1
    swapped = read_image(studio.ask("GET", f"/jobs/{job}/result").content).pixels
    columns = np.nonzero(np.abs(swapped.astype(int) - original).max((0, 2)) > 40)[0]
    x0, _, x1, _ = found["faces"][0]["box"]
    assert x0 < np.median(columns) / original.shape[1] < x1
    # The preview of that picture is the picture that the job made.
    body = {"upload": upload, "donors": {"Mona": donor}, "map": who, "width": 4096}
    body["settings"] = {"label": "none"}
    shown = studio.ask("POST", "/preview", json=body)
    assert shown.headers["content-type"] == "image/jpeg"
    off = np.abs(read_image(shown.content).pixels.astype(int) - swapped)
    assert off.mean() < 3  # JPEG


def test_previews_and_frames_are_of_the_moment_that_is_asked_for(studio, film, mona):
    upload, donor = studio.upload(film), studio.donor(mona)
    truth = pictures_of(film)
    for index in (0, 13, 49):
        frame = studio.ask("GET", f"/uploads/{upload}/frame", params={"at_s": index / RATE})
        off = [np.abs(read_image(frame.content).pixels.astype(int) - one).mean() for one in truth]
        assert int(np.argmin(off)) == index
    body = {"upload": upload, "at_s": 1.0, "donors": {"Mona": donor}, "width": 88}
    small = read_image(studio.ask("POST", "/preview", json=body).content).pixels
    assert small.shape == (72, 88, 3)


def test_what_is_wrong_is_said_in_a_sentence_without_a_path(studio, nobody, astronaut, mona):
    picture, donor = studio.upload(nobody), studio.donor(mona)
    (job,) = studio.submit([picture], donor)
    failed = studio.wait_for(f"/jobs/{job}", "failed")
    assert failed["error"]["code"] == "no_face_in_target"
    assert "/" not in failed["error"]["detail"]
    assert failed["result"] is None
    refusals = [
        ({"donors": {}}, 422, "invalid_request"),
        ({"donors": {"Mona": UNKNOWN}}, 404, "missing_input"),
        ({"targets": [UNKNOWN]}, 404, "missing_input"),
        ({"settings": {"shape": 7}}, 422, "settings"),
        ({"settings": {"nonsense": 7}}, 422, "settings"),
        ({"map": {"Bob": None}}, 422, "settings"),
        ({"map": {"Mona": {"upload": picture, "face": 0}}}, 422, "no_face_in_target"),
        ({"video": {"encoder": "../x", "preset": "odd"}}, 422, "settings"),
        ({"targets": ["../../etc/passwd"]}, 422, "invalid_request"),
        ({"more": 1}, 422, "invalid_request"),
    ]
    for changes, status, code in refusals:
        body = {"targets": [picture], "donors": {"Mona": donor}, **changes}
        answer = studio.ask("POST", "/jobs", status, json=body)
        assert answer["code"] == code, (changes, answer)
    assert len(studio.ask("GET", "/jobs")) == 1
    for path in (f"/jobs/{UNKNOWN}", f"/jobs/{UNKNOWN}/result"):
        assert studio.ask("GET", path, 404)["code"] == "missing_job"
    assert studio.ask("GET", f"/jobs/{job}/result", 409)["code"] == "job"
    assert studio.ask("POST", f"/jobs/{job}/retry")["state"] == "waiting"


def test_jobs_are_cancelled_listed_and_forgotten_with_their_files(configure, film, mona):
    config = configure(limits=Limits(jobs=3))
    with client_at(config) as studio:
        target, donor = studio.upload(film), studio.donor(mona)
        ids = studio.submit([target] * 3, donor)
        body = {"targets": [target], "donors": {"Mona": donor}}
        full = studio.http.post("/jobs", json=body)
        assert full.status_code == 429
        assert full.headers["retry-after"]
        assert [job["id"] for job in studio.ask("GET", "/jobs")] == ids[::-1]
        page = studio.ask("GET", "/jobs", params={"limit": 2, "before": ids[2]})
        assert [job["id"] for job in page] == ids[1::-1]
        with studio.events(params={"since": 0}) as heard:
            for job in ids:
                studio.ask("DELETE", f"/jobs/{job}")  # cancels
                if studio.ask("GET", f"/jobs/{job}")["state"] == "cancelled":
                    assert studio.ask("DELETE", f"/jobs/{job}") is None  # forgets
            gone = set()
            while len(gone) < 3:
                _, kind, data = heard.get(timeout=PATIENCE_S)
                gone |= {data["id"]} if kind == "gone" else set()
        assert gone == set(ids)
        assert studio.ask("GET", "/jobs") == []
        until = time.monotonic() + PATIENCE_S
        while any(path.is_dir() for path in (config.folder / "jobs").iterdir()):
            assert time.monotonic() < until
            time.sleep(0.1)


def test_events_go_on_where_a_browser_left_off_and_end_with_the_studio(configure, nobody, mona):
    with client_at(configure()) as studio:
        (job,) = studio.submit([studio.upload(nobody)], studio.donor(mona))
        studio.wait_for(f"/jobs/{job}", "failed")
        with studio.events(params={"since": 0}) as heard:
            number, _, data = heard.get(timeout=PATIENCE_S)
        assert data["state"] == "failed"
        with studio.events(headers={"Last-Event-ID": str(number - 1)}) as heard:
            assert heard.get(timeout=PATIENCE_S) == (number, "job", data)
        with studio.events(headers={"Last-Event-ID": str(number)}) as last:
            pass
    assert last.get(timeout=PATIENCE_S) is None


def test_a_donor_that_is_deleted_before_its_turn_is_missed_by_name(configure, film, mona):
    config = configure(limits=Limits(jobs_at_a_time=0))
    with client_at(config) as studio:
        donor = studio.donor(mona)
        (job,) = studio.submit([studio.upload(film)], donor)
        studio.ask("DELETE", f"/identities/{donor}", 204)
    with client_at(configure()) as studio:
        failed = studio.wait_for(f"/jobs/{job}", "failed")
    assert failed["error"]["code"] == "missing_input"
    assert failed["error"]["detail"].startswith("The photos of Mona were deleted")


def test_a_folder_that_is_gone_is_said_without_its_name(configure, film, mona):
    config = configure()
    with client_at(config) as studio:
        target, donor = studio.upload(film), studio.donor(mona)
        shutil.rmtree(config.folder / "jobs")
        body = {"targets": [target], "donors": {"Mona": donor}}
        refused = studio.ask("POST", "/jobs", 500, json=body)
        assert refused["code"] == "output"
        assert str(config.folder) not in refused["detail"]
        assert studio.ask("GET", "/identities")[0]["id"] == donor
