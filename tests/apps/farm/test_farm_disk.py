"""A disk that is full, or cannot be written to, in the middle of a job: it fails and goes on later.

A small disk of its own (tmpfs) is needed, and leave to mount one.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from talking_film import make_film, pictures_of

from masquerade.apps.farm.driver import Driver, Outcome
from masquerade.apps.farm.job_file import read_job_file
from masquerade.apps.farm.journal import Journal
from masquerade.apps.farm.local import LocalExecutor
from masquerade.apps.farm.share import Share
from masquerade.apps.farm.submission import make_specs
from masquerade.apps.jobs.store import JobStore
from masquerade.core.errors import OutputError

pytestmark = pytest.mark.long

DISK_BYTES = 8 * 2**20
FRAMES = 75


def mount(*words: str) -> bool:
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)):
        pytest.skip("no leave to mount a disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def store(workplace, mona, disk) -> Iterator[JobStore]:
    """Of one job: a film of three pieces that goes to the disk."""
    make_film(workplace / "film.mp4", FRAMES)
    (workplace / "donor.jpg").write_bytes(mona.read_bytes())
    (workplace / "job.toml").write_text(
        f'targets = "film.mp4"\noutput = "{disk}/out/film.mp4"\ndonor = "donor.jpg"\n'
        'consent = "public-domain"\nsegment_s = 1\n'
    )
    specs = make_specs(read_job_file(workplace / "job.toml"))
    with JobStore(workplace / "jobs.sqlite") as found:
        found.add_farm([(spec, 0) for spec in specs])
        yield found


def run(store: JobStore) -> Outcome:
    with LocalExecutor(Share(1)) as executor, Driver(store, executor) as driver:
        return driver.run()


def fill(disk: Path, left: int) -> Path:
    """Take all of a disk but some bytes."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        file.write(bytes(DISK_BYTES - left))
    return filler


def test_a_full_disk_is_told_and_the_job_goes_on_when_there_is_space(store, disk) -> None:
    (job,) = store.newest()
    output = job.spec.output
    filler = fill(disk, left=160_000)  # for a piece, not for all
    assert run(store).failed
    failed = store.get(job.id)
    assert "disk is full" in failed.failure.message
    assert not output.exists()
    kept = Journal(store).count(job.id)
    filler.unlink()
    store.retry(job.id)
    assert run(store).done
    lines = [line.text for line in Journal(store).lines(job.id)]
    assert sum(" frames in " in text for text in lines) == 3, lines  # none was done twice
    assert kept < 3
    assert len(pictures_of(output)) == FRAMES
    assert [path.name for path in output.parent.iterdir()] == ["film.mp4"]


def test_a_disk_that_cannot_be_written_to(store, disk, workplace) -> None:
    (job,) = store.newest()
    assert mount("-o", "remount,ro", str(disk))
    assert run(store).failed
    assert "cannot be written to" in store.get(job.id).failure.message
    with pytest.raises(OutputError, match="cannot be written to"):
        make_specs(read_job_file(workplace / "job.toml"))
    assert mount("-o", "remount,rw", str(disk))
    store.retry(job.id)
    assert run(store).done
    assert len(pictures_of(job.spec.output)) == FRAMES
