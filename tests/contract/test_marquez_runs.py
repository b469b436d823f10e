"""What we claim of Marquez's runs: states, times, order, versions and facets.

Source: ``OpenLineageDao``, ``RunDao`` and ``JobVersionDao`` of Marquez 0.51.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from tests.contract.conftest import JOB

if TYPE_CHECKING:
    from tests.contract.conftest import Emit, Get

RUN_KEYS = {
    *("id", "createdAt", "updatedAt", "nominalStartTime", "nominalEndTime", "state"),
    *("startedAt", "endedAt", "durationMs", "args", "jobVersion", "facets"),
    *("inputDatasetVersions", "outputDatasetVersions"),
}
T0, T1, T2, T3 = (f"2026-11-22T01:00:0{second}Z" for second in (0, 2, 4, 6))


def names(items: list[dict[str, Any]]) -> list[str]:
    return sorted(item["datasetVersionId"]["name"] for item in items)


def test_complete_alone_has_no_start(emit: Emit, get: Get, run_id: str) -> None:
    """COMPLETE without START gives a run without startedAt and durationMs."""
    emit("COMPLETE", run_id, at=T1, inputs=["a"], outputs=["b"])
    run = get("jobs", "runs", run_id).json()
    assert (run["state"], run["startedAt"], run["durationMs"]) == ("COMPLETED", None, None)
    assert run["endedAt"] == T1


def test_complete_measures_from_start(emit: Emit, get: Get, run_id: str) -> None:
    """Times of a run are its events' own, and its duration their difference."""
    emit("START", run_id, at=T0)
    emit("COMPLETE", run_id, at=T1)
    run = get("jobs", "runs", run_id).json()
    assert (run["startedAt"], run["endedAt"], run["durationMs"]) == (T0, T1, 2000)
    assert (run["createdAt"], run["updatedAt"]) == (T0, T1)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        pytest.param("START", "RUNNING", id="start"),
        pytest.param("RUNNING", "RUNNING", id="running"),
        pytest.param("OTHER", "RUNNING", id="other"),
        pytest.param("COMPLETE", "COMPLETED", id="complete"),
        pytest.param("complete", "COMPLETED", id="lower-case"),
        pytest.param("Fail", "FAILED", id="fail"),
        pytest.param("ABORT", "ABORTED", id="abort"),
        pytest.param("COMPLETED", "RUNNING", id="typo"),
        pytest.param("", "RUNNING", id="empty"),
        pytest.param(None, "NEW", id="null"),
    ],
)
def test_event_type_gives_the_state(
    emit: Emit, get: Get, run_id: str, kind: str | None, state: str
) -> None:
    """Only three words end a run, in any case; all else is "running", and none at all is new."""
    assert emit(kind, run_id).status_code == 201
    assert get("jobs", "runs", run_id).json()["state"] == state


def test_facets_add_up(emit: Emit, get: Get, run_id: str) -> None:
    """Facets of all events of a run are shown together; of two with one name the later wins."""
    first = {"runId": run_id, "facets": {"one": {"v": 1}, "two": {"v": 1}}}
    second = {"runId": run_id, "facets": {"two": {"v": 2}}}
    emit("START", run_id, at=T0, raw={"run": first})
    emit("COMPLETE", run_id, at=T1, raw={"run": second})
    run = get("jobs", "runs", run_id).json()
    assert run["facets"] == {"one": {"v": 1}, "two": {"v": 2}}


