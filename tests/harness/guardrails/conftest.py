"""What a lineage smoke gathers when everything went well; each test spoils one thing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fixtures.core.records.backfill_runs import FlowRun, StateChange
from fixtures.core.records.events import StoredEvent
from fixtures.core.records.exports import ExportFacts
from fixtures.core.records.lineage import Dataset, LineageGraph, LineageRun
from fixtures.core.records.linkage import Linkage, ShownRun
from fixtures.core.records.picture import Picture
from fixtures.core.records.refine import FileFact, RefineResult
from fixtures.core.records.service import Health, LogFacts

BEGIN = datetime(2026, 11, 22, 14, 0, 0, 250_000, tzinfo=UTC)


def a_file(path: str) -> FileFact:
    return FileFact(
        path=path,
        size_bytes=4096,
        sha256="5f" * 32,
        modified_at=BEGIN + timedelta(seconds=3),
        magic="504b0304",
    )


@pytest.fixture
def run_id() -> str:
    """Run id of the rehearsal under test."""
    return "3f1c0f5e-9d0a-4a5b-8d53-1f3f6f1f2a77"


@pytest.fixture
def health() -> Health:
    """Healthy service that lists its namespaces."""
    return Health({"deadlocks": True, "postgresql": True}, frozenset({"default", "hotpass.local"}))


@pytest.fixture
def refine(run_id: str) -> RefineResult:
    """Refinement of two inputs to a workbook and its archive, from 14:00:00.25 to 14:00:05."""
    return RefineResult(
        run_id=run_id,
        namespace="hotpass.local",
        job="hotpass.pipeline.generic",
        how="exit code 0",
        exit_code=0,
        started_at=BEGIN,
        ended_at=BEGIN + timedelta(seconds=5),
        workbook_path="/srv/hotpass/dist/refined.xlsx",
        inputs=(a_file("/srv/hotpass/data/clubs.xlsx"), a_file("/srv/hotpass/data/schools.xlsx")),
        workbook=a_file("/srv/hotpass/dist/refined.xlsx"),
        archives=(a_file("/srv/hotpass/dist/refined.zip"),),
        workbook_before=None,
        last_lines=("48 rows read", "refined workbook written"),
    )


@pytest.fixture
def ours(run_id: str, refine: RefineResult) -> LineageRun:
    """Our run as the service lists it."""
    return LineageRun(
        id=run_id,
        state="COMPLETED",
        started_at=refine.started_at + timedelta(seconds=1),
        ended_at=refine.ended_at - timedelta(seconds=1),
        inputs=refine.dataset_inputs,
        outputs=refine.dataset_outputs,
        job_version="5527920c-c180-3015-a240-fa662caa7098",
    )


@pytest.fixture
def theirs(refine: RefineResult) -> LineageRun:
    """Somebody else's run of the same job: an hour before ours, and fine."""
    return LineageRun(
        id="77777777-1d7a-4a5b-8d53-1f3f6f1f2a77",
        state="COMPLETED",
        started_at=refine.started_at - timedelta(hours=1),
        ended_at=refine.ended_at - timedelta(hours=1),
        inputs=frozenset({Dataset("hotpass.local", "/srv/theirs/data/in.xlsx")}),
        outputs=frozenset({Dataset("hotpass.local", "/srv/theirs/dist/out.xlsx")}),
    )


@pytest.fixture
def runs(ours: LineageRun, theirs: LineageRun) -> Sequence[LineageRun]:
    """Ours and theirs, ours not first."""
    return [theirs, ours]


@pytest.fixture
def datasets(refine: RefineResult, theirs: LineageRun) -> frozenset[Dataset]:
    """Every dataset of both runs: the namespace is shared."""
    return refine.dataset_inputs | refine.dataset_outputs | theirs.inputs | theirs.outputs


@pytest.fixture
def graph(refine: RefineResult) -> LineageGraph:
    """Our job between its files, and another job that reads our workbook."""
    job, other = "job:hotpass.local:hotpass.pipeline.generic", "job:hotpass.local:hotpass.enrich"
    inputs = {each.node_id for each in refine.dataset_inputs}
    outputs = {each.node_id for each in refine.dataset_outputs}
    workbook = f"dataset:hotpass.local:{refine.workbook_path}"
    return LineageGraph(
        frozenset({job, other} | inputs | outputs),
        frozenset(
            {(each, job) for each in inputs}
            | {(job, each) for each in outputs}
            | {(workbook, other)}
        ),
    )


