"""Started by its test: two nodes with homes of their own draw a folder of pictures; one leaves.

Writes one line of JSON. A process of its own, as ``two_nodes.py``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from two_nodes import QUICK

from masquerade.apps.farm.ray_session import LOOPBACK_ENVIRONMENT, RaySession


def main(file: Path, homes: Path, files: str) -> None:
    """Do the job file, and take a node away as soon as a batch is finished."""
    os.environ.update({**LOOPBACK_ENVIRONMENT, **QUICK, "RAY_AUTH_TOKEN": "0123456789abcdef" * 4})
    from ray.cluster_utils import Cluster

    from masquerade.apps.farm.driver import Driver
    from masquerade.apps.farm.job_file import read_job_file
    from masquerade.apps.farm.journal import Journal
    from masquerade.apps.farm.local import LocalExecutor
    from masquerade.apps.farm.node_facts import NodeFacts
    from masquerade.apps.farm.own_store import open_store
    from masquerade.apps.farm.ray_check import check_nodes
    from masquerade.apps.farm.ray_cluster import RayExecutor
    from masquerade.apps.farm.share import Share
    from masquerade.apps.farm.submission import make_specs
    from masquerade.trust.audit import AuditLog

    os.environ["MASQUERADE_HOME"] = str(homes / "nodes")
    head = {"num_cpus": 1, "include_dashboard": False, "node_ip_address": "127.0.0.1"}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    second = cluster.add_node(num_cpus=1, node_ip_address="127.0.0.1")
    cluster.wait_for_nodes()
    os.environ["MASQUERADE_HOME"] = str(homes / "driver")
    with (
        RaySession(cluster.address) as session,
        LocalExecutor(Share(1)) as home,
        open_store() as store,
    ):
        (spec,) = make_specs(read_job_file(file))
        shared = check_nodes(session, NodeFacts.here(()), (), [spec.output.parent], files)
        (job,) = store.add_farm([(spec, 0)])
        with RayExecutor(session, home, shared=shared) as executor:
            signed, taken = [], []
            submit, took = home.submit, executor.results

            def spied(task):
                signed.append((task.number, (task.folder / f"{task.number:06d}.drawn").exists()))
                submit(task)

            def results(timeout_s: float):
                if Journal(store).count(job.id) == 1 and not taken:
                    taken.append(executor.slots)
                    cluster.remove_node(second, allow_graceful=False)
                return took(timeout_s)

            home.submit, executor.results = spied, results
            Driver(store, executor).run()
        found = store.get(job.id)
        told = {
            "state": found.state,
            "failure": str(found.failure),
            "report": found.report,
            "signed": signed,
            "slots": taken,
            "log": [line.text for line in Journal(store).lines(job.id)],
            "refused": [entry.event for entry in AuditLog().entries() if entry.event == "refused"],
        }
    cluster.shutdown()
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
