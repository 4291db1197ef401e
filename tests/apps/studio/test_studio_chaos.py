"""Parts of a studio die at any moment and are started anew, until the work is done all the same."""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
import sys
import time

import httpx
import psutil
import pytest
from studio_client import PATIENCE_S, StudioClient
from studio_harness import TOKEN
from talking_film import make_film, pictures_of
from websockets.sync.client import connect

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
SEEDS = (1,)
_STUDIO = """
import sys
from pathlib import Path
from masquerade.apps.studio.config import StudioConfig
from masquerade.apps.studio.launch import Studio
studio = Studio(StudioConfig(folder=Path(sys.argv[1]), token=sys.argv[2], port=0))
studio.run(lambda: print(studio.links[0].partition("/?")[0], flush=True))
"""


class Victim:
    """A studio as a process, which is started again whenever it was killed."""

    def __init__(self, folder) -> None:
        self._folder = folder
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-c", _STUDIO, str(self._folder), TOKEN]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.root = self._process.stdout.readline().strip()
        self.client = StudioClient(self.root)

    def workers(self):
        return psutil.Process(self._process.pid).children(recursive=True)

    def kill_server(self) -> None:
        workers = self.workers()
        self._process.kill()
        self._process.wait()
        _, alive = psutil.wait_procs(workers, timeout=PATIENCE_S)
        assert not alive, "a worker outlived its studio"
        self.start()

    def kill_worker(self) -> None:
        for worker in self.workers():
            worker.send_signal(signal.SIGKILL)

    def end(self) -> None:
        self.client.close()
        self._process.terminate()
        assert self._process.wait(60) is not None


def drop_a_live_client(victim) -> None:
    """Begin a session, or half of one, and vanish without a word."""
    address = victim.root.replace("http", "ws", 1) + "/api/v1/live"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    start = {"type": "start", "source": {"kind": "puppet"}, "donor": "0" * 20}
    with connect(address, additional_headers=headers, open_timeout=30, close_timeout=1) as session:
        session.send(json.dumps(start))
        session.socket.shutdown(socket.SHUT_RDWR)


def send_half_an_upload(victim) -> None:
    """Promise a megabyte and leave after a kilobyte."""
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'

    def halves():
        yield head + b"\0\0\0\x18ftypmp42" + bytes(1000)
        raise ConnectionError("the client is gone")

    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    with pytest.raises((ConnectionError, httpx.HTTPError)):
        victim.client.http.post("/uploads", content=halves(), headers=kind)


DEEDS = (Victim.kill_worker, Victim.kill_server, drop_a_live_client, send_half_an_upload)


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_dies_the_jobs_are_done(tmp_path, mona, seed):
    chance = random.Random(seed)
    film = make_film(tmp_path / "film.mp4", 50)
    victim = Victim(tmp_path / "studio")
    try:
        donor = victim.client.donor(mona)
        jobs = victim.client.submit([victim.client.upload(film)], donor)
        for deed in chance.sample(DEEDS, len(DEEDS)):
            wait_until_under_way(victim, jobs)
            deed(victim)
            assert victim.client.ask("GET", "/system")
        for job in jobs:
            done = victim.client.wait_for(f"/jobs/{job}", "done", "failed")
            assert done["state"] == "done", done
            result = victim.client.ask("GET", f"/jobs/{job}/result").content
            (tmp_path / "got.mp4").write_bytes(result)
            assert len(pictures_of(tmp_path / "got.mp4")) == 50
    finally:
        victim.end()
    assert not list((tmp_path / "studio").rglob("*.part"))


def wait_until_under_way(victim, jobs) -> None:
    """Until a worker has begun, so that what dies dies in the middle; or all is done already."""
    until = time.monotonic() + PATIENCE_S
    while True:
        states = [victim.client.ask("GET", f"/jobs/{job}") for job in jobs]
        if any(job["progress"] > 0 for job in states):
            return
        assert time.monotonic() < until, states
        time.sleep(0.05)
