"""A connection to a Ray cluster, or a cluster of this machine's own.

Whoever reaches a Ray cluster runs what he likes on it, so one that is started here listens on the
loopback interface alone and asks for a token that is made anew each time, and others are spoken to
with a token unless the environment says otherwise. Ray tells nobody that it is used.
"""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from masquerade.apps.farm.ray_knock import knock
from masquerade.core.errors import RuntimeSetupError, SettingsError
from masquerade.core.lifetimes import Closing

__all__ = ["LOOPBACK_ENVIRONMENT", "RaySession", "on_node"]

LOOPBACK_ENVIRONMENT = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # by its name a matter of other systems: it binds to
    "RAY_USAGE_STATS_ENABLED": "0",            # 127.0.0.1 on Linux too
    "RAY_AUTH_MODE": "token",
}  # fmt: skip
"""What has a cluster on this machine heard by this machine alone; read when Ray is imported."""

_TOKEN_FILE = Path(".ray") / "auth_token"
_MOST_PORT = 65535
_OBJECTS_BYTES = 256 * 2**20


class RaySession(Closing):
    """Ray, connected.

    Args:
        address: HOST:PORT of a cluster; empty starts one here, which ends with this session.
        cores: of a cluster that is started here; None takes all.

    Attributes:
        ray: the module.

    Raises:
        RuntimeSetupError: Ray is missing or of another version than the cluster's, there is no
            cluster, or it does not take our token.
        SettingsError: the address is none, or a cluster elsewhere would be used without a token.
    """

    def __init__(self, address: str, *, cores: int | None = None) -> None:
        self.own = not address
        _prepare(address)
        self.ray = _import_ray()
        options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
        if self.own:
            options |= {
                "address": "local",  # else Ray takes one that somebody runs on this machine
                "include_dashboard": False,
                "num_cpus": cores,
                "object_store_memory": _OBJECTS_BYTES,
            }
        else:
            if refused := knock(*_host_and_port(address)):
                raise _no_cluster(address, refused)
            options["address"] = address
        try:
            self.ray.init(**options)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise _no_cluster(address, str(error)) from error
        except self.ray.exceptions.RayError as error:
            raise _no_cluster(address, str(error)) from error

    @property
    def here(self) -> str:
        """Id of the node that this process is on."""
        found: str = self.ray.get_runtime_context().get_node_id()
        return found

    def nodes(self) -> dict[str, str]:
        """The nodes that are alive: their names by id."""
        return {
            node["NodeID"]: node["NodeManagerHostname"] or node["NodeManagerAddress"]
            for node in self.ray.nodes()
            if node["Alive"]
        }

    @contextlib.contextmanager
    def speaking(self) -> Iterator[None]:
        """Turn what Ray raises within the block into an error of ours.

        Raises:
            RuntimeSetupError: the cluster does not answer.
        """
        try:
            yield
        except (self.ray.exceptions.RayError, ConnectionError) as error:
            text = " ".join(str(error).split())[:300]
            raise RuntimeSetupError(
                f"The Ray cluster does not answer any more ({type(error).__name__}: {text}); run "
                "the farm again when it is there, and the jobs go on."
            ) from error

    def close(self) -> None:
        """Leave the cluster, which ends where it was started here; may be called twice."""
        with contextlib.suppress(OSError, RuntimeError):
            self.ray.shutdown()


def on_node(node_id: str) -> dict[str, Any]:
    """The options of what is to run on that node and on no other."""
    strategies = importlib.import_module("ray.util.scheduling_strategies")
    return {"scheduling_strategy": strategies.NodeAffinitySchedulingStrategy(node_id, soft=False)}


def _prepare(address: str) -> None:
    """Set what Ray reads from the environment when it is imported."""
    if not address or _is_loopback(address):
        for name, value in LOOPBACK_ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        if not address:
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    mode = os.environ.setdefault("RAY_AUTH_MODE", "token")
    given = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ)
    if mode == "token" and not given and not (Path.home() / _TOKEN_FILE).is_file():
        raise SettingsError(
            f"There is no token for the cluster at {address}; put the one it was started with into "
            "RAY_AUTH_TOKEN_PATH or RAY_AUTH_TOKEN (see docs/farm.md)."
        )


def _host_and_port(address: str) -> tuple[str, int]:
    host, _colon, port = address.rpartition(":")
    host = host.strip("[]")
    if not port.isdecimal() or int(port) > _MOST_PORT or not host or "/" in host:
        raise SettingsError(
            f"{address!r} is no address of a cluster; write HOST:PORT, as `ray start` prints it."
        )
    return host, int(port)


def _is_loopback(address: str) -> bool:
    host, _port = _host_and_port(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _import_ray() -> Any:
    try:
        ray = importlib.import_module("ray")
        importlib.import_module("ray.exceptions")
    except ImportError as error:
        raise RuntimeSetupError(
            "Ray is not installed, and --ray needs it; install masquerade[cluster]."
        ) from error
    return ray


def _no_cluster(address: str, why: str) -> RuntimeSetupError:
    text = " ".join(why.split())
    if "ersion mismatch" in text:
        return RuntimeSetupError(
            f"The cluster at {address} runs another version of Ray or Python than this program "
            f"({text[:300]}); install the same on both."
        )
    if "uthenticat" in text or "token" in text:
        return RuntimeSetupError(
            f"The cluster at {address} does not take our token ({text.partition('. ')[0]}); set "
            "RAY_AUTH_TOKEN_PATH to the one it was started with."
        )
    where = f"No Ray cluster answers at {address}" if address else "Ray cannot be started here"
    return RuntimeSetupError(f"{where} ({text[:300]}); check the address, or leave --ray out.")
