"""Whatever the studio gives away is signed: results, previews, recordings, snapshots."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx
import pytest
from live_client import QUIET, connected, jpegs, pump
from studio_client import client_at
from studio_harness import BEARER
from talking_film import make_film

from masquerade.trust.inspection import Inspection, inspect_file


def _inspected(folder: Path, name: str, content: bytes) -> Inspection:
    (folder / name).write_bytes(content)
    return inspect_file(folder / name)


def test_results_and_previews(configure, mona, astronaut, tmp_path):
    film = make_film(tmp_path / "film.mp4", 6)
    for kind in ("mkv", "webm"):
        words = ["ffmpeg", "-v", "error", "-i", str(film), "-frames:v", "6", "-an"]
        subprocess.run([*words, str(tmp_path / f"film.{kind}")], check=True)
    with client_at(configure()) as studio:
        donor = studio.donor(mona)
        targets = [film, tmp_path / "film.mkv", tmp_path / "film.webm", astronaut]
        uploads = [studio.upload(target) for target in targets]
        jobs = studio.submit(uploads, donor, settings={"label": "small"})
        for job, target in zip(jobs, targets, strict=True):
            done = studio.wait_for(f"/jobs/{job}", "done", "failed")
            assert done["state"] == "done", done
            name = done["result"]["name"]
            content = studio.ask("GET", f"/jobs/{job}/result").content
            assert done["result"]["credentials"] == (target.suffix in (".mkv", ".webm"))
            if target.suffix in (".mkv", ".webm"):
                assert _inspected(tmp_path, name, content).state == "none"
                beside = studio.http.get(f"/jobs/{job}/credentials")
                assert f"{name}.credentials.json" in beside.headers["content-disposition"]
                (tmp_path / f"{name}.credentials.json").write_bytes(beside.content)
            else:
                studio.ask("GET", f"/jobs/{job}/credentials", 404)
            found = _inspected(tmp_path, name, content)
            assert found.state == "trusted"
            assert found.latest is not None
            assert found.latest.statements["consent"]["bases"] == ["public-domain"]
            assert found.latest.statements["report"]["figures"]["faces_swapped"] > 0
        body = {"upload": uploads[-1], "donors": {"Mona": donor}, "width": 300}
        shown = studio.ask("POST", "/preview", json=body).content
        found = _inspected(tmp_path, "preview.jpg", shown)
        assert (found.state, b"compositeWithTrainedAlgorithmicMedia" in shown) == ("trusted", True)


@pytest.mark.parametrize("kind", ["recording", "snapshot"])
def test_what_a_live_session_makes(studio, talk, tmp_path, kind):
    data = jpegs(talk[0])
    with connected(studio) as client:
        client.start(settings=QUIET)
        pump(client, data, 3)
        if kind == "recording":
            client.say("sink", id="recording", on=True)
            client.wait_for("recording")
            pump(client, data, 4)
            client.say("sink", id="recording", on=False)
        else:
            client.say("snapshot")
        made = client.wait_for(kind)
        address = f"{studio.root}/api/v1/live/files/{made['id']}"
        content = httpx.get(address, headers=BEARER).content
    found = _inspected(tmp_path, f"made.{'mp4' if kind == 'recording' else 'png'}", content)
    assert found.state == "trusted"
    assert found.latest is not None
    assert found.latest.actions == ("c2pa.created",)
    assert found.latest.statements["report"]["figures"]["frames"] > 0
