"""Guardrails over what is stored beside the model: events, job version, whole exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from fixtures.core.records.events import StoredEvent
from fixtures.core.records.exports import ExportFacts
from fixtures.core.records.lineage import LineageRun
from fixtures.core.records.refine import RefineResult
from fixtures.core.verdict import Ruling
from fixtures.guardrails import marquez

Events = Sequence[StoredEvent]
START, THEIRS, COMPLETE = range(3)


def changed(events: Events, number: int, **changes: Any) -> Events:
    return [*events[:number], replace(events[number], **changes), *events[number + 1 :]]


def test_stored_events_hold(events: Events, run_id: str, refine: RefineResult) -> None:
    """START, then COMPLETE, both valid, with others' events in between: held."""
    verdict = marquez.events_stored(events, run_id, refine)
    assert verdict, verdict.story
    assert verdict.observed == "2 of 3 events are ours: START, COMPLETE, both valid"


def test_no_events_are_not_established(run_id: str, refine: RefineResult) -> None:
    """An empty list says nothing about ours."""
    assert marquez.events_stored([], run_id, refine).ruling is Ruling.NOT_ESTABLISHED


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(lambda e: [e[THEIRS]], "0 of 1 events are ours: none", id="theirs-only"),
        pytest.param(lambda e: e[:COMPLETE], "1 of 2 events are ours: START", id="no-complete"),
        pytest.param(lambda e: e[THEIRS:], "1 of 2 events are ours: COMPLETE", id="no-start"),
        pytest.param(lambda e: [*e, e[START]], "START, COMPLETE, START", id="late-start"),
        pytest.param(lambda e: [*e, e[COMPLETE]], "START, COMPLETE, COMPLETE", id="twice"),
        pytest.param(lambda e: list(reversed(e)), "COMPLETE, START", id="wrong-order"),
        pytest.param(lambda e: changed(e, COMPLETE, type="FAIL"), "START, FAIL", id="failed"),
        pytest.param(
            lambda e: changed(e, COMPLETE, job="hotpass.other"),
            "of hotpass.local:hotpass.other",
            id="another-job",
        ),
        pytest.param(
            lambda e: changed(e, START, namespace="somebody.else"),
            "of somebody.else:hotpass.pipeline.generic",
            id="another-namespace",
        ),
        pytest.param(
            lambda e: changed(e, START, trouble="has no producer"),
            "START has no producer",
            id="invalid-start",
        ),
        pytest.param(
            lambda e: changed(e, COMPLETE, trouble=""), "COMPLETE ", id="invalid-and-mute"
        ),
    ],
)
def test_spoilt_events_break(
    events: Events,
    run_id: str,
    refine: RefineResult,
    spoil: Callable[[Events], Events],
    told: str,
) -> None:
    """An event too few, too many, out of order, of another job or invalid breaks."""
    verdict = marquez.events_stored(spoil(events), run_id, refine)
    assert verdict.ruling is Ruling.BROKE
    assert told in verdict.observed


def test_others_events_may_be_invalid(events: Events, run_id: str, refine: RefineResult) -> None:
    """What others send to a shared service is theirs."""
    spoilt = changed(events, THEIRS, trouble="has no producer", job="theirs")
    assert marquez.events_stored(spoilt, run_id, refine)


def test_predicted_version_holds(
    runs: Sequence[LineageRun], run_id: str, refine: RefineResult
) -> None:
    """The version worked out by hand is the one predicted, among others' runs."""
    verdict = marquez.job_version_predicted(runs, run_id, refine)
    assert verdict, verdict.story
    assert "from 2 inputs and 2 outputs" in verdict.expected


@pytest.mark.parametrize(
    "version",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("3f1c0f5e-9d0a-4a5b-8d53-1f3f6f1f2a77", id="another"),
    ],
)
def test_another_version_breaks(
    ours: LineageRun, run_id: str, refine: RefineResult, version: str | None
) -> None:
    """A version that other inputs or outputs made breaks."""
    verdict = marquez.job_version_predicted([replace(ours, job_version=version)], run_id, refine)
    assert verdict.ruling is Ruling.BROKE
    assert verdict.observed == f"job version {version}"


