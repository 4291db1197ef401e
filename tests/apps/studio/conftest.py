"""What every test of the studio starts from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from studio_harness import TOKEN, Configure

from masquerade.apps.studio.config import StudioConfig


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Makes a configuration with a known token in a folder of the test."""

    def config(**changes: Any) -> StudioConfig:
        return StudioConfig(**{"folder": tmp_path / "studio", "token": TOKEN, "port": 0, **changes})

    return config
