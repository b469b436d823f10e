"""Lineage smoke: Marquez shows the latest refinement run.

Preconditions: the stack is healthy; OPENLINEAGE_URL points at it.
Steps: 1 start stack · 2 emit a run · 3 trigger Prefect (optional) · 4 capture artefacts ·
5 archive logs
Expected: guardrails marquez.* hold; cli.log, runs.json, datasets.json, graph.png, notes.md and
marquez.log in the evidence directory
Run-book: lineage smoke test, last updated 2025-12-03
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from fixtures.guardrails import marquez

if TYPE_CHECKING:
    from fixtures.core.records.events import StoredEvent
    from fixtures.core.records.exports import ExportFacts
    from fixtures.core.records.lineage import Dataset, LineageGraph, LineageRun
    from fixtures.core.records.linkage import Linkage
    from fixtures.core.records.picture import Picture
    from fixtures.core.records.refine import RefineResult
    from fixtures.core.records.service import Health, LogFacts
    from fixtures.procedures.weighing import Weigh

pytestmark = pytest.mark.marquez


def test_stack_healthy(health: Health, weigh: Weigh) -> None:
    """Step 1: the lineage service is healthy before anything is sent to it."""
    verdict = weigh(marquez.stack_healthy(health))
    assert verdict, verdict.story


def test_refine_succeeded(refine: RefineResult, weigh: Weigh) -> None:
    """Step 2: the command exited 0 and wrote the workbook in this run."""
    verdict = weigh(marquez.refine_succeeded(refine))
    assert verdict, verdict.story


def test_run_completed(
    runs: Sequence[LineageRun], run_id: str, refine: RefineResult, weigh: Weigh
) -> None:
    """Step 2: our refinement run, found by its id, reached COMPLETED in this window."""
    verdict = weigh(marquez.run_completed(runs, run_id, refine))
    assert verdict, verdict.story


def test_events_stored(
    events: Sequence[StoredEvent], run_id: str, refine: RefineResult, weigh: Weigh
) -> None:
    """Step 2: START and COMPLETE of our run are stored, and valid."""
    verdict = weigh(marquez.events_stored(events, run_id, refine))
    assert verdict, verdict.story


def test_job_version_predicted(
    runs: Sequence[LineageRun], run_id: str, refine: RefineResult, weigh: Weigh
) -> None:
    """Step 2: the run made the job version that its inputs and outputs predict."""
    verdict = weigh(marquez.job_version_predicted(runs, run_id, refine))
    assert verdict, verdict.story


def test_prefect_linkage(linkage: Linkage, weigh: Weigh) -> None:
    """Step 3: the flow run shows in the lineage, by its own id; left out where Prefect is."""
    verdict = weigh(marquez.prefect_linkage(linkage))
    assert verdict, verdict.story


def test_inputs_and_outputs(
    runs: Sequence[LineageRun],
    run_id: str,
    datasets: frozenset[Dataset],
    refine: RefineResult,
    weigh: Weigh,
) -> None:
    """Step 4: the run's inputs and outputs are the files really used."""
    verdict = weigh(marquez.inputs_and_outputs(runs, run_id, datasets, refine))
    assert verdict, verdict.story


def test_graph_linked(graph: LineageGraph, refine: RefineResult, weigh: Weigh) -> None:
    """Step 4: the graph links our job to its inputs and outputs."""
    verdict = weigh(marquez.graph_linked(graph, refine))
    assert verdict, verdict.story


def test_screenshot_shows_job(picture: Picture, refine: RefineResult, weigh: Weigh) -> None:
    """Step 4: the picture shows the job and its input and output nodes."""
    verdict = weigh(marquez.screenshot_shows_job(picture, refine))
    assert verdict, verdict.story


def test_exports_complete(exports: Sequence[ExportFacts], weigh: Weigh) -> None:
    """Step 4: the exports hold all the service has, not just a first page."""
    verdict = weigh(marquez.exports_complete(exports))
    assert verdict, verdict.story


def test_service_log_clean(service_log: LogFacts, weigh: Weigh) -> None:
    """Step 5: the archived log tells of no migration or schema error."""
    verdict = weigh(marquez.service_log_clean(service_log))
    assert verdict, verdict.story
