"""Targets of the farm: what drivers, workers and nodes tell each other, and what is kept of jobs.

A ValueError is an answer where the driver takes it for one: such a piece is done again.
"""

from __future__ import annotations

import contextlib
import functools
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
from fuzz_target import FuzzTarget, scratch, scratch_file
from PIL import Image

from masquerade.apps.farm.answers import checked_result, node_event, worker_event
from masquerade.apps.farm.executor import Done
from masquerade.apps.farm.job_file import read_job_file
from masquerade.apps.farm.journal import Journal
from masquerade.apps.farm.pictures import PictureList
from masquerade.apps.farm.ray_arrival import Arrival
from masquerade.apps.farm.task import Task
from masquerade.apps.farm.work_folder import WorkFolder
from masquerade.apps.jobs.job import Job, JobSpec
from masquerade.apps.jobs.store import JobStore
from masquerade.media.segments import SegmentPlan, plan_segments
from masquerade.pipeline.report import Tally
from masquerade.trust.consent import Consent

_REPORT: dict[str, Any] = {"counts": Tally().counts(), "seconds": 1.5, "warnings": ["a"]}
_FAILED = {"target": "a.png", "kind": "InputError", "error": "It is none."}


# The job file


def _job_file(data: bytes) -> None:
    for name in ("anna.jpg", "film.mp4"):
        scratch_file(name, b"x")
    read_job_file(scratch_file("job.toml", data))


def _job_file_seeds() -> list[bytes]:
    head = b'targets = ["film.mp4"]\noutput = "out/{stem}.mp4"\ndonor = "anna.jpg"\n'
    return [
        head + b"[settings]\nshape = 0.5\n[video]\nquality = 60\n[execution]\nthreads = 2\n",
        b'consent = "self"\npriority = 1\n[[job]]\n' + head + b"[job.settings]\nshape = 0.1\n",
    ]


# Tasks


def _task(data: bytes) -> None:
    task = Task.from_json(data.decode("utf-8", "replace"))
    assert Task.from_json(task.to_json()) == task


def _task_seeds() -> list[bytes]:
    spec, consent = _film_spec(), Consent("a" * 64, "anna", "self", "2026-01-01T00:00:00+00:00")
    folder = Path("/out/.film.farm")
    return [
        Task(job_id="a1", step="segment", number=2, spec=spec, folder=folder).to_json().encode(),
        Task(job_id="a1", step="join", spec=spec, folder=folder, consents={"anna": consent})
        .to_json()
        .encode(),
    ]


# What workers and nodes answer


