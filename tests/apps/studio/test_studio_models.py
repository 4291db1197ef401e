"""Models through the studio: listed, licensed, fetched from a folder, used, stopped, removed."""

from __future__ import annotations

import threading

import pytest
from studio_client import client_at

from masquerade.apps.studio import pulls as pulls_module
from masquerade.apps.studio.pulls import Pulls
from masquerade.core.errors import (
    DownloadError,
    LicenceError,
    MissingInputError,
    ModelError,
)
from masquerade.models.catalogue import catalogue
from masquerade.models.download import Transferred
from masquerade.models.library import Library
from masquerade.testing.networks.functional import draw_functional

SWAPPER, NEEDED = "inswapper_128", "w600k_r50"
WORKING = "blendswap_256"  # nobody told its hash, and it needs no other
UNKNOWN = "f" * 20


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    """A folder with a working network under the name of a public one."""
    folder = tmp_path_factory.mktemp("mirror")
    path = folder / WORKING / catalogue()[WORKING].files[0].name
    path.parent.mkdir()
    path.write_bytes(draw_functional(WORKING).SerializeToString())
    return folder


@pytest.fixture
def fetching(monkeypatch, mirror):
    monkeypatch.setenv("MASQUERADE_MIRRORS", mirror.as_uri())
    monkeypatch.setenv("MASQUERADE_OFFLINE", "1")


def named(studio, name: str) -> dict:
    return next(model for model in studio.ask("GET", "/models") if model["name"] == name)


def test_a_model_is_listed_licensed_fetched_used_and_removed(configure, fetching, mona, astronaut):
    name = WORKING
    spec = catalogue()[name]
    with client_at(configure()) as studio:
        listed = studio.ask("GET", "/models")
        assert [model["name"] for model in listed] == list(catalogue())
        before = named(studio, name)
        assert not before["installed"]
        assert (before["licence"], before["commercial"]) == (spec.licence, spec.commercial)
        assert before["needs"] == list(spec.needs)
        assert studio.ask("POST", f"/models/{name}/pull", 403)["code"] == "licence"
        wrong = studio.ask("POST", f"/models/{name}/accept", 403, json={"licence": "MIT, surely"})
        assert spec.licence in wrong["detail"]
        for each in (name, *spec.needs):
            licence = {"licence": catalogue()[each].licence}
            assert studio.ask("POST", f"/models/{each}/accept", json=licence)["accepted"]
        task = studio.ask("POST", f"/models/{name}/pull", 202)["task"]
        done = studio.wait_for(f"/tasks/{task}", "done", "failed")
        assert done["state"] == "done", done
        assert done["done_bytes"] > 0
        assert [item["id"] for item in studio.ask("GET", "/tasks")] == [task]
        here = named(studio, name)
        assert here["installed"]
        assert here["precisions"] == ["fp32"]
        assert here["parameters"] > 0
        assert here["bytes"] > 0
        assert here["ms_on_this_machine"] is None
        body = {
            "upload": studio.upload(astronaut),
            "donors": {"Mona": studio.donor(mona)},
            "settings": {"model": name},
        }
        studio.ask("POST", "/preview", json=body)
        assert named(studio, name)["ms_on_this_machine"] > 0
        studio.ask("DELETE", f"/models/{name}", 204)
        assert not named(studio, name)["installed"]


def test_what_cannot_be_fetched_is_said_in_the_task(configure, fetching, mirror, monkeypatch):
    name = "gfpgan_1.4"
    with client_at(configure()) as studio:
        licence = {"licence": catalogue()[name].licence}
        studio.ask("POST", f"/models/{name}/accept", json=licence)
        task = studio.ask("POST", f"/models/{name}/pull", 202)["task"]
        failed = studio.wait_for(f"/tasks/{task}", "done", "failed")
        assert failed["error"]["code"] == "download"
        assert studio.ask("POST", "/models/none/pull", 404)["code"] == "not_found"
        studio.ask("DELETE", f"/models/{name}", 204)  # what a transfer began
        assert studio.ask("DELETE", f"/models/{name}", 404)["code"] == "not_found"
        assert studio.ask("GET", f"/tasks/{UNKNOWN}", 404)["code"] == "missing_input"
        assert studio.http.post("/models/..%2F..%2Fx/pull").status_code in {404, 405, 422}


class SlowLibrary(Library):
    """Sends a byte each time it is allowed to."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed, self.ended = threading.Semaphore(0), threading.Event()
        self.pulled: list[str] = []

    def pull(self, name, how=None):
        self.pulled.append(name)
        try:
            for count in range(10):
                self.allowed.acquire()
                how.show(Transferred(100 * count, 1000))
        finally:
            self.ended.set()


@pytest.fixture
def slow():
    library = SlowLibrary()
    for spec in catalogue().values():
        if spec.name in {SWAPPER, NEEDED}:
            library.licences.accept(spec)
    return library


def until(condition) -> None:
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.01)
    pytest.fail("it did not happen")


def test_progress_counts_bytes_and_the_time_that_is_left(slow):
    now = [0.0]
    with Pulls(slow, clock=lambda: now[0]) as pulls:
        task = pulls.begin(SWAPPER)
        assert pulls.begin(SWAPPER).id == task.id, "it is not fetched twice"
        slow.allowed.release()
        until(lambda: pulls.find(task.id).total_bytes == 1000)
        now[0] = 2.0
        slow.allowed.release()
        until(lambda: pulls.find(task.id).done_bytes == 100)
        assert pulls.find(task.id).left_s == pytest.approx(18.0)
        slow.allowed.release(18)
        until(lambda: pulls.find(task.id).state == "done")
        assert slow.pulled == [SWAPPER, NEEDED]


def test_a_task_that_is_cancelled_stops_and_stays_so(slow):
    with Pulls(slow) as pulls:
        task = pulls.begin(SWAPPER)
        until(lambda: slow.pulled)
        assert pulls.cancel(task.id).state == "cancelled"
        slow.allowed.release()
        assert slow.ended.wait(20)
        assert pulls.cancel(task.id).state == "cancelled"
        again = pulls.begin(SWAPPER)
        assert again.id != task.id
        slow.allowed.release(20)
        until(lambda: pulls.find(again.id).state == "done")
        assert pulls.find(task.id).state == "cancelled"
        with pytest.raises(MissingInputError):
            pulls.cancel(UNKNOWN)


def test_licences_of_what_a_model_needs_are_asked_for_too():
    library = Library()
    library.licences.accept(library.spec(SWAPPER))
    with Pulls(library) as pulls:
        with pytest.raises(LicenceError, match=NEEDED):
            pulls.begin(SWAPPER)
        with pytest.raises(ModelError):
            pulls.begin("none")
        assert pulls.all() == []


def test_old_tasks_are_dropped_and_unexpected_errors_are_failures(slow, monkeypatch):
    monkeypatch.setattr(pulls_module, "_MOST_KEPT", 3)
    monkeypatch.setattr(slow, "pull", lambda *_: (_ for _ in ()).throw(DownloadError("No.")))
    with Pulls(slow) as pulls:
        for _ in range(6):
            task = pulls.begin(SWAPPER)
            until(lambda task=task: pulls.find(task.id).state == "failed")
        assert len(pulls.all()) == 3
        monkeypatch.setattr(slow, "pull", lambda *_: 1 / 0)
        task = pulls.begin(SWAPPER)
        until(lambda: pulls.find(task.id).state == "failed")
        assert "unexpected" in str(pulls.find(task.id).error)
