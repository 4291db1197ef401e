"""How much memory the program that submits and drives jobs takes, whatever the donors' photos."""

from __future__ import annotations

import subprocess
import sys

import pytest
from farm_jobs import MONA
from PIL import Image

from masquerade.apps.farm import donor_facts
from masquerade.apps.farm.donor_facts import read_donors
from masquerade.core.errors import NoFaceInDonorError, RuntimeSetupError

MOST_MB = 300
PROGRAM = """
import sys
from pathlib import Path
from masquerade.apps.cli import main
code = main(sys.argv[1:])
lines = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
sys.exit(code)
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
def test_submitting_and_driving_stay_below_300_mb_with_a_photo_of_25_megapixels(job_file, tmp_path):
    photo = tmp_path / "large.jpg"
    Image.open(MONA).resize((5000, 5000)).save(photo)  # 75 MB when decoded
    path = job_file(donor=f'"{photo}"')
    assert peak_mb("farm", "submit", str(path)) < MOST_MB
    assert peak_mb("farm", "run", "--workers", "1") < MOST_MB
    assert (tmp_path / "out/film.mp4").exists()


def peak_mb(*words: str) -> float:
    command = [sys.executable, "-c", PROGRAM, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1]) / 1024


def test_facts_of_donors_come_in_their_order(tmp_path):
    copy = tmp_path / "anna.jpg"
    copy.write_bytes(MONA.read_bytes())
    mona, anna = read_donors({(MONA,): "", (copy,): ""})
    assert (mona.name, anna.name) == ("mona_lisa", "anna")
    assert (mona.mark, mona.identity) == (anna.mark, anna.identity)
    assert not mona.minor


def test_errors_come_as_they_were_raised(tmp_path):
    photo = tmp_path / "wall.jpg"
    Image.new("RGB", (200, 200), "white").save(photo)
    with pytest.raises(NoFaceInDonorError, match=r"job\.toml, line 3: donor: The donor photo"):
        read_donors({(MONA,): "one", (photo,): "job.toml, line 3: donor"})


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("kill -9 $$", r"was killed \(signal 9\)"),
        ("echo no memory >&2; exit 3", r"ended \(no memory\)"),
    ],
)
def test_a_reader_that_dies_is_a_sentence(monkeypatch, tmp_path, program, words):
    broken = tmp_path / "python"
    broken.write_text(f"#!/bin/sh\n{program}\n")
    broken.chmod(0o755)
    monkeypatch.setattr(donor_facts.sys, "executable", str(broken))
    with pytest.raises(RuntimeSetupError, match=words):
        read_donors({(MONA,): ""})