def _worker(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        event = worker_event(data, "here")
        if isinstance(event, Done):
            _look_at_results(event)


def _look_at_results(event: Done) -> None:
    for step in ("scout", "segment", "pictures", "join"):
        with contextlib.suppress(ValueError):
            result = checked_result(step, event.result)
            if step == "pictures":
                Tally().absorb(result["report"]["counts"])
                float(result["report"]["seconds"])


def _worker_seeds() -> list[bytes]:
    segment = {"bytes": 5, "report": _REPORT, "words": "5 frames"}
    batch = {"bytes": 4, "report": {**_REPORT, "failed": [_FAILED]}}
    scout = {"plan": "{}", "words": "3 segments"}
    return [
        json.dumps({"kind": "told", "task": "a1/segment/0", "done": 5, "total": None}).encode(),
        json.dumps({"kind": "failed", "task": "a", "error": "JobError", "message": "x"}).encode(),
        *(
            json.dumps({"kind": "done", "task": "a", "result": result}).encode()
            for result in (segment, batch, scout)
        ),
    ]


def _node(data: bytes) -> None:
    """Pieces of files and an answer; nothing may be written beside the job's folder."""
    folder = WorkFolder(scratch() / "arrivals" / "job")
    folder.remove()
    folder.path.mkdir(parents=True)
    arrival = Arrival(folder)
    try:
        answers = json.loads(data)
        for answer in answers if isinstance(answers, list) else [answers]:
            if isinstance(answer, dict) and isinstance(answer.get("data"), str):
                arrival.take({**answer, "data": answer["data"].encode("utf-8", "replace")})
            else:
                event = node_event("a", answer)
                if isinstance(event, Done):
                    _look_at_results(event)
        arrival.end()
    except (ValueError, RecursionError):
        pass
    finally:
        arrival.drop()
        assert [path.name for path in folder.path.parent.iterdir()] == ["job"]


def _node_seeds() -> list[bytes]:
    done = {"node": "there", "result": {"bytes": 5, "report": _REPORT, "words": "x"}}
    return [
        json.dumps(answers).encode()
        for answers in (
            [{"name": "000001.mp4", "data": "abc"}, {"name": "000001.json", "data": "{}"}, done],
            [{"name": "000001.drawn/000000.png", "data": ""}, done],
            [{"name": "000001.drawn/list", "data": "a"}, {"name": "a/../../b", "data": "c"}],
            [{"node": "there", "where": "a:b", "failed": ["JobError", "It is none."]}],
        )
    ]


# The folder of a job


def _folder(data: bytes) -> None:
    """Every file of it at once."""
    # Not above: all targets would wait until the whole engine is instrumented.
    from masquerade.apps.farm.drawn_batch import DrawnBatch
    from masquerade.engine.seam import Seams

    folder = WorkFolder(scratch() / "folder")
    folder.drawn(0).mkdir(parents=True, exist_ok=True)
    report = folder.path / "000000.json"
    for path in (folder.plan, folder.pictures, folder.drawn_list(0), report):
        path.write_bytes(data)
    (folder.path / "000000.at").write_bytes(data)
    folder.segment(0, ".mp4").write_bytes(b"piece")
    folder.place_at(0)
    for item in folder.finished(".mp4").values():
        checked_result("segment", {"bytes": item.size, "report": item.report, "words": ""})
        FuzzTarget("", lambda _, item=item: Seams.of_dict(item.report.get("seams")), list).attack(
            data
        )
    pictures = PictureList((("a.png", 10, 5),))
    DrawnBatch.find(folder, 0, pictures)
    readers: tuple[Any, ...] = (
        lambda: SegmentPlan.from_json(folder.read(folder.plan)),
        lambda: PictureList.from_json(folder.read(folder.pictures)),
    )
    for read in readers:
        FuzzTarget("", lambda _, read=read: read(), list).attack(data)


def _folder_seeds() -> list[bytes]:
    from masquerade.engine.seam import Seams

    drawn = {"report": {**_flat_report()}, "touched": True, "moves": False, "statements": {}}
    listed = {
        "of": [["a.png", 10, 5, ""]],
        "where": "there",
        "drawn": {"0": drawn},
        "failed": [_FAILED],
    }
    report = {**_REPORT, "seams": Seams().as_dict()}
    return [
        json.dumps({"bytes": 5, "report": report}).encode(),
        json.dumps(listed).encode(),
        PictureList((("a.png", 10, 5),), {0: "It kills."}).to_json().encode(),
        plan_segments(_film(), 1.0).to_json().encode(),
        b"3",
    ]


def _flat_report() -> dict[str, Any]:
    return {**Tally().counts(), "seconds": 0.5, "warnings": []}


# The journal


def _journal(data: bytes) -> None:
    """What a job was begun with; first a film's, then that of a folder of pictures."""
    from masquerade.apps.farm.pictures_run import begin_run  # as above

    text = data.decode("utf-8", "replace").replace("SCRATCH", str(scratch()))
    for target in (_film(), _pictures()):
        job = _job(target)
        with _store().file.changing() as connection:
            connection.execute("INSERT OR REPLACE INTO begun VALUES (?, ?)", (job.id, text))
        FuzzTarget("", lambda _, job=job: begin_run(job, Journal(_store())), list).attack(data)


def _journal_seeds() -> list[bytes]:
    from masquerade.apps.farm.pictures_run import begin_run

    seeds = []
    for target in (_film(), _pictures()):
        journal, job = Journal(_store()), _job(target)
        journal.forget(job.id)
        begin_run(job, journal, signs=False)
        text = json.dumps(journal.begun_with(job.id))
        seeds.append(text.replace(str(scratch()), "SCRATCH").encode())
    return seeds


@functools.cache
def _store() -> JobStore:
    return JobStore(scratch() / "jobs.sqlite")


@functools.cache
def _job(target: Path) -> Job:
    folder = scratch() / f"out-{target.stem}"
    folder.mkdir(exist_ok=True)
    name = "{stem}.png" if target.is_dir() else "film.mp4"
    (job,) = _store().add_farm([(_film_spec(target, folder / name), 0)])
    return job


def _film_spec(target: Path = Path("/film.mp4"), output: Path = Path("/out.mp4")) -> JobSpec:
    anna = scratch_file("anna.jpg", b"anna")
    return JobSpec(name=target.name, target=target, output=output, donors={"anna": (anna,)})


@functools.cache
def _film() -> Path:
    """Two frames."""
    path = scratch() / "short.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 32
        for shade in (0, 128):
            picture = np.full((32, 32, 3), shade, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))
    return path


@functools.cache
def _pictures() -> Path:
    folder = scratch() / "bulk"
    folder.mkdir(exist_ok=True)
    Image.new("RGB", (8, 8)).save(folder / "a.png")
    return folder


FARM = (
    FuzzTarget("job_file", _job_file, _job_file_seeds, 2048),
    FuzzTarget("farm_task", _task, _task_seeds, 4096),
    FuzzTarget("farm_worker", _worker, _worker_seeds, 2048),
    FuzzTarget("farm_node", _node, _node_seeds, 2048),
    FuzzTarget("farm_folder", _folder, _folder_seeds, 4096),
    FuzzTarget("farm_journal", _journal, _journal_seeds, 8192),
)
