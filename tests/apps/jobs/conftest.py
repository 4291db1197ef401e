"""Films and a queue of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from talking_film import make_film

from masquerade.apps.jobs.queue import JobQueue


@pytest.fixture(scope="session")
def film(tmp_path_factory) -> Path:
    return make_film(tmp_path_factory.mktemp("films") / "film.mp4")


@pytest.fixture(scope="session")
def long_film(tmp_path_factory) -> Path:
    return make_film(tmp_path_factory.mktemp("films") / "long.mp4", 200)


@pytest.fixture
def queue(tmp_path: Path):
    with JobQueue(tmp_path / "jobs", idle_s=30.0) as queue:
        yield queue
