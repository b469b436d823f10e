"""The recorder's memory, without HTTP."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from fixtures.core import taint
from fixtures.simulators.marquez import ids, problems, runs, times
from fixtures.simulators.marquez.state import Recorder

Builder = Callable[..., dict[str, Any]]
RUN = "3f1c0f0e-0000-4000-8000-000000000001"
OTHER = "3f1c0f0e-0000-4000-8000-000000000002"


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        pytest.param("START", "RUNNING", id="start"),
        pytest.param("complete", "COMPLETED", id="lower-case"),
        pytest.param("Fail", "FAILED", id="mixed-case"),
        pytest.param("ABORT", "ABORTED", id="abort"),
        pytest.param("COMPLETED", "RUNNING", id="typo"),
        pytest.param("OTHER", "RUNNING", id="other"),
        pytest.param(None, "NEW", id="null"),
    ],
)
def test_state_of_a_run(recorder: Recorder, event: Builder, kind: str | None, state: str) -> None:
    """What is no end is "running"; no word at all leaves a run as new as it was."""
    recorder.record(event(kind, RUN))
    assert recorder.run(RUN)["state"] == state


def test_a_simulator_taints_the_process(recorder: Recorder) -> None:
    """Constructing a recorder leaves its mark."""
    assert "simulated Marquez (recorder)" in taint.marks()


def test_child_is_listed_under_its_parent(recorder: Recorder, event: Builder) -> None:
    """A parent facet makes the parent, started with its child; the child's name starts with it."""
    facet = {
        "_producer": "p",
        "_schemaURL": "s",
        "run": {"runId": OTHER},
        "job": {"namespace": "tests", "name": "flow"},
    }
    run = {"runId": RUN, "facets": {"parent": facet}}
    recorder.record(event("START", RUN, job="flow.task", run=run))
    child = recorder.job("tests", "flow.task")
    assert (child["parentJobName"], child["simpleName"]) == ("flow", "task")
    assert recorder.run(OTHER)["startedAt"] == "2026-11-22T01:00:00Z"
    node = recorder.lineage("job:tests:flow.task")["graph"][0]
    assert node["data"]["latestRun"]["id"] == OTHER


def test_child_of_a_run_that_is_taken(recorder: Recorder, event: Builder) -> None:
    """Two jobs naming one run as their parent: the later parent gets a run of its own."""
    for name, run_id in (("one", RUN), ("two", str(uuid4()))):
        facet = {
            "_producer": "p",
            "_schemaURL": "s",
            "run": {"runId": OTHER},
            "job": {"namespace": "tests", "name": name},
        }
        run = {"runId": run_id, "facets": {"parent": facet}}
        recorder.record(event("START", run_id, job="task", run=run))
    assert [run["id"] for run in recorder.runs("tests", "one")["runs"]] == [OTHER]
    conflicting = str(ids.name_uuid(f"tests:two:{OTHER}"))
    assert [run["id"] for run in recorder.runs("tests", "two")["runs"]] == [conflicting]


def test_concurrent_events_all_count(recorder: Recorder, event: Builder) -> None:
    """Threads that record at once lose nothing."""

    def send() -> None:
        for _ in range(25):
            recorder.record(event("COMPLETE", str(uuid4()), outputs=["o"]))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorder.runs("tests", "refine")["totalCount"] == 100


def test_database_on_disk_outlives_its_recorder(tmp_path: Path, event: Builder) -> None:
    """A recorder given a path finds there what an earlier one kept."""
    path = str(tmp_path / "marquez.sqlite")
    first = Recorder(path)
    first.record(event("COMPLETE", RUN))
    first.close()
    second = Recorder(path)
    assert second.run(RUN)["state"] == "COMPLETED"
    second.close()


def test_dataset_event_makes_a_version(recorder: Recorder) -> None:
    """A dataset event needs no run."""
    recorder.record(
        {
            "eventTime": "2026-11-22T01:00:00Z",
            "producer": "p",
            "schemaURL": "https://x/y/DatasetEvent",
            "dataset": {"namespace": "tests", "name": "d"},
        }
    )
    assert recorder.dataset("tests", "d")["currentVersion"]
    assert recorder.events() == {"events": [], "totalCount": 1}


