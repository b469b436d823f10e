"""What we claim of Marquez's graph: nodes, edges, when they come and when they go.

Source: ``LineageService``, ``LineageDao`` and ``JobVersionDao`` of Marquez 0.51.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.contract.conftest import JOB

if TYPE_CHECKING:
    from tests.contract.conftest import Emit, Get

T0, T1, T2 = (f"2026-11-22T01:00:0{second}Z" for second in (0, 2, 4))


def edges(graph: Sequence[dict[str, Any]], side: str = "outEdges") -> list[tuple[str, str]]:
    return sorted((edge["origin"], edge["destination"]) for node in graph for edge in node[side])


def nodes(get: Get, kind: str, namespace: str, name: str, **query: object) -> list[str]:
    """Names of the nodes around one, in the order served."""
    graph = get("lineage", nodeId=f"{kind}:{namespace}:{name}", **query).json()["graph"]
    return [node["data"]["name"] for node in graph]


def test_complete_leaves_the_whole_graph(
    emit: Emit, get: Get, namespace: str, run_id: str
) -> None:
    """N inputs and M outputs are N+M+1 nodes and N+M directed edges, each told twice."""
    emit("START", run_id, inputs=["a", "b"])
    emit("COMPLETE", run_id, at=T1, inputs=["a", "b"], outputs=["c"])
    job = f"job:{namespace}:{JOB}"
    graph = get("lineage", nodeId=job).json()["graph"]
    expected = [(f"dataset:{namespace}:{name}", job) for name in ("a", "b")]
    expected.append((job, f"dataset:{namespace}:c"))
    assert [node["id"] for node in graph] == sorted(node["id"] for node in graph)
    assert (len(graph), edges(graph)) == (4, sorted(expected))
    assert edges(graph, "inEdges") == sorted(expected)


def test_dataset_alone_while_its_job_runs(
    emit: Emit, get: Get, namespace: str, run_id: str
) -> None:
    """While its job runs, a dataset stands alone in its graph; at the end it has them all."""
    emit("START", run_id, inputs=["a"])
    assert nodes(get, "dataset", namespace, "a") == ["a"]
    emit("COMPLETE", run_id, at=T1, inputs=["a"], outputs=["b"])
    assert nodes(get, "dataset", namespace, "a") == ["a", "b", JOB]


def test_dataset_on_both_sides_is_one_node(
    emit: Emit, get: Get, namespace: str, run_id: str
) -> None:
    """A dataset read and written is one node with an edge either way."""
    emit("COMPLETE", run_id, inputs=["a"], outputs=["a"])
    job, dataset = f"job:{namespace}:{JOB}", f"dataset:{namespace}:a"
    graph = get("lineage", nodeId=job).json()["graph"]
    assert [node["id"] for node in graph] == [dataset, job]
    assert edges(graph) == sorted([(dataset, job), (job, dataset)])


@pytest.mark.parametrize(
    ("depth", "size"),
    [
        pytest.param(-1, 3, id="negative"),
        pytest.param(0, 3, id="zero"),
        pytest.param(1, 5, id="one"),
        pytest.param(2, 7, id="two"),
        pytest.param(20, 7, id="more-than-there-is"),
    ],
)
def test_depth_counts_jobs(emit: Emit, get: Get, namespace: str, depth: int, size: int) -> None:
    """Depth 0 is the job with its datasets; each step goes one job further, either way."""
    for number in range(3):
        emit(
            "COMPLETE",
            str(uuid4()),
            job=f"job{number}",
            inputs=[f"d{number}"],
            outputs=[f"d{number + 1}"],
        )
    assert len(nodes(get, "job", namespace, "job0", depth=depth)) == size
    assert len(nodes(get, "job", namespace, "job2", depth=depth)) == size


def test_empty_outputs_unlink_until_the_end(
    emit: Emit, get: Get, namespace: str, run_id: str
) -> None:
    """START of a re-run without outputs takes them out of the graph; COMPLETE puts them back."""
    emit("COMPLETE", run_id, inputs=["a"], outputs=["b"])
    again = str(uuid4())
    emit("START", again, at=T1, inputs=["a"])
    assert nodes(get, "job", namespace, JOB) == ["a", JOB]
    assert nodes(get, "dataset", namespace, "b") == ["b"]
    emit("COMPLETE", again, at=T2, inputs=["a"], outputs=["b"])
    assert nodes(get, "job", namespace, JOB) == ["a", "b", JOB]


@pytest.mark.parametrize(
    ("kind", "state"),
    [pytest.param("FAIL", "FAILED", id="fail"), pytest.param("ABORT", "ABORTED", id="abort")],
)
def test_failed_run_links_but_does_not_publish(
    emit: Emit, get: Get, namespace: str, run_id: str, kind: str, state: str
) -> None:
    """FAIL and ABORT leave edges like COMPLETE, but a new output without a current version."""
    emit("START", run_id, inputs=["a"])
    emit(kind, run_id, at=T1, inputs=["a"], outputs=["b"])
    assert get("jobs", "runs", run_id).json()["state"] == state
    assert nodes(get, "job", namespace, JOB) == ["a", "b", JOB]
    assert get("namespaces", namespace, "datasets", "b").json()["currentVersion"] is None
    assert get("namespaces", namespace, "datasets", "a").json()["currentVersion"]


def test_job_node_shows_its_run(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """A job's node carries its current run, a dataset's its source and fields."""
    emit("COMPLETE", run_id, outputs=["a"])
    graph = get("lineage", nodeId=f"job:{namespace}:{JOB}").json()["graph"]
    dataset, job = (node["data"] for node in graph)
    assert (job["latestRun"]["id"], job["latestRun"]["state"]) == (run_id, "COMPLETED")
    assert job["type"] == "BATCH"
    assert (dataset["type"], dataset["sourceName"], dataset["fields"]) == (
        "DB_TABLE",
        "default",
        [],
    )


def test_latest_version_only(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """Inputs of an earlier run that the latest did not read are gone from the graph."""
    emit("COMPLETE", run_id, at=T0, inputs=["old"], outputs=["b"])
    emit("COMPLETE", str(uuid4()), at=T1, inputs=["new"], outputs=["b"])
    assert nodes(get, "job", namespace, JOB) == ["b", "new", JOB]
    assert nodes(get, "dataset", namespace, "old") == ["old"]


def test_running_job_has_no_edges(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """After START the job is RUNNING, lists its inputs, and stands alone in the graph."""
    emit("START", run_id, inputs=["a"])
    job = get("namespaces", namespace, "jobs", JOB).json()
    assert job["latestRun"]["state"] == "RUNNING"
    assert job["inputs"] == [{"namespace": namespace, "name": "a"}]
    assert (job["currentVersion"], job["outputs"], job["facets"]) == (None, [], {})
    assert nodes(get, "job", namespace, JOB) == [JOB]


def test_streaming_job_is_linked_at_once(
    emit: Emit, get: Get, namespace: str, run_id: str
) -> None:
    """A job that says it is streaming has its edges from the first event on."""
    facet = {
        "_producer": "https://example.org",
        "_schemaURL": "https://example.org/f.json",
        "jobType": "JOB",
        "processingType": "STREAMING",
        "integration": "contract",
    }
    job = {"namespace": namespace, "name": JOB, "facets": {"jobType": facet}}
    emit("START", run_id, inputs=["a"], outputs=["b"], raw={"job": job})
    assert nodes(get, "job", namespace, JOB) == ["a", "b", JOB]
    assert get("namespaces", namespace, "jobs", JOB).json()["type"] == "STREAM"


def test_two_writers_stay(emit: Emit, get: Get, namespace: str) -> None:
    """Two jobs that write one dataset are both in its graph."""
    for number in range(2):
        emit("COMPLETE", str(uuid4()), job=f"job{number}", outputs=["shared"])
    assert nodes(get, "dataset", namespace, "shared") == ["shared", "job0", "job1"]


@pytest.mark.parametrize(
    ("node", "status"),
    [
        pytest.param("job:{}:nobody", 404, id="job"),
        pytest.param("dataset:{}:nobody", 404, id="dataset"),
        pytest.param("{}:nobody", 404, id="no-prefix"),
        pytest.param("JOB:{}:nobody", 404, id="upper-case"),
        pytest.param("", 400, id="empty"),
        pytest.param("job:{}", 500, id="too-few-parts"),
    ],
)
def test_unknown_nodes(get: Get, namespace: str, node: str, status: int) -> None:
    """What is not there is 404, as is what is no node id; one cut short is a server error."""
    answer = get("lineage", nodeId=node.format(namespace))
    assert answer.status_code == status
    assert answer.json()


def test_node_must_be_named(get: Get) -> None:
    """Without a node there is nothing to draw around."""
    answer = get("lineage")
    assert answer.status_code == 400
    assert answer.json() == {"errors": ["query param nodeId must not be null"]}
