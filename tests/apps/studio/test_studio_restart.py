"""A studio whose process is killed in the middle of a job, and the next one that finishes it."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
from studio_client import PATIENCE_S, StudioClient
from studio_harness import TOKEN
from talking_film import make_film, packets, pictures_of

_STUDIO = """
import sys
from pathlib import Path
from masquerade.apps.studio.config import StudioConfig
from masquerade.apps.studio.launch import Studio
studio = Studio(StudioConfig(folder=Path(sys.argv[1]), token=sys.argv[2], port=0))
studio.run(lambda: print(studio.links[0].partition("/?")[0], flush=True))
"""


def _start(folder) -> tuple[subprocess.Popen[str], StudioClient]:
    command = [sys.executable, "-c", _STUDIO, str(folder), TOKEN]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return process, StudioClient(process.stdout.readline().strip())


def test_a_studio_that_is_killed_in_mid_job_finishes_it_after_a_restart(tmp_path, mona):
    film = make_film(tmp_path / "long.mp4", 150)
    process, studio = _start(tmp_path / "studio")
    (job,) = studio.submit([studio.upload(film)], studio.donor(mona))
    until = time.monotonic() + PATIENCE_S
    while studio.ask("GET", f"/jobs/{job}")["progress"] < 0.1:
        assert time.monotonic() < until
        time.sleep(0.05)
    workers = psutil.Process(process.pid).children()
    assert len(workers) == 1
    process.kill()
    process.wait()
    psutil.wait_procs(workers, timeout=PATIENCE_S)
    assert not list((tmp_path / "studio" / "jobs" / job).glob("*result*"))
    process, studio = _start(tmp_path / "studio")
    try:
        assert studio.ask("GET", f"/jobs/{job}")["state"] in {"waiting", "running"}
        done = studio.wait_for(f"/jobs/{job}", "done", "failed")
        assert done["state"] == "done", done
        assert done["report"]["frames"] == 150
        result = studio.ask("GET", f"/jobs/{job}/result").content
    finally:
        process.terminate()
        process.wait(30)
    (tmp_path / "got.mp4").write_bytes(result)
    assert len(pictures_of(tmp_path / "got.mp4")) == 150
    assert packets(tmp_path / "got.mp4", "audio") == packets(film, "audio")