def test_failed_update_leaves_no_half_model(recorder: Recorder, event: Builder) -> None:
    """An illegal dataset namespace leaves the raw event and nothing of the model."""
    broken = event("COMPLETE", RUN, inputs=["good"])
    broken["outputs"] = [{"namespace": "tests \N{PARTY POPPER}", "name": "bad"}]
    with pytest.raises(problems.IllegalNamespace):
        recorder.record(broken)
    assert recorder.events()["totalCount"] == 1
    with pytest.raises(problems.NotFound):
        recorder.job("tests", "refine")


def test_fault_drop_model_update(recorder: Recorder, event: Builder) -> None:
    """The event is listed, the job is not."""
    recorder.faults.drop_model_update = True
    recorder.record(event("COMPLETE", RUN))
    assert recorder.events()["totalCount"] == 1
    assert recorder.jobs("tests") == {"jobs": [], "totalCount": 0}


def test_fault_late_start(recorder: Recorder, event: Builder) -> None:
    """A START processed again after COMPLETE makes the run look unfinished."""
    recorder.faults.late_start = True
    recorder.record(event("START", RUN, inputs=["a"]))
    recorder.record(event("COMPLETE", RUN, inputs=["a"], outputs=["b"]))
    assert recorder.run(RUN)["state"] == "RUNNING"


@pytest.mark.parametrize(
    ("fault", "listed"),
    [
        pytest.param("lose_run", [OTHER], id="lost"),
        pytest.param("duplicate_run", [OTHER, RUN, RUN], id="twice"),
    ],
)
def test_fault_of_listing(
    recorder: Recorder, event: Builder, fault: str, listed: list[str]
) -> None:
    """The current run is missing from the list, or in it twice; others stay."""
    recorder.record(event("COMPLETE", OTHER))
    recorder.record(event("COMPLETE", RUN))
    setattr(recorder.faults, fault, True)
    page = recorder.runs("tests", "refine")
    assert sorted(run["id"] for run in page["runs"]) == sorted(listed)
    assert page["totalCount"] == len(listed)


def test_fault_lose_outputs(recorder: Recorder, event: Builder) -> None:
    """The graph holds the inputs only."""
    recorder.faults.lose_outputs = True
    recorder.record(event("COMPLETE", RUN, inputs=["a"], outputs=["b"]))
    names = [node["id"] for node in recorder.lineage("job:tests:refine")["graph"]]
    assert names == ["dataset:tests:a", "job:tests:refine"]


def test_fault_page_cap(recorder: Recorder, event: Builder) -> None:
    """A page is shorter than the limit asked for, the total is not."""
    for _ in range(3):
        recorder.record(event("COMPLETE", str(uuid4())))
    recorder.faults.page_cap = 2
    page = recorder.runs("tests", "refine", limit=100)
    assert (len(page["runs"]), page["totalCount"]) == (2, 3)


def test_fault_wrong_namespace(recorder: Recorder, event: Builder) -> None:
    """The job is found under the other namespace only."""
    recorder.faults.wrong_namespace = "elsewhere"
    recorder.record(event("COMPLETE", RUN))
    assert recorder.job("elsewhere", "refine")
    assert recorder.jobs("tests")["jobs"] == []


def test_graph_of_a_dataset_its_writer_left(recorder: Recorder, event: Builder) -> None:
    """A dataset is looked up through its writers, former ones too, and may end up alone."""
    recorder.record(event("COMPLETE", RUN, job="writer", outputs=["d"]))
    recorder.record(event("COMPLETE", OTHER, job="reader", inputs=["d"]))
    assert len(recorder.lineage("dataset:tests:d")["graph"]) == 3
    recorder.record(event("START", str(uuid4()), job="writer"))
    assert len(recorder.lineage("dataset:tests:d")["graph"]) == 1
    assert len(recorder.lineage("job:tests:reader")["graph"]) == 2


def test_graph_reaches_through_shared_datasets(recorder: Recorder, event: Builder) -> None:
    """Depth counts jobs: 0 is the job alone with its datasets, each step one job further."""
    for number in range(3):
        recorder.record(
            event(
                "COMPLETE",
                str(uuid4()),
                job=f"job{number}",
                inputs=[f"d{number}"],
                outputs=[f"d{number + 1}"],
            )
        )
    sizes = [len(recorder.lineage("job:tests:job0", depth=depth)["graph"]) for depth in range(3)]
    assert sizes == [3, 5, 7]