@pytest.mark.parametrize(
    "changes", [{"namespace": "somebody.else"}, {"job": "other"}, {"archives": ()}]
)
def test_version_stands_for_names_and_files(
    ours: LineageRun, run_id: str, refine: RefineResult, changes: dict[str, Any]
) -> None:
    """Namespace, job and every file go into the prediction."""
    verdict = marquez.job_version_predicted([ours], run_id, replace(refine, **changes))
    assert verdict.ruling is Ruling.BROKE


@pytest.mark.parametrize("times", [0, 2])
def test_version_of_no_single_run_is_not_established(
    ours: LineageRun, theirs: LineageRun, run_id: str, refine: RefineResult, times: int
) -> None:
    """Without exactly one run of our id there is no version to compare."""
    verdict = marquez.job_version_predicted([theirs, *[ours] * times], run_id, refine)
    assert verdict.ruling is Ruling.NOT_ESTABLISHED
    assert verdict.observed.startswith(f"{times} runs")


def test_version_of_no_inputs_is_not_established(
    ours: LineageRun, run_id: str, refine: RefineResult
) -> None:
    """Nothing read leaves nothing to predict from."""
    verdict = marquez.job_version_predicted([ours], run_id, replace(refine, inputs=()))
    assert verdict.ruling is Ruling.NOT_ESTABLISHED


def test_whole_exports_hold(exports: Sequence[ExportFacts]) -> None:
    """As many distinct rows as the service says, in every export: held, counted."""
    verdict = marquez.exports_complete(exports)
    assert verdict, verdict.story
    assert verdict.observed == "runs.json 2 of 2, datasets.json 25 of 25"


@pytest.mark.parametrize(
    ("number", "changes", "told"),
    [
        pytest.param(0, {"rows": 1, "distinct": 1}, "1 distinct of 1 rows", id="a-row-short"),
        pytest.param(0, {"total": 3}, "the service 3", id="total-higher"),
        pytest.param(0, {"total": 1}, "the service 1", id="total-lower"),
        pytest.param(0, {"distinct": 1}, "1 distinct of 2 rows", id="a-row-twice"),
        pytest.param(
            0, {"rows": 3}, "2 distinct of 3 rows, the service 2", id="one-twice-one-too-many"
        ),
        pytest.param(
            1, {"rows": 10, "distinct": 10}, "datasets.json has 10", id="first-page-only"
        ),
        pytest.param(
            1, {"rows_a_page": 11}, "asked for 11 at a time: facets are missing", id="long-pages"
        ),
    ],
)
def test_short_exports_break(
    exports: Sequence[ExportFacts], number: int, changes: dict[str, Any], told: str
) -> None:
    """A row too few, too many, or twice breaks; so do pages too long for their facets."""
    spoilt = [*exports[:number], replace(exports[number], **changes), *exports[number + 1 :]]
    verdict = marquez.exports_complete(spoilt)
    assert verdict.ruling is Ruling.BROKE
    assert told in verdict.observed


@pytest.mark.parametrize("name", ["aliases.json", "tags.json"])
def test_only_pages_of_datasets_must_be_short(exports: Sequence[ExportFacts], name: str) -> None:
    """Facets are the datasets' own: any other list may come a hundred at a time."""
    another = ExportFacts(name=name, rows=3, distinct=3, total=3, rows_a_page=100)
    verdict = marquez.exports_complete([*exports, another])
    assert verdict, verdict.story


@pytest.mark.parametrize("total", [None, 0])
@pytest.mark.parametrize("number", [0, 1])
def test_silent_service_is_not_established(
    exports: Sequence[ExportFacts], number: int, total: int | None
) -> None:
    """No total, or a total of none, leaves nothing to count against."""
    spoilt = [*exports[:number], replace(exports[number], total=total), *exports[number + 1 :]]
    verdict = marquez.exports_complete(spoilt)
    assert verdict.ruling is Ruling.NOT_ESTABLISHED
    assert exports[number].name in verdict.observed


def test_no_exports_are_not_established() -> None:
    """Nothing exported is not everything."""
    verdict = marquez.exports_complete([])
    assert verdict.ruling is Ruling.NOT_ESTABLISHED
    assert "every export" in verdict.observed
