"""Published models are fetched, checked, and trusted ever after as they came first."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import signal
import subprocess
import sys

import numpy as np
import onnx
import pytest
from model_server import ModelServer, wait_for

from masquerade.core.errors import DownloadError, LicenceError, ModelError
from masquerade.models import catalogue as catalogue_module
from masquerade.models import library as library_module
from masquerade.models.catalogue import catalogue
from masquerade.models.library import Library
from masquerade.models.licences import Licences
from masquerade.models.pull import Pull
from masquerade.testing.networks.functional import draw_functional

NAME = "ghost_1_256"  # nobody told its hash
FILE = f"{NAME}.onnx"
QUICK = Pull(pause_s=0.01, timeout_s=5)


def network(name: str = NAME, mark: int = 0) -> bytes:
    model = draw_functional(name)
    padding = np.full(750_000, mark, np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(padding, "padding"))
    return model.SerializeToString()


DATA = network()


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("MASQUERADE_OFFLINE", "1")  # this machine alone
    with ModelServer({FILE: DATA}) as running:
        monkeypatch.setenv("MASQUERADE_MIRRORS", running.address)
        yield running


@pytest.fixture
def library(server) -> Library:
    library = Library()
    library.licences.accept(library.spec(NAME))
    return library


def state_hash(monkeypatch, name: str, sha256: str, *, verified: bool) -> None:
    """Let the registry say another hash of a model's first file."""
    spec = catalogue()[name]
    file = dataclasses.replace(spec.files[0], sha256=sha256, verified=verified)
    changed = {**catalogue(), name: dataclasses.replace(spec, files=(file, *spec.files[1:]))}
    for module in (catalogue_module, library_module):
        monkeypatch.setattr(module, "catalogue", lambda: changed)


def test_a_model_is_fetched(library, server, tmp_path):
    here = library.pull(NAME, QUICK)
    assert here.path == tmp_path / "home" / "models" / NAME / FILE
    assert here.path.read_bytes() == DATA
    assert here.main.trust == "first use"
    assert here.main.origin == f"{server.address}/{FILE}"
    server.asked.clear()
    assert library.pull(NAME, QUICK) == here
    assert server.asked == [], "what is here is not fetched again"


def test_nothing_is_fetched_before_the_licence_is_accepted(server):
    with pytest.raises(LicenceError):
        Library().pull(NAME, QUICK)
    assert server.asked == []


def test_what_came_first_must_be_the_same_ever_after(library, server):
    library.pull(NAME, QUICK)
    library.remove(NAME)
    server.files[FILE] = network(mark=1)
    with pytest.raises(DownloadError, match=r"this machine had it first.*--trust"):
        library.pull(NAME, QUICK)
    assert library.find(NAME) is None
    library.pull(NAME, dataclasses.replace(QUICK, trust=True))
    library.remove(NAME)
    server.files[FILE] = DATA
    with pytest.raises(DownloadError, match="this machine had it first"):
        library.pull(NAME, QUICK)


@pytest.mark.parametrize(("verified", "trust"), [(True, "publisher"), (False, "reported")])
def test_the_stated_hash_is_checked(library, monkeypatch, verified, trust):
    state_hash(monkeypatch, NAME, hashlib.sha256(DATA).hexdigest(), verified=verified)
    assert library.pull(NAME, QUICK).main.trust == trust


def test_another_hash_than_the_publisher_states_is_never_taken(library, monkeypatch):
    state_hash(monkeypatch, NAME, "0" * 64, verified=True)
    with pytest.raises(DownloadError, match="it was deleted"):
        library.pull(NAME, dataclasses.replace(QUICK, trust=True))
    assert [path.name for path in (library.folder / NAME).iterdir()] == []


def test_another_hash_than_was_reported_is_taken_on_trust(library, monkeypatch):
    state_hash(monkeypatch, NAME, "0" * 64, verified=False)
    with pytest.raises(DownloadError, match="others reported it"):
        library.pull(NAME, QUICK)
    assert library.pull(NAME, dataclasses.replace(QUICK, trust=True)).main.trust == "first use"


def test_what_is_no_network_does_not_stay(library, server):
    server.files[FILE] = b"<html>please log in</html>" * 100
    with pytest.raises(DownloadError, match=r"was deleted: .*a web page"):
        library.pull(NAME, QUICK)
    assert [path.name for path in (library.folder / NAME).iterdir()] == []
    server.files[FILE] = DATA
    library.pull(NAME, QUICK)


def test_an_exporter_and_a_precision_can_be_chosen(library, server, tmp_path):
    name = "codeformer"
    library.licences.accept(library.spec(name))
    with pytest.raises(ModelError, match=r"no such file; there are: facefusion \(fp32\)"):
        library.pull(name, Pull(precision="int8"))
    with pytest.raises(DownloadError, match=r"codeformer_fp16\.onnx cannot be fetched"):
        library.pull(name, Pull(exporter="visomaster"))
    assert {asked[0] for asked in server.asked} == {
        "codeformer/codeformer_fp16.onnx",
        "codeformer_fp16.onnx",
    }


def test_a_file_that_was_not_written_down_is_taken_up(library):
    library.pull(NAME, QUICK)
    (library.folder / NAME / "installed.json").unlink()  # the process died just before
    assert library.find(NAME) is None
    assert library.pull(NAME, QUICK).path.read_bytes() == DATA


def test_another_library_is_a_mirror(library, monkeypatch, tmp_path):
    library.pull(NAME, QUICK)
    monkeypatch.setenv("MASQUERADE_MIRRORS", library.folder.as_uri())
    second = Library(tmp_path / "second", Licences())
    assert second.pull(NAME, QUICK).path.read_bytes() == DATA


def process(library: Library) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "masquerade", "models", "pull", NAME, "--alone"]
    return subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_process_is_gone_on_with(library, server, number):
    server.pause_s = 0.05
    part = library.folder / NAME / f"{FILE}.part"
    running = process(library)
    try:
        wait_for(lambda: part.exists() and part.stat().st_size > 600_000)
        running.send_signal(number)
        _, err = running.communicate(timeout=20)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGKILL)
        running.wait()
    assert running.returncode == (-9 if number == signal.SIGKILL else 130)
    if number == signal.SIGINT:
        assert b"the same command goes on from there" in err
    kept = part.stat().st_size
    assert 600_000 < kept < len(DATA)
    server.pause_s, server.asked = 0, []
    assert library.pull(NAME, QUICK).path.read_bytes() == DATA
    assert server.asked[-1][1] == f"bytes={kept}-"
    assert sorted(path.name for path in part.parent.iterdir() if "lock" not in path.name) == [
        FILE,
        "installed.json",
    ]


def test_two_processes_fetch_a_model_once(library, server):
    server.pause_s = 0.02
    both = [process(library), process(library)]
    said = [running.communicate(timeout=60) for running in both]
    assert [running.returncode for running in both] == [0, 0], said
    sent = [asked for asked in server.asked if asked[0] == FILE]
    assert len(sent) == 1
    outs = b"".join(out for out, _ in said)
    assert outs.count(b"is installed already") == 1