def test_job_event_links_at_once(recorder: Recorder) -> None:
    """A job event makes a version and edges without a run."""
    recorder.record(
        {
            "eventTime": "2026-11-22T01:00:00Z",
            "producer": "p",
            "schemaURL": "https://x/y/JobEvent",
            "job": {"namespace": "tests", "name": "static"},
            "inputs": [{"namespace": "tests", "name": "a"}],
            "outputs": [{"namespace": "tests", "name": "b"}],
        }
    )
    assert len(recorder.lineage("job:tests:static")["graph"]) == 3
    assert recorder.job("tests", "static")["latestRun"] is None


def test_job_version_is_javas() -> None:
    """The prediction gives what Java 17 gave for the same names."""
    version = ids.job_version(
        "hotpass.local",
        "hotpass.pipeline.generic",
        inputs=[("hotpass.local", "/data/b.xlsx"), ("hotpass.local", "/data/a.csv")],
        outputs=[("hotpass.local", "/dist/refined.xlsx")],
    )
    assert str(version) == "846c7d10-afbd-3cf3-a675-15dd888c275d"


def test_latest_runs_are_at_most_ten(recorder: Recorder, event: Builder) -> None:
    """A job carries its ten latest runs, newest change first."""
    for minute in range(12):
        recorder.record(event("COMPLETE", str(uuid4()), at=f"2026-11-22T01:{minute:02d}:00Z"))
    job = recorder.jobs("tests")["jobs"][0]
    assert len(job["latestRuns"]) == 10
    assert job["latestRun"]["endedAt"] == "2026-11-22T01:11:00Z"


@pytest.mark.parametrize(
    ("text", "node"),
    [
        pytest.param("job:ns:name", ("job", "ns", "name"), id="plain"),
        pytest.param("dataset:s3://bucket:a/b", ("dataset", "s3://bucket", "a/b"), id="scheme"),
        pytest.param("dataset:pg://h:5432:t", ("dataset", "pg://h:5432", "t"), id="port"),
        pytest.param("dataset:ns:d#version", ("dataset", "ns", "d"), id="version"),
        pytest.param("job:ns:a:b:c", ("job", "ns", "a:b:c"), id="colons"),
        pytest.param("dataset:ns:s3://b/k", ("dataset", "ns", "s3://b/k"), id="address"),
    ],
)
def test_node_ids_come_apart(text: str, node: tuple[str, str, str]) -> None:
    """A colon before // or a digit belongs to the namespace."""
    assert ids.node(text) == node


@pytest.mark.parametrize("text", ["job:only", "run:ns:name", ""])
def test_node_ids_that_do_not(text: str) -> None:
    """Too few parts and unknown prefixes are refused."""
    with pytest.raises(problems.Refusal):
        ids.node(text)


def test_page_of_runs_needs_no_scan(recorder: Recorder) -> None:
    """Pages are cut from an index, so that 100,000 runs cost what a page costs."""
    explained = f"EXPLAIN QUERY PLAN {runs.PAGE}"
    plan = recorder._db.execute(explained, (1, None, 100, 0)).fetchall()
    steps = " ".join(row["detail"] for row in plan)
    assert "USING COVERING INDEX runs_by_start (job_id=?)" in steps
    assert "SCAN r" not in steps


def test_refused_event_leaves_nothing(recorder: Recorder, event: Builder) -> None:
    """An event without a job is not even listed."""
    with pytest.raises(problems.Invalid) as refused:
        recorder.record(event("START", RUN, job=None))
    assert refused.value.errors == ("job.name must not be null",)
    assert recorder.events()["totalCount"] == 0


@pytest.mark.parametrize(
    ("facets", "missing"),
    [
        pytest.param(
            {"nominalTime": {"_producer": "p"}},
            ["nominalTime._schemaURL", "nominalTime.nominalStartTime"],
            id="nominal-time",
        ),
        pytest.param(
            {"parent": {"_producer": "p", "_schemaURL": "s", "run": {}}},
            ["parent.job", "parent.run.runId"],
            id="parent",
        ),
    ],
)
def test_known_facets_must_be_whole(
    recorder: Recorder, event: Builder, facets: dict[str, Any], missing: list[str]
) -> None:
    """Facets the service knows are checked field by field; all that is missing is named."""
    with pytest.raises(problems.Invalid) as refused:
        recorder.record(event("START", RUN, run={"runId": RUN, "facets": facets}))
    expected = tuple(f"run.facets.{path} must not be null" for path in missing)
    assert refused.value.errors == expected


