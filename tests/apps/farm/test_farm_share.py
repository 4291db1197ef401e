"""How a machine is shared out, and how an older store becomes one of today."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from masquerade.apps.farm import share
from masquerade.apps.farm.share import Share, share_machine, threads_of, wants_device
from masquerade.apps.jobs import schema
from masquerade.apps.jobs.job import JobSpec
from masquerade.apps.jobs.store import JobStore

GB = 2**30


def spec(**more: object) -> JobSpec:
    return JobSpec(
        name="film.mp4", target=Path("/in/film.mp4"), output=Path("/out/film.mp4"),
        donors={"anna": (Path("/in/anna.jpg"),)}, **more,
    )  # fmt: skip


@pytest.fixture
def machine(monkeypatch):
    monkeypatch.setattr(share, "usable_cores", lambda: 8)
    monkeypatch.setattr(share, "free_machine_bytes", lambda: 100 * GB)
    return monkeypatch


def test_there_is_a_worker_for_each_core(machine):
    found = share_machine([spec()])
    assert found.workers == 8
    assert found.devices == ()
    assert 10 * GB < found.memory_bytes < 100 * GB / 8


def test_jobs_with_threads_of_their_own_get_fewer_workers(machine):
    threaded = spec(settings={"threads": 4})
    assert (threads_of(spec()), threads_of(threaded)) == (1, 4)
    assert share_machine([spec(), threaded]).workers == 2


def test_memory_limits_the_workers(machine):
    machine.setattr(share, "free_machine_bytes", lambda: 2 * GB)
    found = share_machine([spec()])
    assert found.workers == 2
    assert found.workers * found.memory_bytes <= 2 * GB
    machine.setattr(share, "free_machine_bytes", lambda: GB // 10)
    assert share_machine([spec()]).workers == 1


def test_there_is_a_worker_for_each_device(machine):
    found = share_machine([spec(execution={"providers": ["cuda"], "device_ids": [0, 2]})])
    assert (found.workers, found.devices) == (2, (0, 2))
    assert found.words(0)[-2:] == ["--device", "0"]
    assert found.words(1)[-2:] == ["--device", "2"]
    assert Share(1).words(0) == []


def test_what_is_asked_for_is_what_there_is(machine):
    assert share_machine([spec()], 3).workers == 3


def test_a_device_is_wanted_where_one_is_named_or_auto_would_take_one(monkeypatch):
    brought = {"model": "inswapper_128"}
    assert wants_device(spec(execution={"providers": ["cuda"]}))
    assert not wants_device(spec(execution={"providers": ["cpu"]}, settings=brought))
    monkeypatch.setattr(share, "resolve", lambda execution: (("cuda", "cpu"), ()))
    assert wants_device(spec(settings=brought))
    assert not wants_device(spec())  # the embedded swapper runs on the processor


def test_a_store_of_the_first_version_keeps_its_jobs(tmp_path):
    path = tmp_path / "jobs.sqlite"
    plain = {
        "name": "a.mp4", "target": "/a", "output": "/b", "donors": {"m": ["/m"]}, "references": {},
        "consents": {}, "settings": {}, "video": {}, "allow_no_face": False,
    }  # fmt: skip
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in schema._MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute(
            "INSERT INTO jobs (id, spec, created, change) VALUES ('x', ?, 1.0, 1)",
            (json.dumps(plain),),
        )
        connection.execute("PRAGMA user_version = 1")
    with JobStore(path) as store:
        found = store.get("x")
        assert (found.lane, found.state, found.spec.execution) == ("files", "waiting", {})
        assert store.newest(lane="farm") == []
        assert store.count("waiting") == 1
