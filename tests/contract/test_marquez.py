"""What we claim of Marquez, through HTTP alone: true of our recorder and of the real server.

Covers: events in, runs, jobs, datasets, the graph and the errors out.
Not here: faults (``tests/harness/simulators/marquez``): a real server has no switches.
Source of every claim: Marquez 0.51.1's own source and tests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
import requests

ABSENT = object()
"""Stands for a field to leave out."""

TIMEOUT_S = 30
JOB = "refine"
T0, T1, T2, T3 = (f"2026-11-22T01:00:0{second}Z" for second in (0, 2, 4, 6))


class Target(Protocol):
    """A server under contract."""

    @property
    def admin_url(self) -> str | None:
        """Base of the admin port, where one is known."""

    @property
    def api_url(self) -> str:
        """Base of the API, without ``/api/v1``."""


Emit = Callable[..., requests.Response]
Get = Callable[..., requests.Response]


@pytest.fixture
def emit(target: Target, namespace: str) -> Emit:
    """Poster of one run event: ``emit("START", run_id, outputs=["d"])``; ``raw`` overrides."""

    def post(
        kind: str | None,
        run_id: str,
        *,
        at: str = T0,
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = (),
        job: str = JOB,
        raw: Mapping[str, Any] | None = None,
    ) -> requests.Response:
        event: dict[str, Any] = {
            "eventType": kind,
            "eventTime": at,
            "producer": "https://example.org/contract",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": run_id},
            "job": {"namespace": namespace, "name": job},
            "inputs": [{"namespace": namespace, "name": name} for name in inputs],
            "outputs": [{"namespace": namespace, "name": name} for name in outputs],
        }
        body = {**event, **(raw or {})}
        body = {key: value for key, value in body.items() if value is not ABSENT}
        url = f"{target.api_url}/api/v1/lineage"
        return requests.post(url, json=body, timeout=TIMEOUT_S)

    return post


@pytest.fixture
def get(target: Target) -> Get:
    """Reader of one path, each part percent-encoded: ``get("jobs", "runs", run_id)``."""

    def fetch(*parts: str, **query: object) -> requests.Response:
        path = "/".join(quote(part, safe="") for part in parts)
        params = {key: str(value) for key, value in query.items()}
        return requests.get(f"{target.api_url}/api/v1/{path}", params=params, timeout=TIMEOUT_S)

    return fetch


@pytest.fixture
def run_id() -> str:
    """A fresh run id."""
    return str(uuid4())


def edges(graph: Sequence[dict[str, Any]], side: str = "outEdges") -> set[tuple[str, str]]:
    return {(edge["origin"], edge["destination"]) for node in graph for edge in node[side]}


def nodes(answer: requests.Response) -> list[str]:
    return [node["id"] for node in answer.json()["graph"]]


def test_abort_is_aborted(emit: Emit, get: Get, run_id: str) -> None:
    """ABORT ends the run as ABORTED."""
    emit("START", run_id)
    emit("ABORT", run_id, at=T1)
    assert get("jobs", "runs", run_id).json()["state"] == "ABORTED"


def test_accepted_is_201_and_empty(emit: Emit, run_id: str) -> None:
    """An event taken is answered 201 without a body."""
    answer = emit("START", run_id)
    assert (answer.status_code, answer.text) == (201, "")


def test_bad_json_is_500_with_code_400(target: Target) -> None:
    """Malformed JSON is a server error whose body says 400."""
    answer = requests.post(
        f"{target.api_url}/api/v1/lineage",
        data="{",
        headers={"content-type": "application/json"},
        timeout=TIMEOUT_S,
    )
    assert (answer.status_code, answer.json()["code"]) == (500, 400)


@pytest.mark.parametrize("at", ["2021-11-03", "2021-11-03T10:00:00Z[Europe/London]"])
def test_bad_time_is_500_with_code_400(emit: Emit, run_id: str, at: str) -> None:
    """A stamp that cannot be read is refused like malformed JSON."""
    answer = emit("START", run_id, at=at)
    assert (answer.status_code, answer.json()["code"]) == (500, 400)


def test_complete_alone_has_no_start(emit: Emit, get: Get, run_id: str) -> None:
    """COMPLETE without START gives a run without startedAt and durationMs, edges all the same."""
    emit("COMPLETE", run_id, inputs=["a"], outputs=["b"])
    run = get("jobs", "runs", run_id).json()
    assert (run["state"], run["startedAt"], run["durationMs"]) == ("COMPLETED", None, None)


def test_complete_leaves_the_whole_graph(
    emit: Emit, get: Get, namespace: str, run_id: str
) -> None:
    """N inputs and M outputs are N+M+1 nodes and N+M directed edges, each told twice."""
    emit("START", run_id, inputs=["a", "b"])
    emit("COMPLETE", run_id, at=T1, inputs=["a", "b"], outputs=["c"])
    job = f"job:{namespace}:{JOB}"
    graph = get("lineage", nodeId=job).json()["graph"]
    expected = {(f"dataset:{namespace}:{name}", job) for name in ("a", "b")}
    expected.add((job, f"dataset:{namespace}:c"))
    assert [node["id"] for node in graph] == sorted(node["id"] for node in graph)
    assert (len(graph), edges(graph)) == (4, expected)
    assert edges(graph, "inEdges") == expected


def test_complete_measures_from_start(emit: Emit, get: Get, run_id: str) -> None:
    """Times of a run are its events' own, and its duration their difference."""
    emit("START", run_id)
    emit("COMPLETE", run_id, at=T1)
    run = get("jobs", "runs", run_id).json()
    assert (run["startedAt"], run["endedAt"], run["durationMs"]) == (T0, T1, 2000)


