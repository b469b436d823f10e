"""Marquez's own client as a consumer: a script for an environment of its own.

Not here: what it should print (``test_marquez_client.py``). The client's wheel brings a top-level
package ``tests`` along, which would hide ours: it can never share an environment with us.
"""

from __future__ import annotations

import importlib
import json
import sys


def read(url: str, namespace: str, job: str, dataset: str, run_id: str) -> dict[str, object]:
    """Read everything the rehearsals care about, through the client's own calls."""
    # By name: the package exists over there only, so there is nothing to type it by.
    client = importlib.import_module("marquez_client").MarquezClient(url=url)
    return {
        "dataset": client.get_dataset(namespace, dataset)["name"],
        "datasets": [row["name"] for row in client.list_datasets(namespace)["datasets"]],
        "job": client.get_job(namespace, job)["latestRun"]["id"],
        "jobs": [row["name"] for row in client.list_jobs(namespace)["jobs"]],
        "namespace": client.get_namespace(namespace)["name"],
        "namespaces": [row["name"] for row in client.list_namespaces(limit=10_000)["namespaces"]],
        "run": client.get_job_run(run_id)["state"],
        "runs": [row["id"] for row in client.list_job_runs(namespace, job)["runs"]],
        "sources": [row["name"] for row in client.list_sources()["sources"]],
        "tags": isinstance(client.list_tags()["tags"], list),
        "versions": len(client.list_dataset_versions(namespace, dataset)["versions"]),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(read(*sys.argv[1:])))