@pytest.fixture
def picture(refine: RefineResult) -> Picture:
    """Screenshot with a whole label for every node."""
    files = sorted(refine.dataset_inputs | refine.dataset_outputs)
    return Picture(
        how="screenshot",
        page_url="http://localhost:3000/lineage/job/hotpass.local/hotpass.pipeline.generic",
        labels=(refine.job, *(each.name for each in files)),
        width_px=1400,
        height_px=800,
        blank=False,
    )


@pytest.fixture
def events(run_id: str, refine: RefineResult, theirs: LineageRun) -> Sequence[StoredEvent]:
    """START and COMPLETE of ours, with somebody else's in between."""

    def event(kind: str, of: str) -> StoredEvent:
        return StoredEvent(
            type=kind, run_id=of, namespace=refine.namespace, job=refine.job, trouble=None
        )

    return [event("START", run_id), event("FAIL", theirs.id), event("COMPLETE", run_id)]


@pytest.fixture
def exports() -> Sequence[ExportFacts]:
    """Two exports that hold all the service says it has."""
    return [
        ExportFacts(name="runs.json", rows=2, distinct=2, total=2, rows_a_page=100),
        ExportFacts(name="datasets.json", rows=25, distinct=25, total=25, rows_a_page=10),
    ]


@pytest.fixture
def linkage(refine: RefineResult) -> Linkage:
    """Flow run of five seconds, shown under its own id as the job of its profile."""
    flow_id, job = "5b9b4d0e-0c5e-4d35-9b53-0f6a9d6a1c11", "hotpass.pipeline.aviation"
    times = (("SCHEDULED", 5), ("PENDING", 6), ("RUNNING", 8), ("COMPLETED", 13))
    states = [
        StateChange(
            type=kind,
            name=kind.capitalize(),
            at=BEGIN + timedelta(seconds=after_s),
            message="",
            leased=False,
        )
        for kind, after_s in times
    ]
    run = LineageRun(
        id=flow_id,
        state="COMPLETED",
        started_at=BEGIN + timedelta(seconds=9),
        ended_at=BEGIN + timedelta(seconds=12),
        inputs=refine.dataset_inputs,
        outputs=refine.dataset_outputs,
    )
    return Linkage(
        deployment="hotpass-refinement-pipeline/hotpass-refinement",
        deployment_id="d1",
        namespace=refine.namespace,
        job=job,
        tag="rehearsal:3f1c",
        how="made a flow run",
        asked_at=BEGIN + timedelta(seconds=5),
        flow_runs=(
            FlowRun(
                id=flow_id,
                name="jade-jaguar",
                deployment_id="d1",
                tags=frozenset({"rehearsal:3f1c"}),
                parameters={"profile_name": "aviation"},
                states=tuple(states),
            ),
        ),
        by_id=ShownRun(
            run=run, namespace=refine.namespace, job=job, parents=frozenset(), deployment_id=""
        ),
        by_parent=(),
        by_made_id=None,
        made_id="01a2025f-404a-7311-99c4-b6c5b64c0984",
        by_time=(),
        control_id="c926f3e4-692a-4fd4-81a0-404540778ec8",
        control_found=False,
    )


@pytest.fixture
def service_log() -> LogFacts:
    """Log of 40 lines without a word of trouble."""
    return LogFacts(40, (), 0)


@pytest.fixture
def seen(
    run_id: str,
    health: Health,
    refine: RefineResult,
    runs: Sequence[LineageRun],
    events: Sequence[StoredEvent],
    exports: Sequence[ExportFacts],
    datasets: frozenset[Dataset],
    graph: LineageGraph,
    linkage: Linkage,
    picture: Picture,
    service_log: LogFacts,
) -> Mapping[str, Any]:
    """Everything a good rehearsal gathers, by parameter name."""
    return {
        "run_id": run_id,
        "health": health,
        "refine": refine,
        "runs": runs,
        "events": events,
        "exports": exports,
        "datasets": datasets,
        "graph": graph,
        "linkage": linkage,
        "picture": picture,
        "service_log": service_log,
    }
