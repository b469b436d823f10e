"""What we claim of names in Marquez: odd ones, long ones, rewritten ones, and large events.

Source: ``NamespaceName``, ``NodeId`` and ``OpenLineageDao`` of Marquez 0.51.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from tests.contract.conftest import JOB

if TYPE_CHECKING:
    from tests.contract.conftest import Emit, Get

MEBIBYTE = 2**20


@pytest.mark.parametrize(
    ("suffix", "stored"),
    [
        pytest.param(" x", "_x", id="space"),
        pytest.param(";x", "_x", id="semicolon"),
        pytest.param("=x", "_x", id="equals"),
        pytest.param("://h:5432/x@y+z.w-v", "://h:5432/x@y+z.w-v", id="legal"),
    ],
)
def test_job_namespace_is_rewritten(
    emit: Emit, get: Get, namespace: str, run_id: str, suffix: str, stored: str
) -> None:
    """What a namespace may not hold is stored as an underscore: not found under the name sent."""
    emit("START", run_id, raw={"job": {"namespace": f"{namespace}{suffix}", "name": JOB}})
    assert get("namespaces", f"{namespace}{stored}", "jobs", JOB).status_code == 200
    if suffix != stored:
        assert get("namespaces", f"{namespace}{suffix}", "jobs", JOB).status_code == 404


def test_dataset_namespace_is_rewritten(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """A semicolon is legal in a dataset's namespace, and stored as an underscore too."""
    datasets = [{"namespace": f"{namespace};x", "name": "a"}]
    assert emit("COMPLETE", run_id, raw={"outputs": datasets}).status_code == 201
    found = get("namespaces", f"{namespace}_x", "datasets", "a")
    assert (found.status_code, found.json()["namespace"]) == (200, f"{namespace}_x")


@pytest.mark.parametrize("path", [(), ("jobs",), ("datasets",)])
def test_illegal_namespace_in_a_path_is_404(get: Get, path: tuple[str, ...]) -> None:
    """An illegal namespace is no resource at all, where a mere stranger's jobs are empty."""
    answer = get("namespaces", "a\N{PARTY POPPER}", *path)
    assert answer.status_code == 404
    assert answer.json() == {"code": 404, "message": "HTTP 404 Not Found"}


def test_illegal_namespace_of_an_input_is_400(emit: Emit, run_id: str) -> None:
    """An emoji in the namespace of an input is refused without a word."""
    datasets = [{"namespace": "a\N{PARTY POPPER}", "name": "d"}]
    answer = emit("START", run_id, raw={"inputs": datasets})
    assert (answer.status_code, answer.text) == (400, "")


def test_large_facet_comes_back_whole(emit: Emit, get: Get, run_id: str) -> None:
    """A facet of one mebibyte is taken, kept and given back to the last character."""
    text = ("0123456789abcdeß" * (MEBIBYTE // 16))[:MEBIBYTE]
    run = {"runId": run_id, "facets": {"large": {"text": text}}}
    assert emit("START", run_id, raw={"run": run}).status_code == 201
    assert get("jobs", "runs", run_id).json()["facets"]["large"]["text"] == text


def test_many_datasets_in_one_event(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """An event may name hundreds of datasets; all of them are in the graph."""
    inputs = [f"/data/in/{number:03d}.csv" for number in range(150)]
    assert emit("COMPLETE", run_id, inputs=inputs, outputs=["out"]).status_code == 201
    graph = get("lineage", nodeId=f"job:{namespace}:{JOB}").json()["graph"]
    assert len(graph) == 152


@pytest.mark.parametrize(
    ("space", "name"),
    [
        pytest.param("", "a:b", id="colon-in-name"),
        pytest.param("", "s3://bucket/key", id="address-as-name"),
        pytest.param("://host:5432", "public.table", id="port-in-namespace"),
        pytest.param("", "/data/in put.csv", id="slash-and-space"),
    ],
)
def test_node_ids_come_apart(
    emit: Emit, get: Get, namespace: str, run_id: str, space: str, name: str
) -> None:
    """A colon before // or a digit belongs to its part; after the namespace all is the name."""
    dataset = {"namespace": f"{namespace}{space}", "name": name}
    emit("COMPLETE", run_id, raw={"outputs": [dataset]})
    node = f"dataset:{namespace}{space}:{name}"
    answer = get("lineage", nodeId=node)
    assert answer.status_code == 200
    assert node in [found["id"] for found in answer.json()["graph"]]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("with space", id="space"),
        pytest.param("/data/in put.csv", id="slash"),
        pytest.param("größe-数据", id="unicode"),
        pytest.param("\N{PARTY POPPER}", id="emoji"),
        pytest.param("50%25+1", id="percent"),
        pytest.param("what?#", id="question"),
        pytest.param("a.b:c", id="colon"),
        pytest.param("'; DROP TABLE jobs; --", id="quote"),
        pytest.param("x" * 255, id="long"),
    ],
)
def test_odd_names_round_trip(
    emit: Emit, get: Get, namespace: str, run_id: str, name: str
) -> None:
    """Jobs and datasets are found under the very name sent, percent-encoded in the path."""
    assert emit("COMPLETE", run_id, job=name, inputs=[name]).status_code == 201
    assert get("namespaces", namespace, "jobs", name).json()["name"] == name
    assert get("namespaces", namespace, "datasets", name).json()["name"] == name
    runs = get("namespaces", namespace, "jobs", name, "runs").json()["runs"]
    assert [run["id"] for run in runs] == [run_id]


@pytest.mark.parametrize(
    ("shape", "is_uuid"),
    [
        pytest.param("nightly {}", False, id="words"),
        pytest.param("{0.hex}", False, id="no-dashes"),
        pytest.param("{{{}}}", False, id="braces"),
        pytest.param("größe {}", False, id="unicode"),
        pytest.param("{}", True, id="uuid"),
    ],
)
def test_run_id_need_not_be_a_uuid(
    emit: Emit, get: Get, namespace: str, run_id: str, shape: str, is_uuid: bool
) -> None:
    """Any text but a UUID with its dashes becomes the name-based UUID of its bytes."""
    given = shape.format(UUID(run_id))
    assert emit("START", given).status_code == 201
    digest = hashlib.md5(given.encode(), usedforsecurity=False).digest()
    known_as = run_id if is_uuid else str(UUID(bytes=digest, version=3))
    listed = get("namespaces", namespace, "jobs", JOB, "runs").json()["runs"]
    assert [run["id"] for run in listed] == [known_as]
    assert get("jobs", "runs", known_as).status_code == 200


def test_run_id_in_upper_case_is_the_same_run(
    emit: Emit, get: Get, namespace: str, run_id: str
) -> None:
    """A UUID is known by its value, whatever the case of its digits."""
    emit("START", run_id.upper())
    emit("COMPLETE", run_id, at="2026-11-22T01:00:02Z")
    assert get("namespaces", namespace, "jobs", JOB, "runs").json()["totalCount"] == 1
    assert get("jobs", "runs", run_id.upper()).json()["id"] == run_id
