from __future__ import annotations

import donor_photos
import pytest

from masquerade.core.settings import Settings
from masquerade.stages.swap import Swap


@pytest.fixture
def astronaut_swap() -> Swap:
    return Swap({"astronaut": donor_photos.donor("astronaut")}, Settings())
