"""Started by its test: a cluster of two nodes on this machine does a film while one node leaves.

Writes one line of JSON. A process of its own, since Ray keeps threads and settings of the
environment for as long as the process lives.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from masquerade.apps.farm.ray_session import LOOPBACK_ENVIRONMENT, RaySession

QUICK = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
}


def main(film: Path, output: Path, files: str) -> None:
    """Do the film, and take a node away as soon as both work."""
    os.environ.update({**LOOPBACK_ENVIRONMENT, **QUICK, "RAY_AUTH_TOKEN": "0123456789abcdef" * 4})
    from farm_jobs import add_job
    from ray.cluster_utils import Cluster

    from masquerade.apps.farm.driver import Driver
    from masquerade.apps.farm.journal import Journal
    from masquerade.apps.farm.local import LocalExecutor
    from masquerade.apps.farm.node_facts import NodeFacts
    from masquerade.apps.farm.own_store import open_store
    from masquerade.apps.farm.ray_check import check_nodes
    from masquerade.apps.farm.ray_cluster import RayExecutor
    from masquerade.apps.farm.share import Share

    head = {"num_cpus": 1, "include_dashboard": False, "node_ip_address": "127.0.0.1"}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    second = cluster.add_node(num_cpus=1, node_ip_address="127.0.0.1")
    cluster.wait_for_nodes()
    told = {}
    with (
        RaySession(cluster.address) as session,
        LocalExecutor(Share(1)) as home,
        open_store() as store,
    ):
        told["addresses"] = listening()
        facts = NodeFacts.here(())
        told["shared"] = check_nodes(session, facts, (), [output.parent], files)
        told["other"] = refused(session, facts, output.parent)
        told["stranger"] = stranger(cluster.address)
        job = add_job(store, film, output)
        with RayExecutor(session, home, shared=told["shared"]) as executor:
            driver = Driver(store, executor)
            took, taken = executor.results, []

            def results(timeout_s: float):
                if Journal(store).count(job.id) == 1 and not taken:
                    taken.append(executor.slots)
                    cluster.remove_node(second, allow_graceful=False)
                return took(timeout_s)

            executor.results = results
            driver.run()
        found = store.get(job.id)
        told |= {"state": found.state, "slots": taken, "failure": str(found.failure)}
        told["log"] = [line.text for line in Journal(store).lines(job.id)]
    cluster.shutdown()
    sys.stdout.write(json.dumps(told) + "\n")


def refused(session: RaySession, facts, folder: Path) -> str:
    """What is said where a node has another file of a model than this machine."""
    from dataclasses import replace

    from masquerade.apps.farm.ray_check import check_nodes
    from masquerade.core.errors import ModelError

    wrong = replace(facts, models={**facts.models, "swapper": "ab" * 32})
    try:
        check_nodes(session, wrong, (), [folder], "auto")
    except ModelError as error:
        return str(error)
    return ""


def stranger(address: str) -> dict[str, str]:
    """What programs without the token get of the cluster: Ray's own, and ours."""
    import subprocess

    codes = {
        "ray": f"import ray; ray.init(address={address!r}, log_to_driver=False); print('let in')",
        "ours": "import time\n"
        "from masquerade.apps.farm.ray_session import RaySession\n"
        "from masquerade.core.errors import RuntimeSetupError\n"
        "begun_s = time.monotonic()\n"
        f"try:\n    RaySession({address!r})\n    print('let in')\n"
        "except RuntimeSetupError as error:\n"
        "    print(round(time.monotonic() - begun_s, 1), 's:', error)",
    }
    said = {}
    for name, code in codes.items():
        environment = {**os.environ, "RAY_AUTH_TOKEN": "f" * 64}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment, capture_output=True, text=True, check=False, timeout=90,
        )  # fmt: skip
        said[name] = done.stdout + done.stderr[-2000:]
    return said


def listening() -> list[str]:
    """Addresses on which this process's children listen."""
    import psutil

    found = set()
    for process in psutil.Process().children(recursive=True):
        for connection in process.net_connections(kind="inet"):
            if connection.status == psutil.CONN_LISTEN:
                found.add(connection.laddr.ip)
    return sorted(found)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