def test_facets_come_back(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """Custom facets of run and job return as sent: the run's at once, the job's at its end."""
    run = {"runId": run_id, "facets": {"hotpass": {"profile": "generic"}}}
    job = {"namespace": namespace, "name": JOB, "facets": {"owner": {"team": "data"}}}
    emit("START", run_id, raw={"run": run})
    assert get("jobs", "runs", run_id).json()["facets"] == run["facets"]
    own = get("jobs", "runs", run_id, "facets", type="run").json()
    assert own == {"runId": run_id, "facets": run["facets"]}
    emit("COMPLETE", run_id, at=T1, raw={"job": job})
    assert get("namespaces", namespace, "jobs", JOB).json()["facets"] == job["facets"]
    assert get("jobs", "runs", run_id, "facets", type="job").json()["facets"] == job["facets"]


def test_facets_need_their_type(emit: Emit, get: Get, run_id: str) -> None:
    """Asked for facets without a word on whose, or with a wrong one, it refuses."""
    emit("START", run_id)
    silent = get("jobs", "runs", run_id, "facets")
    wrong = get("jobs", "runs", run_id, "facets", type="dataset")
    assert silent.status_code == 400
    assert silent.json() == {"errors": ["query param type must not be null"]}
    assert (wrong.status_code, wrong.json()["code"]) == (400, 400)


@pytest.mark.parametrize("kind", ["START", "RUNNING", "OTHER"])
def test_late_event_flips_the_run_back(emit: Emit, get: Get, run_id: str, kind: str) -> None:
    """What is no end makes a run RUNNING again, however old its own time: last processed wins."""
    emit("START", run_id, at=T1)
    emit("COMPLETE", run_id, at=T2)
    emit(kind, run_id, at=T0)
    run = get("jobs", "runs", run_id).json()
    assert (run["state"], run["startedAt"], run["endedAt"]) == ("RUNNING", T0, T2)


def test_event_without_type_changes_no_state(emit: Emit, get: Get, run_id: str) -> None:
    """An event that names no type leaves state and times of a run as they were."""
    emit("START", run_id, at=T0)
    emit("COMPLETE", run_id, at=T1)
    emit(None, run_id, at=T2)
    run = get("jobs", "runs", run_id).json()
    assert (run["state"], run["startedAt"], run["endedAt"]) == ("COMPLETED", T0, T1)


def test_every_start_resets_the_clock(emit: Emit, get: Get, run_id: str) -> None:
    """A second START, and any event that says "running", sets startedAt anew."""
    emit("START", run_id, at=T0)
    emit("START", run_id, at=T1)
    assert get("jobs", "runs", run_id).json()["startedAt"] == T1
    emit("RUNNING", run_id, at=T2)
    emit("COMPLETE", run_id, at=T3)
    run = get("jobs", "runs", run_id).json()
    assert (run["startedAt"], run["durationMs"], run["createdAt"]) == (T2, 2000, T0)


def test_nominal_times_are_arguments(emit: Emit, get: Get, run_id: str) -> None:
    """Nominal times reach a run's arguments, in Java's short form; its own fields stay null."""
    facet = {
        "_producer": "https://example.org",
        "_schemaURL": "https://example.org/f.json",
        "nominalStartTime": T0,
        "nominalEndTime": T1,
    }
    emit("START", run_id, raw={"run": {"runId": run_id, "facets": {"nominalTime": facet}}})
    run = get("jobs", "runs", run_id).json()
    assert run["args"] == {
        "nominal_start_time": "2026-11-22T01:00Z",
        "nominal_end_time": "2026-11-22T01:00:02Z",
    }
    assert (run["nominalStartTime"], run["nominalEndTime"]) == (None, None)


def test_parents_are_made_and_give_their_name(
    emit: Emit, get: Get, namespace: str, run_id: str
) -> None:
    """A child is listed under parent, dot and own name; the parent's run starts with it."""
    parent = str(uuid4())
    facet = {
        "_producer": "https://example.org",
        "_schemaURL": "https://example.org/f.json",
        "run": {"runId": parent},
        "job": {"namespace": namespace, "name": "flow"},
    }
    emit("START", run_id, at=T0, raw={"run": {"runId": run_id, "facets": {"parent": facet}}})
    child = get("namespaces", namespace, "jobs", f"flow.{JOB}").json()
    assert (child["simpleName"], child["parentJobName"]) == (JOB, "flow")
    run = get("jobs", "runs", parent).json()
    assert (run["state"], run["startedAt"]) == ("RUNNING", T0)
    own = get("jobs", "runs", run_id).json()
    assert own["args"] == {"run_id": parent, "name": "flow", "namespace": namespace}


def test_run_has_its_shape(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """A run has these keys, nulls written out; its version names the job."""
    emit("START", run_id, inputs=["a"])
    running = get("jobs", "runs", run_id).json()
    assert set(running) >= RUN_KEYS
    nulls = ("endedAt", "durationMs", "jobVersion", "nominalStartTime", "nominalEndTime")
    assert [running[key] for key in nulls] == [None] * 5
    assert (running["args"], running["facets"], running["outputDatasetVersions"]) == ({}, {}, [])
    item = running["inputDatasetVersions"][0]
    assert set(item["datasetVersionId"]) >= {"namespace", "name", "version"}
    assert item["facets"] == {}
    emit("COMPLETE", run_id, at=T1)
    version = get("jobs", "runs", run_id).json()["jobVersion"]
    assert {key: version[key] for key in ("namespace", "name")} == {
        "namespace": namespace,
        "name": JOB,
    }


def test_run_mappings_add_up(emit: Emit, get: Get, run_id: str) -> None:
    """COMPLETE without datasets keeps what START declared; with others it adds them."""
    emit("START", run_id, inputs=["a"], outputs=["b"])
    emit("RUNNING", run_id, at=T1, inputs=["c"])
    emit("COMPLETE", run_id, at=T2)
    run = get("jobs", "runs", run_id).json()
    assert names(run["inputDatasetVersions"]) == ["a", "c"]
    assert names(run["outputDatasetVersions"]) == ["b"]


def test_runs_are_listed_by_start(emit: Emit, get: Get, namespace: str) -> None:
    """Runs come newest start first; those that never started come last, however new."""
    early, late, never = (str(uuid4()) for _ in range(3))
    emit("START", late, at=T2)
    emit("START", early, at=T1)
    emit("COMPLETE", never, at=T3)
    runs = get("namespaces", namespace, "jobs", JOB, "runs").json()["runs"]
    assert [run["id"] for run in runs] == [late, early, never]


def test_same_event_twice_is_one_run(emit: Emit, get: Get, namespace: str, run_id: str) -> None:
    """The same pair of events posted again changes no count: ids decide, not deliveries."""
    for _ in range(2):
        emit("START", run_id, at=T0, inputs=["a"])
        emit("COMPLETE", run_id, at=T1, inputs=["a"], outputs=["b"])
    page = get("namespaces", namespace, "jobs", JOB, "runs").json()
    assert [run["id"] for run in page["runs"]] == [run_id]
    assert page["totalCount"] == 1
    versions = get("namespaces", namespace, "datasets", "b", "versions").json()
    assert versions["totalCount"] == 1


@pytest.mark.parametrize("kind", ["COMPLETE", "FAIL", "ABORT"])
def test_version_can_be_predicted(
    emit: Emit, get: Get, namespace: str, run_id: str, kind: str
) -> None:
    """A job's version comes with any end: the MD5 of its name and sorted inputs and outputs."""
    emit("START", run_id, inputs=["b", "a"])
    assert get("jobs", "runs", run_id).json()["jobVersion"] is None
    assert get("namespaces", namespace, "jobs", JOB, "versions").json()["versions"] == []
    emit(kind, run_id, at=T1, inputs=["a", "b"], outputs=["c"])
    parts = [namespace, JOB]
    for name in ("a", "b", "c"):
        parts += [namespace, name]
    digest = hashlib.md5(":".join(parts).encode(), usedforsecurity=False).digest()
    version = get("jobs", "runs", run_id).json()["jobVersion"]["version"]
    assert version == str(UUID(bytes=digest, version=3))
    # The job points at a row, not at a version: another UUID.
    assert get("namespaces", namespace, "jobs", JOB).json()["currentVersion"] != version
    path = ("namespaces", namespace, "jobs", JOB, "versions", version)
    assert get(*path).json()["version"] == version


def test_versions_follow_what_is_read_and_written(
    emit: Emit, get: Get, namespace: str, run_id: str
) -> None:
    """A re-run adds a run and a version of each output; other datasets add one of the job."""
    for number, run in enumerate((run_id, str(uuid4()))):
        emit("COMPLETE", run, at=(T0, T1)[number], inputs=["a"], outputs=["b"])
    job = ("namespaces", namespace, "jobs", JOB)
    assert get(*job, "runs").json()["totalCount"] == 2
    assert len(get(*job, "versions").json()["versions"]) == 1
    datasets = ("namespaces", namespace, "datasets")
    assert get(*datasets, "b", "versions").json()["totalCount"] == 2
    assert get(*datasets, "a", "versions").json()["totalCount"] == 1
    emit("COMPLETE", str(uuid4()), at=T2, inputs=["a", "c"], outputs=["b"])
    assert len(get(*job, "versions").json()["versions"]) == 2
