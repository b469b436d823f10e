"""What we claim of Marquez's lists: pages, totals, order, limits, search and what is unknown.

Source: Marquez 0.51's resources and DAOs; refused numbers were measured on Dropwizard 2.1.12.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.contract.conftest import JOB

if TYPE_CHECKING:
    from tests.contract.conftest import Emit, Get

DATASET_KEYS = {
    *("id", "type", "name", "physicalName", "createdAt", "updatedAt", "namespace", "sourceName"),
    *("fields", "tags", "lastModifiedAt", "lastLifecycleState", "description", "currentVersion"),
    *("columnLineage", "facets", "deleted"),
}
JOB_KEYS = {
    *("id", "type", "name", "simpleName", "parentJobName", "parentJobUuid", "createdAt"),
    *("updatedAt", "namespace", "inputs", "outputs", "location", "description", "latestRun"),
    *("latestRuns", "facets", "currentVersion", "labels", "tags"),
}
NAMESPACE_KEYS = {"name", "createdAt", "updatedAt", "ownerName", "description", "isHidden"}


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
    assert [row["name"] for row in page["datasets"]] == [item["name"] for item in datasets]
    assert page["totalCount"] == 12
    assert [bool(row["facets"]) for row in page["datasets"]] == [True] * 10 + [False] * 2
    second = get("namespaces", namespace, "datasets", limit=10, offset=10).json()["datasets"]
    assert [bool(row["facets"]) for row in second] == [True, True]
    alone = get("namespaces", namespace, "datasets", "d11").json()
    assert (alone["facets"], alone["description"]) == (facet, "d")


def test_dataset_has_its_shape(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """A dataset has these keys, nulls written out."""
    emit("COMPLETE", run_id, outputs=["a"])
    dataset = get("namespaces", namespace, "datasets", "a").json()
    assert set(dataset) >= DATASET_KEYS
    assert (dataset["type"], dataset["sourceName"]) == ("DB_TABLE", "default")
    assert (dataset["lastModifiedAt"], dataset["description"]) == (None, None)
    assert (dataset["lastLifecycleState"], dataset["deleted"]) == ("", False)
    version = get("namespaces", namespace, "datasets", "a", "versions").json()["versions"][0]
    assert version["createdByRun"]["id"] == run_id


def test_default_namespace_is_always_there(get: Get) -> None:
    """A server in working order knows the namespace "default"."""
    page = get("namespaces", limit=10_000).json()
    assert "default" in [namespace["name"] for namespace in page["namespaces"]]
    assert "totalCount" not in page
    assert get("namespaces", "default").status_code == 200


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param(("namespaces", "{}"), "Namespace '{}' not found.", id="namespace"),
        pytest.param(("namespaces", "default", "jobs", "{}"), "Job '{}' not found.", id="job"),
        pytest.param(
            ("namespaces", "default", "jobs", "{}", "runs"), "Job '{}' not found.", id="runs"
        ),
        pytest.param(
            ("namespaces", "{}", "jobs", "x", "runs"),
            "Namespace '{}' not found.",
            id="runs-of-nowhere",
        ),
        pytest.param(
            ("namespaces", "default", "datasets", "{}"), "Dataset '{}' not found.", id="dataset"
        ),
        pytest.param(("namespaces", "{}", "datasets"), "Namespace '{}' not found.", id="datasets"),
    ],
)
def test_error_bodies_name_what_is_missing(
    get: Get, namespace: str, path: tuple[str, ...], message: str
) -> None:
    """What is not found is told by kind and name, under code 404."""
    answer = get(*(part.format(namespace) for part in path))
    assert answer.status_code == 404
    assert answer.json() == {"code": 404, "message": message.format(namespace)}


def test_job_has_its_shape(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """A job has these keys, its latest run whole, whether read alone or in a list."""
    emit("COMPLETE", run_id, inputs=["a"], outputs=["b"])
    for job in (
        get("namespaces", namespace, "jobs", JOB).json(),
        get("namespaces", namespace, "jobs").json()["jobs"][0],
    ):
        assert set(job) >= JOB_KEYS
        assert job["id"] == {"namespace": namespace, "name": JOB}
        assert (job["type"], job["simpleName"], job["parentJobName"]) == ("BATCH", JOB, None)
        assert job["inputs"] == [{"namespace": namespace, "name": "a"}]
        assert job["outputs"] == [{"namespace": namespace, "name": "b"}]
        assert job["latestRun"]["id"] == run_id


def test_jobs_are_listed_by_change(emit: Emit, get: Get, namespace: str) -> None:
    """Jobs come latest change first; a filter on the last state leaves the total alone."""
    for number, kind in enumerate(("COMPLETE", "FAIL", "START")):
        emit(kind, str(uuid4()), job=f"job{number}", at=f"2026-11-22T01:0{number}:00Z")
    page = get("namespaces", namespace, "jobs").json()
    assert [job["name"] for job in page["jobs"]] == ["job2", "job1", "job0"]
    failed = get("namespaces", namespace, "jobs", lastRunStates="FAILED").json()
    assert [job["name"] for job in failed["jobs"]] == ["job1"]
    assert (page["totalCount"], failed["totalCount"]) == (3, 3)


def test_latest_runs_are_at_most_ten(emit: Emit, get: Get, namespace: str) -> None:
    """A job in a list carries its ten latest runs, newest change first."""
    sent = [str(uuid4()) for _ in range(12)]
    for minute, run in enumerate(sent):
        emit("COMPLETE", run, at=f"2026-11-22T01:{minute:02d}:00Z")
    job = get("namespaces", namespace, "jobs").json()["jobs"][0]
    assert [run["id"] for run in job["latestRuns"]] == sent[::-1][:10]
    assert job["latestRun"]["id"] == sent[-1]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param({"limit": "-1"}, 400, id="negative"),
        pytest.param({"offset": "-1"}, 400, id="negative-offset"),
        pytest.param({"limit": "x"}, 404, id="word"),
        pytest.param({"limit": "1.5"}, 404, id="fraction"),
        pytest.param({"limit": "99999999999"}, 404, id="too-long"),
        pytest.param({"limit": ""}, 200, id="empty"),
        pytest.param({"limit": "0"}, 200, id="zero"),
    ],
)
@pytest.mark.parametrize("path", ["namespaces", "jobs"])
def test_limits_that_are_none(get: Get, path: str, query: dict[str, str], status: int) -> None:
    """A negative number is a bad request; what is no number is not found; empty is left out."""
    answer = get(path, **query)
    assert answer.status_code == status
    if status == 400:
        errors = [f"query param {name} must be greater than or equal to 0" for name in query]
        assert answer.json() == {"errors": errors}


def test_limit_zero_is_no_row(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """A limit of nothing gives an empty page with its total."""
    emit("START", run_id)
    page = get("namespaces", namespace, "jobs", JOB, "runs", limit=0).json()
    assert page == {"runs": [], "totalCount": 1}


def test_namespace_has_its_shape(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """A namespace nobody claimed belongs to "anonymous"."""
    emit("START", run_id)
    found = get("namespaces", namespace).json()
    assert set(found) >= NAMESPACE_KEYS
    assert (found["name"], found["ownerName"]) == (namespace, "anonymous")
    assert (found["description"], found["isHidden"]) == (None, False)


def test_negative_limit_of_dataset_versions_is_500(
    emit: Emit, get: Get, namespace: str, run_id: str
) -> None:
    """The one list whose limit nobody checks: its database refuses, as a server error."""
    emit("COMPLETE", run_id, outputs=["a"])
    answer = get("namespaces", namespace, "datasets", "a", "versions", limit=-1)
    assert answer.status_code == 500


@pytest.mark.parametrize("count", [pytest.param(105, id="hundred"), pytest.param(1010, id="many")])
def test_paging_has_no_maximum(emit: Emit, get: Get, namespace: str, count: int) -> None:
    """100 runs are a page unless asked otherwise; pages together hold every run once."""
    sent = sorted(str(uuid4()) for _ in range(count))

    def start(number: int) -> int:
        at = f"2026-11-22T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
        return emit("START", sent[number], at=at).status_code

    with ThreadPoolExecutor(max_workers=4) as pool:
        assert set(pool.map(start, range(count))) == {201}
    path = ("namespaces", namespace, "jobs", JOB, "runs")
    first = get(*path).json()
    assert (len(first["runs"]), first["totalCount"]) == (100, count)
    pages = [get(*path, offset=offset).json()["runs"] for offset in range(0, count, 100)]
    paged = [run["id"] for page in pages for run in page]
    assert paged == sent[::-1]
    assert [run["id"] for run in get(*path, limit=count).json()["runs"]] == paged
    past = get(*path, offset=count).json()
    assert past == {"runs": [], "totalCount": count}


@pytest.mark.parametrize("given", [pytest.param("nobody", id="word"), pytest.param("%F0", id="%")])
def test_run_ids_that_are_none(get: Get, given: str) -> None:
    """What is no UUID is not found, and not even by name."""
    answer = get("jobs", "runs", given)
    assert answer.status_code == 404
    assert answer.json() == {"code": 404, "message": "HTTP 404 Not Found"}


def test_search_finds_by_part_of_a_name(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """Jobs and datasets are found by a piece of their name, in any case, with their node id."""
    piece = namespace[-12:]
    emit("COMPLETE", run_id, job=f"Job-{piece}", outputs=[f"data-{piece}"])
    found = get("search", q=piece.upper()).json()
    kinds = {"JOB": f"job:{namespace}:Job-{piece}", "DATASET": f"dataset:{namespace}:data-{piece}"}
    assert {result["type"]: result["nodeId"] for result in found["results"]} == kinds
    assert found["totalCount"] == 2
    only = get("search", q=piece, filter="job", namespace=namespace).json()["results"]
    assert [result["type"] for result in only] == ["JOB"]
    assert get("search", q=piece, namespace="default").json()["results"] == []


def test_search_gives_ten(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """Ten results are all unless asked otherwise, and the total is what was given."""
    piece = namespace[-12:]
    emit("COMPLETE", run_id, outputs=[f"{piece}-{number}" for number in range(12)])
    page = get("search", q=piece).json()
    assert (len(page["results"]), page["totalCount"]) == (10, 10)
    assert get("search", q=piece, limit=100).json()["totalCount"] == 12


@pytest.mark.parametrize("query", [{}, {"q": ""}, {"q": " "}])
def test_search_needs_a_query(get: Get, query: dict[str, str]) -> None:
    """Nothing to look for is a bad request."""
    answer = get("search", **query)
    assert answer.status_code == 400
    assert answer.json() == {"errors": ["query param q must not be blank"]}


def test_search_takes_wildcards(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """A percent sign or underscore in a query stands for anything."""
    piece = namespace[-12:]
    emit("START", run_id, job=f"a-{piece}-z")
    for pattern in (f"a_{piece}", f"a%{piece[-4:]}-z"):
        results = get("search", q=pattern, namespace=namespace).json()["results"]
        assert [result["name"] for result in results] == [f"a-{piece}-z"]


def test_slash_at_the_end_makes_no_difference(get: Get) -> None:
    """A path may end in a slash."""
    assert get("namespaces", "").json()["namespaces"]


def test_unknown_namespace_differs_by_list(get: Get, namespace: str) -> None:
    """Of a namespace nobody knows, jobs are an empty list and datasets are not found."""
    jobs = get("namespaces", namespace, "jobs")
    assert (jobs.status_code, jobs.json()) == (200, {"jobs": [], "totalCount": 0})
    assert get("namespaces", namespace, "datasets").status_code == 404


def test_unknown_paths_are_404(get: Get) -> None:
    """Runs are below jobs; there is no list of them, and no route of their own."""
    for path in (("runs", str(uuid4())), ("nothing",)):
        answer = get(*path)
        assert (answer.status_code, answer.json()["code"]) == (404, 404)


def test_unknown_run_is_told_by_its_id(get: Get, run_id: str) -> None:
    """A run nobody reported is not found, by its id."""
    answer = get("jobs", "runs", run_id)
    assert answer.status_code == 404
    assert answer.json() == {"code": 404, "message": f"Run '{run_id}' not found."}
