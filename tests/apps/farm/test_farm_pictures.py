"""A folder of pictures as one job of the farm."""

from __future__ import annotations

import dataclasses
import errno
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from masquerade.apps.farm import picture_batch
from masquerade.apps.farm.driver import Driver
from masquerade.apps.farm.executor import Done, Event, Failed, Lost
from masquerade.apps.farm.job_file import read_job_file
from masquerade.apps.farm.journal import Journal
from masquerade.apps.farm.pictures import PictureList
from masquerade.apps.farm.steps import Steps
from masquerade.apps.farm.submission import make_specs
from masquerade.apps.farm.task import Task
from masquerade.apps.farm.work_folder import WorkFolder
from masquerade.apps.jobs.job import Failure, JobSpec
from masquerade.apps.jobs.store import JobStore
from masquerade.core.errors import MasqueradeError, OutputExistsError, SettingsError
from masquerade.media.output_file import output_error

JOB = """
targets = ["in"]
output = "out/{stem}{suffix}"
donor = "donor.jpg"
consent = "public-domain"
"""


class Here:
    """Does tasks in this process; ``dies`` says how often a batch is lost before it is done."""

    slots = 1
    signs = True

    def __init__(self, dies: Mapping[int, int] | None = None) -> None:
        self.steps, self.dies, self.did = Steps(), Counter(dies or {}), list[int]()
        self._tasks: list[Task] = []

    def submit(self, task: Task) -> None:
        self._tasks.append(task)

    def results(self, timeout_s: float) -> list[Event]:
        events: list[Event] = []
        for task in self._tasks:
            self.did.append(task.number)
            if self.dies[task.number] > 0:
                self.dies[task.number] -= 1
                events.append(Lost(task.id, "here", "it was killed"))
                continue
            try:
                events.append(Done(task.id, "here", self.steps.do(task, lambda _progress: None)))
            except MasqueradeError as error:
                events.append(Failed(task.id, "here", Failure.of(error, task.spec)))
        self._tasks.clear()
        return events

    def cancel(self, job_id: str) -> None:
        self._tasks = [task for task in self._tasks if task.job_id != job_id]

    def close(self) -> None:
        pass


@pytest.fixture
def pictures(workplace, mona, astronaut, monkeypatch) -> Path:
    """Six pictures with a face, one without, one cut off and an empty one: two batches."""
    monkeypatch.setattr("masquerade.apps.farm.pictures.BATCH", 5)
    folder = workplace / "in"
    folder.mkdir()
    (workplace / "donor.jpg").write_bytes(mona.read_bytes())
    (workplace / "job.toml").write_text(JOB)
    face = Image.open(astronaut).crop((150, 20, 310, 210))
    for number in range(6):
        face.save(folder / f"p{number}.jpg", quality=90)
    (folder / "cut.jpg").write_bytes((folder / "p1.jpg").read_bytes()[:2000])
    (folder / "empty.jpg").write_bytes(b"")
    Image.new("RGB", (64, 64), "white").save(folder / "white.png")
    return folder


@pytest.fixture
def spec(pictures) -> JobSpec:
    (found,) = make_specs(read_job_file(pictures.parent / "job.toml"))
    return found


@pytest.fixture
def store(workplace):
    with JobStore(workplace / "jobs.sqlite") as found:
        yield found


def run(store: JobStore, executor: Here):
    with Driver(store, executor) as driver:
        driver.run()
    return store.newest(1)[0]


def test_good_ones_are_written_and_the_others_listed(store, spec, pictures) -> None:
    store.add_farm([(spec, 0)])
    job = run(store, Here())
    assert job.state == "done"
    assert (job.report["pictures"], job.report["not_written"]) == (9, 3)
    kinds = {item["target"]: item["kind"] for item in job.report["first_not_written"]}
    assert kinds == {
        "cut.jpg": "CorruptMediaError",
        "empty.jpg": "CorruptMediaError",
        "white.png": "NoFaceInTargetError",
    }
    assert sorted(path.name for path in spec.output.parent.iterdir()) == sorted(
        f"p{number}.jpg" for number in range(6)
    )
    assert job.report["faces_swapped"] == 6
    texts = [line.text for line in Journal(store).lines(job.id)]
    assert sum("not written: " in text for text in texts) == 3


def test_finished_batches_are_not_done_again_and_changed_pictures_are(store, spec, pictures):
    (job,) = store.add_farm([(spec, 0)])
    assert run(store, Here(dies={1: 99})).state == "failed"
    first = spec.output.parent / "p0.jpg"
    written = first.stat().st_mtime_ns
    store.retry(job.id)
    again = Here()
    assert run(store, again).state == "done"
    assert again.did == [1]
    assert first.stat().st_mtime_ns == written
    assert not WorkFolder.of(spec.output, job.id).path.exists()


