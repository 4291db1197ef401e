"""What every test of the studio starts from."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from importlib.resources import as_file
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from live_client import DONORS
from studio_harness import TOKEN, Configure, Running, served

from masquerade import Identity
from masquerade.apps.studio import app as studio_app
from masquerade.apps.studio.config import StudioConfig
from masquerade.apps.studio.live import room
from masquerade.apps.studio.services import open_services
from masquerade.core.errors import MissingInputError
from masquerade.engine.live_options import LiveOptions
from masquerade.media.puppet import bundled_photo
from masquerade.testing import no_leaked_threads, play


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Makes a configuration with a known token in a folder of the test."""

    def config(**changes: Any) -> StudioConfig:
        return StudioConfig(**{"folder": tmp_path / "studio", "token": TOKEN, "port": 0, **changes})

    return config


@pytest.fixture(scope="session")
def people() -> dict[str, Identity]:
    """Identities of the bundled photos, by the ids of DONORS."""

    def enrol(name: str) -> Identity:
        with as_file(bundled_photo(name)) as path:
            return Identity.from_photos(path)

    return {DONORS[name]: enrol(name) for name in DONORS}


@pytest.fixture(scope="session")
def talk() -> tuple[list[np.ndarray], list[Any]]:
    """Pictures of a talking head, uint8 (240, 320, 3) BGR, with its truth."""
    with play("talk", size_wh=(320, 240), rate=8) as source:
        pairs = list(source.pairs())
    return [frame.pixels for frame, _ in pairs], [truth for _, truth in pairs]


@pytest.fixture
def with_people(people: dict[str, Identity], monkeypatch: pytest.MonkeyPatch) -> None:
    """Studios of this test know the identities of `people`."""

    def find(donor: str) -> tuple[Identity, str]:
        if donor not in people:
            raise MissingInputError(f"There is no identity {donor}; add one first.")
        return people[donor], "public-domain"

    monkeypatch.setattr(
        studio_app,
        "open_services",
        lambda config: dataclasses.replace(open_services(config), find_donor=find),
    )


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, no frame is given up for being late."""
    monkeypatch.setattr(room, "LiveOptions", functools.partial(LiveOptions, deadline_s=60))


@pytest.fixture
def studio(configure: Configure, with_people: None, patient: None) -> Iterator[Running]:
    """A studio on real sockets that knows `people`; no thread of it is left."""
    with no_leaked_threads(), served(configure()) as running:
        yield running
