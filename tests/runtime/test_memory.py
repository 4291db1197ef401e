"""Freed memory goes back to the system."""

from __future__ import annotations

import sys

import numpy as np
import psutil
import pytest

from masquerade.runtime.memory import return_freed_memory


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps freed memory")
def test_freed_memory_is_given_back():
    # Small enough to come from the heap, with a survivor at its end that keeps it from shrinking.
    blocks = [np.ones(15_000) for _ in range(1000)]
    del blocks[:-1]
    before = psutil.Process().memory_info().rss
    return_freed_memory()
    assert before - psutil.Process().memory_info().rss > 50_000_000
    assert blocks[0].sum() == 15_000
