"""Lineage answers, pictures and report views to draw from.

Covers: one realistic value of each; a self-test changes what it is about.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fixtures.drawing.view import (
    ArtefactRow,
    CommandRow,
    GuardrailRow,
    Picture,
    ReportView,
    StepRow,
    SystemRow,
    Teeth,
)

RUN = "3f1c2a7e-91d4-4c55-b1f0-7f6a2d9e8c10"
NAMESPACE = "hotpass.local"

Solid = Callable[..., bytes]
Answer = Callable[..., dict[str, Any]]


@pytest.fixture
def solid() -> Solid:
    """Make a PNG of one colour."""
    from PIL import Image

    def make(colour: str = "white", *, width: int = 400, height: int = 200) -> bytes:
        out = io.BytesIO()
        Image.new("RGB", (width, height), colour).save(out, format="PNG")
        return out.getvalue()

    return make


@pytest.fixture
def answer() -> Answer:
    """Make a lineage answer of edges; names that begin with ``job`` are jobs."""

    def make(edges: Sequence[tuple[str, str]], *, alone: Sequence[str] = ()) -> dict[str, Any]:
        names = sorted({name for edge in edges for name in edge} | set(alone))
        nodes = {name: a_node(name) for name in names}
        for origin, to in edges:
            edge = {"origin": nodes[origin]["id"], "destination": nodes[to]["id"]}
            nodes[origin]["outEdges"].append(edge)
            nodes[to]["inEdges"].append(edge)
        return {"graph": list(nodes.values())}

    return make


def a_node(name: str) -> dict[str, Any]:
    """One node as Marquez lists it."""
    kind = "job" if name.startswith("job") else "dataset"
    data: dict[str, Any] = {"name": name, "namespace": NAMESPACE}
    if kind == "job":
        data["latestRun"] = {"id": RUN, "state": "COMPLETED"}
    return {
        "id": f"{kind}:{NAMESPACE}:{name}",
        "type": kind.upper(),
        "data": data,
        "inEdges": [],
        "outEdges": [],
    }


@pytest.fixture
def view(solid: Solid) -> ReportView:
    """A dry run of the lineage smoke that would have passed."""
    started = datetime(2026, 11, 22, 1, 49, 38, tzinfo=UTC)
    return ReportView(
        word="marquez",
        title="Lineage smoke",
        run_id=RUN,
        mode="dry run",
        outcome="SIMULATED",
        would_be="PASSED",
        headline="All 4 must guardrails held; 1 of 2 should guardrails broke.",
        runbook="Lineage smoke test runbook, last updated 2025-12-03",
        environment="hotpass-staging",
        owners=("Data platform", "QA"),
        operator="ci@hotpass",
        started_at=started,
        ended_at=started + timedelta(seconds=8.4),
        directory="dist/staging/marquez/20261122T014938Z",
        ledger_sha256="9f2c" * 16,
        harness_version="0.1.0",
        systems=(
            SystemRow(name="Marquez", provenance="simulated", detail="twin, 0.51.1 semantics"),
            SystemRow(name="hotpass", provenance="simulated", detail="simulated command"),
            SystemRow(
                name="Prefect", provenance="local", detail="server 3.8.8, SQLite, 127.0.0.1:43121"
            ),
        ),
        steps=(
            StepRow(number=1, title="Start the stack", state="done", duration_s=1.2),
            StepRow(number=2, title="Seed lineage via CLI", state="done", duration_s=3.9),
            StepRow(
                number=3,
                title="Trigger Prefect linkage",
                state="not exercised",
                duration_s=None,
                note="optional in the run-book",
            ),
            StepRow(number=4, title="Capture Marquez artefacts", state="done", duration_s=2.1),
            StepRow(number=5, title="Archive logs", state="done", duration_s=0.2),
        ),
        guardrails=_guardrails(),
        deviations=(
            "Step 1: the run-book starts hotpass-web; the stack has no such service.",
            "Step 4: port 3000 is served by nobody; the lineage page is on 3001.",
        ),
        commands=(
            CommandRow(
                step="2",
                command="uv run hotpass refine --input-dir ./data --output-path"
                " ./dist/refined.xlsx --profile generic --archive",
                exit_code="0",
                duration_s=3.9,
                log="cli.log",
            ),
            CommandRow(
                step="4",
                command="curl -fsS 'http://localhost:5000/api/v1/namespaces/hotpass.local/jobs'",
                exit_code="0",
                duration_s=0.1,
                log=None,
            ),
        ),
        artefacts=(
            ArtefactRow(
                path="runs.json", size_bytes=18_204, sha256="1b7e" * 16, required_by="marquez"
            ),
            ArtefactRow(
                path="graph.png",
                size_bytes=165_641,
                sha256="aa01" * 16,
                required_by="marquez",
                note="marked DRY RUN",
            ),
            ArtefactRow(path="notes.md", size_bytes=731, sha256="c0de" * 16, required_by=""),
        ),
        missing=(),
        pictures=(Picture(name="graph.png", caption="The lineage graph", png=solid("#d9f2e3")),),
        counts="6 guardrails in the registry = 6 verdicts in the ledger = 6 rows = 6 in JUnit",
        verify_command="uv run rehearsal verify dist/staging/marquez/20261122T014938Z",
        judge_command="uv run rehearsal judge dist/staging/marquez/20261122T014938Z",
        deployed=(
            ("hotpass", "git 8c1d2e3f4a5b60718293a4b5c6d7e8f901234567"),
            ("marquez image", "marquezproject/marquez@sha256:" + "5e" * 32),
        ),
        reasons=("Marquez and hotpass were simulated: a dry run never counts as evidence.",),
        signed_by=None,
        strict=False,
        teeth=Teeth(faults=114, harmless=18, sha256="6c54" * 16),
    )


def _guardrails() -> tuple[GuardrailRow, ...]:
    held = GuardrailRow(
        id="marquez.stack-healthy",
        rank="must",
        verdict="held",
        promise="The services of the stack are healthy before anything is sent.",
        expected="marquez and prefect healthy within 120 s",
        observed="marquez healthy after 0.3 s; prefect healthy after 0.9 s",
        artefact="marquez.log",
        step="step 1",
        waiver=None,
        decides=True,
        seeded=(12, 3),
    )
    return (
        held,
        GuardrailRow(
            id="marquez.run-completed",
            rank="must",
            verdict="held",
            promise="Our refinement run reached COMPLETED.",
            expected=f"exactly one run {RUN} and it is COMPLETED",
            observed=f"212 runs; {RUN} is COMPLETED",
            artefact="runs.json",
            step="step 2",
            waiver=None,
            decides=True,
            seeded=(12, 3),
        ),
        GuardrailRow(
            id="marquez.graph-connected",
            rank="must",
            verdict="held",
            promise="The graph holds our job with its inputs and outputs.",
            expected="1 job, 3 inputs, 2 outputs, 5 directed edges",
            observed="1 job, 3 inputs, 2 outputs, 5 directed edges",
            artefact="graph.json",
            step="step 4",
            waiver=None,
            decides=True,
            seeded=(12, 3),
        ),
        GuardrailRow(
            id="marquez.exports-complete",
            rank="must",
            verdict="held",
            promise="The exports hold every page the server has.",
            expected="as many rows as the server counts, facets beyond row 10",
            observed="212 of 212 runs; 14 of 14 datasets with facets",
            artefact="datasets.json",
            step="step 4",
            waiver=None,
            decides=True,
            seeded=(12, 3),
        ),
        GuardrailRow(
            id="marquez.events-valid",
            rank="should",
            verdict="broke",
            promise="Every event is valid against the OpenLineage schema.",
            expected="START and COMPLETE valid",
            observed="2 events; the hotpass facet has no _schemaURL in 2 of them",
            artefact="events.ndjson",
            step="step 2",
            waiver=None,
            decides=False,
            seeded=(12, 3),
        ),
        GuardrailRow(
            id="marquez.prefect-linkage",
            rank="should",
            verdict="not established",
            promise="The Marquez run id equals the Prefect flow-run id.",
            expected="one flow run with our run id",
            observed="step 3 was not exercised",
            artefact=None,
            step="step 3",
            waiver="Prefect is not deployed there yet · A. Owner · until 2026-12-31",
            decides=False,
            seeded=(12, 3),
        ),
    )