@pytest.mark.parametrize(
    ("run_id", "known_as"),
    [
        pytest.param(RUN.upper(), RUN, id="upper-case"),
        pytest.param("nightly-7", None, id="word"),
        pytest.param("a" * 32, None, id="no-dashes"),
        pytest.param("1-2-3-4-5", "00000001-0002-0003-0004-000000000005", id="short-groups"),
    ],
)
def test_run_ids(recorder: Recorder, event: Builder, run_id: str, known_as: str | None) -> None:
    """UUIDs with dashes stay, everything else becomes the UUID of its bytes."""
    recorder.record(event("START", run_id))
    listed = recorder.runs("tests", "refine")["runs"][0]["id"]
    derived = str(ids.name_uuid(run_id))
    assert listed == (known_as or derived)


def test_shapes_merge_facets_of_a_run(recorder: Recorder, event: Builder) -> None:
    """Facets of START and COMPLETE are shown together; the later of two wins."""
    first = {"runId": RUN, "facets": {"one": {"v": 1}, "two": {"v": 1}}}
    second = {"runId": RUN, "facets": {"two": {"v": 2}}}
    recorder.record(event("START", RUN, run=first))
    recorder.record(event("COMPLETE", RUN, run=second))
    assert recorder.run(RUN)["facets"] == {"one": {"v": 1}, "two": {"v": 2}}


def test_streaming_jobs_are_linked_while_they_run(recorder: Recorder, event: Builder) -> None:
    """A streaming job has its edges from the first event on."""
    facet = {"_producer": "p", "_schemaURL": "s", "jobType": "JOB", "processingType": "STREAMING"}
    job = {"namespace": "tests", "name": "stream", "facets": {"jobType": facet}}
    started = event("START", RUN, inputs=["a"], outputs=["b"]) | {"job": job}
    recorder.record(started)
    assert len(recorder.lineage("job:tests:stream")["graph"]) == 3
    assert recorder.job("tests", "stream")["type"] == "STREAM"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("2026-11-22T01:00:00Z", "2026-11-22T01:00:00Z", id="whole"),
        pytest.param("2026-11-22T02:00:00.5+01:00", "2026-11-22T01:00:00.500Z", id="millis"),
        pytest.param("2026-11-22T01:00:00.000001", "2026-11-22T01:00:00.000001Z", id="bare"),
    ],
)
def test_times_are_shown_as_instants(text: str, shown: str) -> None:
    """Stamps come back in UTC with 0, 3 or 6 digits."""
    assert times.text(times.micros(text)) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("2026-11-22T01:00:00Z", "2026-11-22T01:00Z", id="no-seconds"),
        pytest.param("2026-11-22T01:00:02Z", "2026-11-22T01:00:02Z", id="seconds"),
        pytest.param("2026-11-22T01:00:02.5Z", "2026-11-22T01:00:02.500Z", id="millis"),
        pytest.param("2026-11-22T01:00:00.000001Z", "2026-11-22T01:00:00.000001Z", id="micros"),
        pytest.param("2026-11-22T01:00+05:30", "2026-11-22T01:00+05:30", id="offset"),
        pytest.param("2026-11-22T01:00", "2026-11-22T01:00Z[UTC]", id="bare"),
    ],
)
def test_times_in_arguments_are_javas(text: str, shown: str) -> None:
    """Stamps among a run's arguments keep their offset and lose what is zero."""
    assert times.zoned(text) == shown


@pytest.mark.parametrize(
    "text", ["2026-11-03", "2026-11-22T01:00:00Z[Europe/London]", "soon", "2026-13-01T00:00:00Z"]
)
def test_times_that_cannot_be_read(text: str) -> None:
    """Dates, zones in words and impossible months are refused."""
    with pytest.raises(problems.Unparsable):
        times.micros(text)


def test_writes_are_undone_when_they_fail(
    recorder: Recorder, event: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unforeseen error rolls back, and the recorder goes on."""

    def broken(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("fixtures.simulators.marquez.versions.after_run", broken)
        with pytest.raises(sqlite3.OperationalError):
            recorder.record(event("COMPLETE", RUN))
    recorder.record(event("COMPLETE", RUN))
    assert recorder.runs("tests", "refine")["totalCount"] == 1
