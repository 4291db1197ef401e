"""The files of a rack: the cluster's YAML by Ray's own check, the Dockerfile by what it copies."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
YAML, DOCKERFILE = ROOT / "deploy/ray-cluster.yaml", ROOT / "Dockerfile"


@pytest.fixture(scope="module")
def cluster() -> dict[str, Any]:
    """As Ray reads it, after its own check, which knows no key that it has not."""
    pytest.importorskip("ray")
    yaml = pytest.importorskip("yaml")
    from ray.autoscaler._private.util import prepare_config, validate_config

    config: dict[str, Any] = prepare_config(yaml.safe_load(YAML.read_text(encoding="utf-8")))
    validate_config(config)
    return config


def test_ray_takes_the_cluster_and_all_its_nodes(cluster):
    assert cluster["max_workers"] == len(cluster["provider"]["worker_ips"])
    node_types = cluster["available_node_types"].values()
    assert sum(kind.get("min_workers", 0) for kind in node_types) == cluster["max_workers"]


def test_what_starts_ray_are_commands_that_it_has(cluster):
    from ray.scripts.scripts import start

    known = {option for item in start.params for option in item.opts}
    ports = set()
    for commands in (cluster["head_start_ray_commands"], cluster["worker_start_ray_commands"]):
        words = shlex.split(next(line for line in commands if line.startswith("ray start")))
        options = [word.partition("=")[0] for word in words if word.startswith("--")]
        assert set(options) <= known, set(options) - known
        assert "--disable-usage-stats" in options
        ports |= set(re.findall(r"--port=(\d+)|RAY_HEAD_IP:(\d+)", " ".join(words)))
    assert {port for pair in ports for port in pair if port} == {"6379"}
    assert "--include-dashboard=false" in " ".join(cluster["head_start_ray_commands"])


def test_every_node_gets_the_token_and_asks_for_it(cluster):
    assert cluster["file_mounts"] == {"~/.ray/auth_token": "~/.ray/auth_token"}
    assert "RAY_AUTH_MODE=token" in DOCKERFILE.read_text(encoding="utf-8")


def test_the_dockerfile_copies_what_is_there_and_what_is_let_through():
    let_through = {
        line[1:].rstrip("/")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    lines = DOCKERFILE.read_text(encoding="utf-8").splitlines()
    copied = [line.split()[1:-1] for line in lines if re.match(r"COPY (?!--from)", line)]
    for name in [name for names in copied for name in names]:
        assert (ROOT / name).exists(), name
        assert name in let_through, name
    assert let_through == {name for names in copied for name in names}


def test_the_lock_has_the_programs_that_the_cluster_runs():
    lock = (ROOT / "requirements/cluster.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([a-z0-9-]+)==([0-9.]+)", lock, re.MULTILINE))
    assert {"ray", "onnxruntime", "av", "hatchling"} <= set(pinned)
    assert len(re.findall(r"^onnxruntime==", lock, re.MULTILINE)) == 1  # sed reads it