def test_a_changed_picture_has_its_batch_done_again(pictures) -> None:
    before = PictureList.of(pictures)
    Image.open(pictures / "p3.jpg").resize((90, 90)).save(pictures / "p3.jpg")
    (pictures / "p4.jpg").unlink()
    after, changed = before.renewed(pictures)
    names = [item[0] for item in before.items]
    assert changed == {names.index("p3.jpg"), names.index("p4.jpg")}
    assert [len(batch) for batch in after.batches] == [5, 4]
    assert PictureList.from_json(after.to_json()) == after


def test_a_picture_that_kills_its_worker_is_given_up(store, spec) -> None:
    (job,) = store.add_farm([(spec, 0)])
    folder = WorkFolder.of(spec.output, job.id)

    class Deadly(Here):
        def submit(self, task: Task) -> None:
            if self.dies[task.number]:
                folder.begin_at(0, 3)  # where the worker was when it died
            super().submit(task)

    done = run(store, Deadly(dies={0: 4}))
    assert done.state == "done"
    names = [item["target"] for item in done.report["first_not_written"]]
    assert (len(names), "p1.jpg" in names) == (4, True)  # cut, empty, p0, p1
    assert not (spec.output.parent / "p1.jpg").exists()


def test_a_full_disk_ends_the_job_and_a_retry_goes_on(store, spec, monkeypatch) -> None:
    (job,) = store.add_farm([(spec, 0)])
    real, count = picture_batch.do_file, 0

    def full(*args, **kwargs):
        nonlocal count
        count += 1
        if count == 4:  # in the second batch, since two are broken
            cause = OSError(errno.ENOSPC, "No space left on device")
            raise output_error(cause, spec.output) from cause
        return real(*args, **kwargs)

    monkeypatch.setattr(picture_batch, "do_file", full)
    failed = run(store, Here())
    assert failed.state == "failed"
    assert "disk is full" in failed.failure.message
    store.retry(job.id)
    again = Here()
    assert run(store, again).report["not_written"] == 3
    assert len(again.did) == 1


def test_no_picture_that_can_be_done_is_a_failure(store, spec, pictures) -> None:
    for path in pictures.glob("p*.jpg"):
        path.unlink()
    store.add_farm([(spec, 0)])
    failed = run(store, Here())
    assert failed.state == "failed"
    assert "None of the 3 pictures" in failed.failure.message


@pytest.mark.parametrize(
    ("output", "error", "words"),
    [
        ("in/{stem}-new{suffix}", SettingsError, "where they come from"),
        ("out/x{suffix}", SettingsError, "would both become"),
        ("{stem}/x.jpg", SettingsError, "line 3"),
        ("out/{nobody}.jpg", SettingsError, "line 3"),
    ],
)
def test_outputs_are_looked_at_before_work(pictures, output, error, words) -> None:
    file = pictures.parent / "job.toml"
    file.write_text(JOB.replace("out/{stem}{suffix}", output))
    with pytest.raises(error, match=words):
        make_specs(read_job_file(file))


def test_an_output_that_is_there_is_kept(pictures) -> None:
    file = pictures.parent / "job.toml"
    (pictures.parent / "out").mkdir()
    (pictures.parent / "out" / "p5.jpg").write_bytes(b"mine")
    with pytest.raises(OutputExistsError, match=r"p5\.jpg"):
        make_specs(read_job_file(file))
    assert make_specs(read_job_file(file), overwrite=True)


def test_a_folder_of_both_is_one_job_for_pictures_and_one_for_each_video(pictures, clip) -> None:
    (pictures / "clip.mp4").write_bytes(clip.read_bytes())
    jobs = read_job_file(pictures.parent / "job.toml")
    assert [job.target.name for job in jobs] == ["in", "clip.mp4"]
    assert [job.output.name for job in jobs] == ["{stem}{suffix}", "clip.mp4"]


def test_ten_thousand_are_listed_within_a_second_of_work(tmp_path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "p.jpg")
    data = (tmp_path / "p.jpg").read_bytes()
    for number in range(10_000):
        (tmp_path / f"{number}.jpg").write_bytes(data)
    found = PictureList.of(tmp_path)
    assert len(found.items) == 10_001
    assert len(found.batches) == 313  # of 32
    assert json.loads(found.to_json())["items"][10][0] == "10.jpg"
    assert dataclasses.replace(found).renewed(tmp_path)[1] == set()