def test_dataset_is_a_node_of_its_own(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """While its job runs, a dataset stands alone in its graph."""
    emit("START", run_id, inputs=["a"])
    node = f"dataset:{namespace}:a"
    assert nodes(get("lineage", nodeId=node)) == [node]


def test_datasets_carry_facets_for_ten_rows(
    emit: Emit, get: Get, namespace: str, run_id: str
) -> None:
    """A page of datasets has facets in its first ten rows only; one dataset has them."""
    facet = {"documentation": {"_producer": "p", "_schemaURL": "s", "description": "d"}}
    datasets = [
        {"namespace": namespace, "name": f"d{number:02d}", "facets": facet} for number in range(12)
    ]
    emit("COMPLETE", run_id, raw={"outputs": datasets})
    page = get("namespaces", namespace, "datasets").json()
    assert page["totalCount"] == 12
    assert [bool(row["facets"]) for row in page["datasets"]] == [True] * 10 + [False] * 2
    assert get("namespaces", namespace, "datasets", "d11").json()["facets"]


def test_default_namespace_is_always_there(get: Get) -> None:
    """A server in working order knows the namespace "default"."""
    page = get("namespaces", limit=10_000).json()
    assert "default" in [namespace["name"] for namespace in page["namespaces"]]


def test_empty_outputs_unlink_until_the_end(
    emit: Emit, get: Get, namespace: str, run_id: str
) -> None:
    """START of a re-run without outputs takes them out of the graph; COMPLETE puts them back."""
    job = f"job:{namespace}:{JOB}"
    emit("COMPLETE", run_id, inputs=["a"], outputs=["b"])
    again = str(uuid4())
    emit("START", again, at=T1, inputs=["a"])
    assert nodes(get("lineage", nodeId=job)) == [f"dataset:{namespace}:a", job]
    emit("COMPLETE", again, at=T2, inputs=["a"], outputs=["b"])
    assert len(nodes(get("lineage", nodeId=job))) == 3


def test_error_bodies_name_what_is_missing(get: Get, namespace: str) -> None:
    """What is not found is told by kind and name, under code 404."""
    answer = get("namespaces", "default", "jobs", f"{namespace}/x")
    assert answer.status_code == 404
    assert answer.json() == {"code": 404, "message": f"Job '{namespace}/x' not found."}


def test_events_are_listed_in_their_window(
    emit: Emit, get: Get, namespace: str, run_id: str
) -> None:
    """Events come newest first, or oldest first when asked, within before and after."""
    # A year of its own keeps other people's events out of the window.
    year = 1971 + int(namespace[-4:], 16) % 28
    for kind, month in (("START", 1), ("COMPLETE", 2), ("OTHER", 5)):
        emit(kind, run_id, at=f"{year}-{month:02d}-01T00:00:00Z")
    window = {"after": f"{year}-01-01T00:00:00Z", "before": f"{year}-04-01T00:00:00Z"}

    def kinds(**query: object) -> list[str]:
        listed = get("events", "lineage", limit=10_000, **window, **query).json()["events"]
        return [event["eventType"] for event in listed if event["run"]["runId"] == run_id]

    assert kinds() == ["COMPLETE", "START"]
    assert kinds(sortDirection="asc") == ["START", "COMPLETE"]


def test_facets_come_back(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """Custom facets of run and job return as sent: the run's at once, the job's at its end."""
    run = {"runId": run_id, "facets": {"hotpass": {"profile": "generic"}}}
    job = {"namespace": namespace, "name": JOB, "facets": {"owner": {"team": "data"}}}
    emit("START", run_id, raw={"run": run})
    assert get("jobs", "runs", run_id).json()["facets"] == run["facets"]
    assert get("jobs", "runs", run_id, "facets", type="run").json()["facets"] == run["facets"]
    emit("COMPLETE", run_id, at=T1, raw={"job": job})
    assert get("namespaces", namespace, "jobs", JOB).json()["facets"] == job["facets"]


def test_failed_run_links_but_does_not_publish(
    emit: Emit, get: Get, namespace: str, run_id: str
) -> None:
    """FAIL leaves edges like COMPLETE, but a new output without a current version."""
    emit("START", run_id, inputs=["a"])
    emit("FAIL", run_id, at=T1, inputs=["a"], outputs=["b"])
    assert get("jobs", "runs", run_id).json()["state"] == "FAILED"
    assert len(nodes(get("lineage", nodeId=f"job:{namespace}:{JOB}"))) == 3
    assert get("namespaces", namespace, "datasets", "b").json()["currentVersion"] is None
    assert get("namespaces", namespace, "datasets", "a").json()["currentVersion"]


def test_health_is_on_the_admin_port(target: Target) -> None:
    """The admin port answers pong, and names the database in its health check."""
    if target.admin_url is None:
        pytest.skip("no admin port known: set MARQUEZ_ADMIN_URL")
    ping = requests.get(f"{target.admin_url}/ping", timeout=TIMEOUT_S)
    health = requests.get(f"{target.admin_url}/healthcheck", timeout=TIMEOUT_S)
    assert ping.text.strip() == "pong"
    assert health.json()["postgresql"]["healthy"] is True


def test_illegal_dataset_namespace_is_400(emit: Emit, run_id: str) -> None:
    """An emoji in a dataset's namespace is refused without a word."""
    datasets = [{"namespace": "a\N{PARTY POPPER}", "name": "d"}]
    answer = emit("START", run_id, raw={"inputs": datasets})
    assert (answer.status_code, answer.text) == (400, "")


def test_job_namespace_is_rewritten(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """A space in a job's namespace is stored as an underscore."""
    job = {"namespace": f"{namespace} x", "name": JOB}
    emit("START", run_id, raw={"job": job})
    assert get("namespaces", f"{namespace}_x", "jobs", JOB).status_code == 200


def test_job_version_can_be_predicted(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """A job's version is the MD5 of its name and its sorted inputs and outputs."""
    emit("START", run_id, inputs=["b", "a"])
    assert get("jobs", "runs", run_id).json()["jobVersion"] is None
    emit("COMPLETE", run_id, at=T1, inputs=["a", "b"], outputs=["c"])
    parts = [namespace, JOB]
    for name in ("a", "b", "c"):
        parts += [namespace, name]
    digest = hashlib.md5(":".join(parts).encode(), usedforsecurity=False).digest()
    version = get("jobs", "runs", run_id).json()["jobVersion"]
    assert version["version"] == str(UUID(bytes=digest, version=3))


def test_late_start_flips_the_run_back(emit: Emit, get: Get, run_id: str) -> None:
    """A START processed after COMPLETE makes the run RUNNING again."""
    emit("START", run_id)
    emit("COMPLETE", run_id, at=T1)
    emit("START", run_id, at=T0)
    assert get("jobs", "runs", run_id).json()["state"] == "RUNNING"


@pytest.mark.parametrize(
    ("limit", "status"),
    [pytest.param("-1", 400, id="negative"), pytest.param("x", 404, id="word")],
)
def test_limits_that_are_none(get: Get, limit: str, status: int) -> None:
    """A negative limit is a bad request, a word is not found."""
    assert get("namespaces", limit=limit).status_code == status


@pytest.mark.parametrize(
    ("flaw", "error"),
    [
        pytest.param({"eventTime": ABSENT}, "eventTime", id="no-time"),
        pytest.param({"producer": ABSENT}, "producer", id="no-producer"),
        pytest.param({"run": {}}, "run.runId", id="no-run-id"),
        pytest.param({"run": ABSENT}, "run", id="no-run"),
    ],
)
def test_missing_fields_are_422(emit: Emit, run_id: str, flaw: dict[str, Any], error: str) -> None:
    """A required field left out is named among the errors."""
    answer = emit("START", run_id, raw=flaw)
    assert answer.status_code == 422
    assert any(line.startswith(f"{error} must not be ") for line in answer.json()["errors"])


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("with space", id="space"),
        pytest.param("/data/in put.csv", id="slash"),
        pytest.param("größe-数据", id="unicode"),
        pytest.param("50%25+1", id="percent"),
    ],
)
def test_odd_names_round_trip(
    emit: Emit, get: Get, namespace: str, run_id: str, name: str
) -> None:
    """Jobs and datasets are found under the very name sent, percent-encoded in the path."""
    emit("COMPLETE", run_id, job=name, inputs=[name])
    assert get("namespaces", namespace, "jobs", name).json()["name"] == name
    assert get("namespaces", namespace, "datasets", name).json()["name"] == name
    runs = get("namespaces", namespace, "jobs", name, "runs").json()["runs"]
    assert [run["id"] for run in runs] == [run_id]


def test_outputs_get_a_version_per_run(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """A re-run adds a run and a version of each output, but no version of the job."""
    for number, run in enumerate((run_id, str(uuid4()))):
        emit("COMPLETE", run, at=(T0, T1)[number], inputs=["a"], outputs=["b"])
    job = ("namespaces", namespace, "jobs", JOB)
    assert get(*job, "runs").json()["totalCount"] == 2
    assert len(get(*job, "versions").json()["versions"]) == 1
    datasets = ("namespaces", namespace, "datasets")
    assert get(*datasets, "b", "versions").json()["totalCount"] == 2
    assert get(*datasets, "a", "versions").json()["totalCount"] == 1


def test_paging_goes_past_a_hundred(emit: Emit, get: Get, namespace: str) -> None:
    """100 runs are a page unless asked otherwise; pages together hold every run once."""
    sent = {str(uuid4()) for _ in range(105)}
    for number, run in enumerate(sorted(sent)):
        emit("START", run, at=f"2026-11-22T01:{number // 60:02d}:{number % 60:02d}Z")
    path = ("namespaces", namespace, "jobs", JOB, "runs")
    first, second = get(*path).json(), get(*path, offset=100).json()
    assert (len(first["runs"]), len(second["runs"]), first["totalCount"]) == (100, 5, 105)
    assert {run["id"] for run in first["runs"] + second["runs"]} == sent
    assert len(get(*path, limit=1000).json()["runs"]) == 105


def test_run_id_need_not_be_a_uuid(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """Any other text becomes the name-based UUID of its bytes; 32 digits without dashes too."""
    for given in (f"nightly {run_id}", run_id.replace("-", "")):
        emit("START", given, job=given)
        listed = get("namespaces", namespace, "jobs", given, "runs").json()["runs"]
        digest = hashlib.md5(given.encode(), usedforsecurity=False).digest()
        assert [run["id"] for run in listed] == [str(UUID(bytes=digest, version=3))]


def test_running_job_has_no_edges(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """After START the job is RUNNING, lists its inputs, and stands alone in the graph."""
    emit("START", run_id, inputs=["a"])
    job = get("namespaces", namespace, "jobs", JOB).json()
    assert job["latestRun"]["state"] == "RUNNING"
    assert job["inputs"] == [{"namespace": namespace, "name": "a"}]
    assert (job["currentVersion"], job["outputs"]) == (None, [])
    assert nodes(get("lineage", nodeId=f"job:{namespace}:{JOB}")) == [f"job:{namespace}:{JOB}"]


def test_runs_are_listed_by_start(emit: Emit, get: Get, namespace: str) -> None:
    """Runs come newest start first; those that never started come last, however new."""
    early, late, never = (str(uuid4()) for _ in range(3))
    emit("START", late, at=T2)
    emit("START", early, at=T1)
    emit("COMPLETE", never, at=T3)
    runs = get("namespaces", namespace, "jobs", JOB, "runs").json()["runs"]
    assert [run["id"] for run in runs] == [late, early, never]


def test_run_mappings_add_up(emit: Emit, get: Get, run_id: str) -> None:
    """COMPLETE without datasets keeps what START declared."""
    emit("START", run_id, inputs=["a"], outputs=["b"])
    emit("COMPLETE", run_id, at=T1)
    run = get("jobs", "runs", run_id).json()
    for side, name in (("inputDatasetVersions", "a"), ("outputDatasetVersions", "b")):
        assert [item["datasetVersionId"]["name"] for item in run[side]] == [name]


def test_search_finds_by_part_of_a_name(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """A job is found by a piece of its name, with its node id."""
    name = f"job-{namespace[-12:]}"
    emit("START", run_id, job=name)
    found = get("search", q=namespace[-12:]).json()["results"]
    assert f"job:{namespace}:{name}" in [result["nodeId"] for result in found]


def test_unknown_event_type_is_running(emit: Emit, get: Get, run_id: str) -> None:
    """A typo in the event type is taken, and means "running"."""
    assert emit("COMPLETED", run_id).status_code == 201
    assert get("jobs", "runs", run_id).json()["state"] == "RUNNING"


def test_unknown_namespace_differs_by_list(get: Get, namespace: str) -> None:
    """Of a namespace nobody knows, jobs are an empty list and datasets are not found."""
    jobs = get("namespaces", namespace, "jobs")
    assert (jobs.status_code, jobs.json()) == (200, {"jobs": [], "totalCount": 0})
    assert get("namespaces", namespace, "datasets").status_code == 404


@pytest.mark.parametrize("prefix", ["job", "dataset"])
def test_unknown_node_is_404(get: Get, namespace: str, prefix: str) -> None:
    """There is no graph around what is not there."""
    assert get("lineage", nodeId=f"{prefix}:{namespace}:nobody").status_code == 404


def test_wrong_content_type_is_415(target: Target) -> None:
    """Only JSON is taken."""
    answer = requests.post(
        f"{target.api_url}/api/v1/lineage",
        data="{}",
        headers={"content-type": "text/plain"},
        timeout=TIMEOUT_S,
    )
    assert answer.status_code == 415
