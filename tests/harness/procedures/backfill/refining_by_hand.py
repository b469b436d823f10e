"""`prefect deployment run` and a worker in one, by hand: against the real server, in no time.

Covers: the refusal of a name without a flow; one flow run from its trigger to its end, and the
lineage it reports, each wrong on cue.
Not here: Prefect's own command and worker, which the rehearsal runs (``tests/rehearsals``).

Run as a program; imports nothing of ours and nothing of Prefect's.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime
from typing import Any

WRONG = "REFINING_BY_HAND"
"""Variable: what goes wrong."""
FAULTS = frozenset(
    {
        "deployment-absent",
        "flow-fails",
        "lineage-fails",
        "never-ends",
        "no-lineage",
        "parent-only",
        "wrong-namespace",
        "wrong-run-id",
    }
)
JOB = "hotpass.pipeline.aviation"


def main(argv: list[str]) -> int:
    """Do as `prefect deployment run NAME --watch --tag TAG` does."""
    name, wrong = argv[2], os.environ.get(WRONG, "")
    flow, _, deployment = name.partition("/")
    if not deployment:
        sys.stderr.write(f"ValueError: Invalid deployment name format: {name}.\n")
        return 1
    try:
        found = ask(f"/deployments/name/{flow}/{deployment}")
    except urllib.error.HTTPError as refused:
        sys.stderr.write(f"Deployment {name!r} not found! ({refused.code})\n")
        return 1
    body = {"tags": [argv[argv.index("--tag") + 1]]}
    run = ask(f"/deployments/{found['id']}/create_flow_run", body)["id"]
    set_state(run, "PENDING")
    set_state(run, "RUNNING")
    if wrong == "never-ends":
        return 0
    report(run, wrong)
    ends = "FAILED" if wrong == "flow-fails" else "COMPLETED"
    set_state(run, ends)
    sys.stdout.write(f"Flow run finished in state {ends}.\n")
    return 0 if ends == "COMPLETED" else 1


def report(run: str, wrong: str) -> None:
    """Send START and COMPLETE of one lineage run."""
    if wrong == "no-lineage":
        return
    foreign = wrong in ("wrong-run-id", "parent-only")
    facets: dict[str, Any] = {}
    if wrong == "parent-only":
        facets["parent"] = {
            "_producer": "https://example.org/by-hand",
            "_schemaURL": "https://openlineage.io/spec/facets/1-0-0/ParentRunFacet.json",
            "run": {"runId": run},
            "job": {"namespace": "prefect", "name": "hotpass-refinement-pipeline"},
        }
    space = "somebody.else" if wrong == "wrong-namespace" else "hotpass.local"
    run_id = str(uuid.uuid4()) if foreign else run
    for kind in ("START", "FAIL" if wrong == "lineage-fails" else "COMPLETE"):
        event = {
            "eventType": kind,
            "eventTime": datetime.now(UTC).isoformat(),
            "producer": "https://example.org/by-hand",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": run_id, "facets": facets},
            "job": {"namespace": space, "name": JOB},
            "inputs": [{"namespace": space, "name": "/by/hand/in.xlsx"}],
            "outputs": [{"namespace": space, "name": "/by/hand/out.xlsx"}],
        }
        send(f"{os.environ['OPENLINEAGE_URL']}/api/v1/lineage", event)


def set_state(run: str, kind: str) -> None:
    """Write a state as a worker does."""
    state = {"type": kind, "name": kind.capitalize(), "message": "by hand"}
    ask(f"/flow_runs/{run}/set_state", {"state": state, "force": True})


def ask(path: str, body: Any = None) -> dict[str, Any]:
    """Ask Prefect's API."""
    found: dict[str, Any] = json.loads(send(f"{os.environ['PREFECT_API_URL']}{path}", body))
    return found


def send(url: str, body: Any = None) -> bytes:
    """Send JSON; asked again while SQLite is locked."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})  # noqa: S310 - loopback
    for _ in range(50):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
                said: bytes = answer.read()
                return said
        except urllib.error.HTTPError as busy:
            if busy.code != 503:
                raise
    raise TimeoutError(f"{url} is busy for ever")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
