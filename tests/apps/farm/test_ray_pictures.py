"""A folder of pictures on two nodes of Ray that know nothing of this user, one of which leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from masquerade.apps.cli import main
from masquerade.engine.locked_faces import lock_face
from masquerade.trust.deny_list import DenyList

pytest.importorskip("ray")

JOB = """
targets = ["in"]
output = "{out}/{{stem}}{{suffix}}"
donor = "donor.jpg"
consent = "public-domain"
"""
GOOD = 65
BROKEN = {
    "cut.jpg": "CorruptMediaError",
    "white.png": "NoFaceInTargetError",
    "locked.png": "LockedFaceError",
}


@pytest.fixture
def job(workplace, mona, astronaut, clip, tmp_path, monkeypatch) -> Path:
    """Three batches with three that cannot be done, one of them by the word of this user alone."""
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "homes/driver"))
    folder = workplace / "in"
    folder.mkdir()
    (workplace / "donor.jpg").write_bytes(mona.read_bytes())
    face = Image.open(astronaut).crop((150, 20, 310, 210))
    for number in range(GOOD):
        face.resize((160 + number, 190 + number)).save(folder / f"p{number}.jpg", quality=90)
    face.save(folder / "moves.gif", save_all=True, append_images=[face.rotate(3)], duration=100)
    (folder / "cut.jpg").write_bytes((folder / "p1.jpg").read_bytes()[:2000])
    Image.new("RGB", (64, 64), "white").save(folder / "white.png")
    with av.open(str(clip)) as film:
        next(film.decode(video=0)).to_image().save(folder / "locked.png")
    lock_face(folder / "locked.png", "somebody", DenyList())
    for out in ("local", "nodes"):
        (workplace / f"{out}.toml").write_text(JOB.format(out=out))
    return workplace / "nodes.toml"


@pytest.mark.long
@pytest.mark.parametrize("files", ["auto", "store"])
def test_nodes_draw_and_this_machine_signs(run, job, tmp_path, files):
    folders = [Path(__file__).parent, Path(__file__).parents[1]]
    program, homes = folders[0] / "pictures_on_nodes.py", tmp_path / "homes"
    done = subprocess.run(
        [sys.executable, str(program), str(job), str(homes), files],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, folders), *sys.path])},
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["state"] == "done", told
    assert told["slots"]
    assert sorted(number for number, _drawn in told["signed"]) == [0, 1, 2]
    assert all(drawn for _number, drawn in told["signed"])
    listed = {item["target"]: item["kind"] for item in told["report"]["first_not_written"]}
    assert listed == BROKEN
    assert told["refused"] == ["refused"]
    assert not (homes / "nodes/signing").exists()
    assert not list(job.parent.glob("nodes/.*"))

    here = run("farm", "run", job.parent / "local.toml", "--workers", "1", "--json")
    assert here.code == 9, here.err
    same = {name: here.json["jobs"][0]["report"][name] for name in COUNTED}
    assert {name: told["report"][name] for name in COUNTED} == same
    names = sorted(path.name for path in (job.parent / "local").iterdir())
    assert sorted(path.name for path in (job.parent / "nodes").iterdir()) == names
    for name in names:
        one, two = (np.asarray(Image.open(job.parent / out / name)) for out in ("local", "nodes"))
        assert np.array_equal(one, two), name
    assert main(["inspect", str(job.parent / "nodes/p7.jpg")]) == 0


COUNTED = ("frames", "faces_swapped", "pictures", "not_written", "first_not_written")
