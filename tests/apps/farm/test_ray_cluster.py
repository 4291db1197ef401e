"""Two nodes of Ray on this machine, one of which leaves in the middle of a film."""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from farm_jobs import same_film

from masquerade.apps.farm import ray_check, ray_knock, ray_session
from masquerade.apps.farm.ray_session import RaySession
from masquerade.apps.jobs.liveness import WorkerName
from masquerade.core.errors import RuntimeSetupError, SettingsError

pytest.importorskip("ray")


@pytest.mark.long
@pytest.mark.parametrize("files", ["auto", "store"])
def test_a_node_that_leaves_costs_nothing_but_time(film, undisturbed, tmp_path, files):
    output = tmp_path / "out.mp4"
    folders = [Path(__file__).parent, Path(__file__).parents[1]]
    done = subprocess.run(
        [sys.executable, str(folders[0] / "two_nodes.py"), str(film), str(output), files],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, folders), *sys.path])},
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["state"] == "done", told
    assert told["slots"] == [2]
    assert told["shared"] == (files == "auto")
    assert same_film(output, undisturbed)
    assert all(ipaddress.ip_address(item).is_loopback for item in map(plain, told["addresses"]))
    assert told["addresses"]
    assert "another file of the model swapper (abababababab" in told["other"]
    assert "let in" not in told["stranger"]["ray"]
    seconds, _, said = told["stranger"]["ours"].partition(" s: ")
    assert "does not take our token (" in said
    assert float(seconds) < 20  # 1.2 here; Ray's own word comes after 30


def plain(address: str) -> str:
    """IPv4 addresses may be written as IPv6 ones."""
    return address.removeprefix("::ffff:")


def test_without_ray_there_is_a_sentence(monkeypatch):
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(ray_session.importlib, "import_module", missing)
    with pytest.raises(RuntimeSetupError, match=r"Ray is not installed.*masquerade\[cluster\]"):
        RaySession("")


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.5",
        "10.0.0.5:",
        ":6379",
        "nonsense",
        "auto",
        "ray://10.0.0.5:10001",
        "10.0.0.5:70000",
    ],
)
def test_what_is_no_address_is_a_sentence(address):
    with pytest.raises(SettingsError, match="HOST:PORT"):
        RaySession(address)


def test_a_cluster_elsewhere_needs_a_token(monkeypatch, tmp_path):
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SettingsError, match="There is no token"):
        RaySession("10.0.0.5:6379")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Version mismatch: The cluster was started with Ray: 2.40", "another version of Ray"),
        ("InvalidAuthToken: authentication failed", "does not take our token"),
        ("failed to connect to GCS", "No Ray cluster answers at 127.0.0.1:6379"),
    ],
)
def test_what_ray_says_becomes_a_sentence(monkeypatch, said, meant):
    def init(**options):
        raise RuntimeError(said)

    monkeypatch.setattr(ray_session, "_import_ray", lambda: stand_in(init))
    monkeypatch.setattr(ray_session, "knock", lambda _host, _port: "")
    for name in ray_session.LOOPBACK_ENVIRONMENT:
        monkeypatch.setenv(name, os.environ.get(name, ""))
    with pytest.raises(RuntimeSetupError, match=meant):
        RaySession("127.0.0.1:6379")


def stand_in(init):
    """What we use of Ray, with another beginning."""
    exceptions = SimpleNamespace(RayError=type("RayError", (Exception,), {}))
    return SimpleNamespace(init=init, shutdown=lambda: None, exceptions=exceptions)


def test_a_cluster_of_our_own_is_never_one_that_somebody_else_runs(monkeypatch):
    given = {}
    monkeypatch.setattr(ray_session, "_import_ray", lambda: stand_in(given.update))
    for name in (*ray_session.LOOPBACK_ENVIRONMENT, "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    RaySession("", cores=1)
    assert (given["address"], given["include_dashboard"]) == ("local", False)


def test_where_nobody_listens_that_is_said_at_once():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(RuntimeSetupError, match=f"No Ray cluster answers at 127.0.0.1:{port}"):
        RaySession(f"127.0.0.1:{port}")


def test_where_something_else_listens_nobody_waits_for_ray(monkeypatch):
    monkeypatch.setattr(ray_knock, "_ANSWER_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(RuntimeSetupError, match="does not answer as Ray does"):
            RaySession(f"127.0.0.1:{port}")


def test_a_probe_that_a_killed_driver_has_left_is_swept_and_no_other(workplace):
    dead = subprocess.run(
        [sys.executable, "-c", "from masquerade.apps.jobs.liveness import WorkerName\n"
         "print(WorkerName.own())"], capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name, owner in (("dead", dead), ("alive", f"{WorkerName.own()}\n"), ("old", "")):
        (workplace / f".masquerade-{name}").write_text(f"{owner}00")
    (workplace / ".masquerade.toml").write_text("mine")
    with ray_check._probe(workplace) as (path, words):
        assert path.read_bytes() == words
    left = {path.name for path in workplace.iterdir()}
    assert left == {".masquerade-alive", ".masquerade-old", ".masquerade.toml"}
