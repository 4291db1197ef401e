"""What every test has: a home of its own, so that none signs as whoever runs it, and Ctrl-C."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

# Several folders have one; as modules with doctests they would be taken for one another.
collect_ignore_glob = ["*conftest.py"]


@pytest.fixture(autouse=True, scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    if "MASQUERADE_HOME" in os.environ:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASQUERADE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _interruptible() -> None:
    """A shell that starts us in the background has the programs of the tests ignore Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
