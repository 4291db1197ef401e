"""A film, a donor, a job file and a store of the farm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from farm_jobs import add_job
from talking_film import make_film

from masquerade.apps.farm.driver import Driver
from masquerade.apps.farm.local import LocalExecutor
from masquerade.apps.farm.own_store import open_store
from masquerade.apps.farm.share import Share

MONA = Path(__file__).parents[3] / "src/masquerade/media/assets/mona_lisa.jpg"
JobFile = Callable[..., Path]


@pytest.fixture(scope="session")
def film(tmp_path_factory) -> Path:
    return make_film(tmp_path_factory.mktemp("films") / "film.mp4", 120)


@pytest.fixture
def store():
    with open_store() as store:
        yield store


@pytest.fixture
def job_file(film: Path, tmp_path: Path) -> JobFile:
    """Writes a job file, with lines of one's own instead of the usual ones, or behind them."""

    def write(*more: str, name: str = "job.toml", **changes: str) -> Path:
        lines = {
            "targets": f'["{film}"]',
            "output": '"out/{stem}.mp4"',
            "donor": f'"{MONA}"',
            "consent": '"public-domain"',
            "segment_s": "1",
        }
        lines = {key: value for key, value in {**lines, **changes}.items() if value}
        text = "\n".join([*(f"{key} = {value}" for key, value in lines.items()), *more])
        path = tmp_path / name
        path.write_text(text + "\n")
        return path

    return write


@pytest.fixture(scope="session")
def undisturbed(film, tmp_path_factory) -> Path:
    """The film, done by one worker that nobody disturbs."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASQUERADE_HOME", str(folder / "home"))
        with open_store() as store, LocalExecutor(Share(1)) as executor:
            job = add_job(store, film, folder / "out.mp4")
            Driver(store, executor).run()
            assert store.get(job.id).state == "done", store.get(job.id).failure
    return folder / "out.mp4"
