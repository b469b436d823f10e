"""Guardrails over the runs and datasets the service lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fixtures.core.records.lineage import Dataset, LineageRun
from fixtures.core.records.refine import RefineResult
from fixtures.core.verdict import Ruling
from fixtures.guardrails import marquez

SKEW = timedelta(seconds=5)
TICK = timedelta(microseconds=1)
STRANGER = Dataset("hotpass.local", "/srv/hotpass/data/stranger.xlsx")


def test_run_completed_holds(
    runs: Sequence[LineageRun], run_id: str, refine: RefineResult
) -> None:
    """Ours completed within the window, wherever it stands in the list."""
    for order in (runs, list(reversed(runs)), [run for run in runs if run.id == run_id]):
        verdict = marquez.run_completed(order, run_id, refine)
        assert verdict, verdict.story
        assert verdict.observed == (
            f"{'1 run' if len(order) == 1 else '2 runs'}; {run_id} is COMPLETED "
            "from 2026-11-22T14:00:01Z to 2026-11-22T14:00:04Z"
        )
        assert verdict.expected.endswith(
            "COMPLETED, between 2026-11-22T14:00:00Z and 2026-11-22T14:00:05Z"
        )


def test_no_runs_is_not_established(run_id: str, refine: RefineResult) -> None:
    """An empty list says nothing about our run."""
    verdict = marquez.run_completed([], run_id, refine)
    assert verdict.ruling is Ruling.NOT_ESTABLISHED


@pytest.mark.parametrize("state", ["NEW", "RUNNING", "FAILED", "ABORTED", "completed", ""])
def test_other_states_break(
    ours: LineageRun, theirs: LineageRun, run_id: str, refine: RefineResult, state: str
) -> None:
    """Any state of ours but COMPLETED breaks, though somebody else's run was fine."""
    verdict = marquez.run_completed([theirs, replace(ours, state=state)], run_id, refine)
    assert verdict.ruling is Ruling.BROKE
    assert f"2 runs; {run_id} is {state}" in verdict.observed


def test_somebody_elses_success_breaks(
    theirs: LineageRun, run_id: str, refine: RefineResult
) -> None:
    """Ours absent is broken, though every listed run completed."""
    verdict = marquez.run_completed([theirs], run_id, refine)
    assert verdict.ruling is Ruling.BROKE
    assert f"{run_id} is absent" in verdict.observed


@pytest.mark.parametrize("second", ["COMPLETED", "FAILED", "RUNNING"])
def test_two_runs_of_our_id_break(
    ours: LineageRun, run_id: str, refine: RefineResult, second: str
) -> None:
    """Two runs under one id cannot be told apart, though the first completed."""
    verdict = marquez.run_completed([ours, replace(ours, state=second)], run_id, refine)
    assert verdict.ruling is Ruling.BROKE
    assert f"is COMPLETED, {run_id} is {second}" in verdict.observed


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"started_at": None}, id="never-started"),
        pytest.param({"ended_at": None}, id="never-ended"),
        pytest.param({"started_at": None, "ended_at": None}, id="no-times-at-all"),
    ],
)
def test_missing_times_break(
    ours: LineageRun, run_id: str, refine: RefineResult, changes: dict[str, Any]
) -> None:
    """COMPLETED without its times cannot be placed in the window."""
    verdict = marquez.run_completed([replace(ours, **changes)], run_id, refine)
    assert verdict.ruling is Ruling.BROKE
    assert "None" in verdict.observed


@pytest.mark.parametrize(
    ("begin", "end", "holds"),
    [
        pytest.param(-SKEW, timedelta(0), True, id="began-at-the-edge-of-the-skew"),
        pytest.param(-SKEW - TICK, timedelta(0), False, id="began-before-the-skew"),
        pytest.param(timedelta(0), SKEW, True, id="ended-at-the-edge-of-the-skew"),
        pytest.param(timedelta(0), SKEW + TICK, False, id="ended-after-the-skew"),
        pytest.param(-SKEW, SKEW, True, id="both-edges"),
    ],
)
def test_window_and_clock_skew(
    ours: LineageRun,
    run_id: str,
    refine: RefineResult,
    begin: timedelta,
    end: timedelta,
    holds: bool,
) -> None:
    """Times count to within five seconds of the command's own, edges included."""
    run = replace(ours, started_at=refine.started_at + begin, ended_at=refine.ended_at + end)
    verdict = marquez.run_completed([run], run_id, refine)
    assert bool(verdict) is holds
    assert verdict.ruling is not Ruling.NOT_ESTABLISHED


def test_run_of_no_length_holds(ours: LineageRun, run_id: str, refine: RefineResult) -> None:
    """A run may begin and end in the same instant, as coarse clocks have it."""
    run = replace(ours, ended_at=ours.started_at)
    assert marquez.run_completed([run], run_id, refine)


@pytest.mark.parametrize(
    "shift",
    [
        pytest.param(timedelta(days=-1), id="yesterday"),
        pytest.param(timedelta(days=1), id="tomorrow"),
    ],
)
def test_run_outside_the_window_breaks(
    ours: LineageRun, run_id: str, refine: RefineResult, shift: timedelta
) -> None:
    """Our id on another day's run is somebody's replay."""
    assert ours.started_at is not None
    assert ours.ended_at is not None
    run = replace(ours, started_at=ours.started_at + shift, ended_at=ours.ended_at + shift)
    verdict = marquez.run_completed([run], run_id, refine)
    assert verdict.ruling is Ruling.BROKE
    day = f"{run.started_at:%F}"
    assert verdict.observed.endswith(f", from {day}T14:00:01Z to {day}T14:00:04Z")


def test_run_that_ends_before_it_begins_breaks(
    ours: LineageRun, run_id: str, refine: RefineResult
) -> None:
    """Times inside the window but the wrong way round are no times."""
    run = replace(ours, started_at=ours.ended_at, ended_at=ours.started_at)
    assert marquez.run_completed([run], run_id, refine).ruling is Ruling.BROKE


def test_inputs_and_outputs_hold(
    runs: Sequence[LineageRun], run_id: str, datasets: frozenset[Dataset], refine: RefineResult
) -> None:
    """The same files on both sides and in the list: held, counted."""
    verdict = marquez.inputs_and_outputs(runs, run_id, datasets, refine)
    assert verdict, verdict.story
    assert verdict.observed == "2 inputs and 2 outputs, all among 6 datasets"
    assert "read 2 files and wrote 2" in verdict.expected


def test_exactly_our_datasets_hold(ours: LineageRun, run_id: str, refine: RefineResult) -> None:
    """A namespace that is ours alone holds as well."""
    used = refine.dataset_inputs | refine.dataset_outputs
    assert marquez.inputs_and_outputs([ours], run_id, used, refine)


def test_no_inputs_is_not_established(
    ours: LineageRun, run_id: str, datasets: frozenset[Dataset], refine: RefineResult
) -> None:
    """Nothing read and nothing shown agree about nothing."""
    nothing, run = replace(refine, inputs=()), replace(ours, inputs=frozenset())
    verdict = marquez.inputs_and_outputs([run], run_id, datasets, nothing)
    assert verdict.ruling is Ruling.NOT_ESTABLISHED


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(0, id="ours-absent-theirs-fine"),
        pytest.param(2, id="ours-twice"),
    ],
)
def test_not_exactly_one_run_of_ours_is_not_established(
    ours: LineageRun,
    theirs: LineageRun,
    run_id: str,
    datasets: frozenset[Dataset],
    refine: RefineResult,
    times: int,
) -> None:
    """Without exactly one run of our id there is nothing to compare; counting is another's."""
    verdict = marquez.inputs_and_outputs([theirs, *[ours] * times], run_id, datasets, refine)
    assert verdict.ruling is Ruling.NOT_ESTABLISHED
    assert verdict.observed.startswith(f"{times} runs")


@pytest.mark.parametrize(
    ("side", "told"),
    [
        pytest.param("inputs", "inputs used and not shown", id="inputs-lost"),
        pytest.param("outputs", "outputs used and not shown", id="outputs-lost"),
    ],
)
def test_lost_datasets_break(
    ours: LineageRun,
    run_id: str,
    datasets: frozenset[Dataset],
    refine: RefineResult,
    side: str,
    told: str,
) -> None:
    """A side the run does not show breaks, all of it or one file."""
    first, second = sorted(getattr(ours, side))
    for left, lost in ((frozenset[Dataset](), [first, second]), (frozenset({second}), [first])):
        changes: dict[str, Any] = {side: left}
        run = replace(ours, **changes)
        verdict = marquez.inputs_and_outputs([run], run_id, datasets, refine)
        assert verdict.ruling is Ruling.BROKE
        named = ", ".join(f"hotpass.local:{each.name}" for each in lost)
        assert verdict.observed == f"{told}: {named}"


@pytest.mark.parametrize(
    ("side", "told"),
    [
        pytest.param("inputs", "inputs shown and not used", id="input-invented"),
        pytest.param("outputs", "outputs shown and not used", id="output-invented"),
    ],
)
def test_invented_datasets_break(
    ours: LineageRun,
    run_id: str,
    datasets: frozenset[Dataset],
    refine: RefineResult,
    side: str,
    told: str,
) -> None:
    """A file the command never touched breaks, though it is a listed dataset."""
    run = replace(ours, **{side: getattr(ours, side) | {STRANGER}})
    verdict = marquez.inputs_and_outputs([run], run_id, datasets | {STRANGER}, refine)
    assert verdict.ruling is Ruling.BROKE
    assert verdict.observed == f"{told}: hotpass.local:{STRANGER.name}"


def test_sides_swapped_break(
    ours: LineageRun, run_id: str, datasets: frozenset[Dataset], refine: RefineResult
) -> None:
    """Inputs shown as outputs and the reverse are four differences, not agreement."""
    run = replace(ours, inputs=ours.outputs, outputs=ours.inputs)
    verdict = marquez.inputs_and_outputs([run], run_id, datasets, refine)
    assert verdict.ruling is Ruling.BROKE
    assert verdict.observed.count("; ") == 3


def test_same_names_in_another_namespace_break(
    ours: LineageRun, run_id: str, datasets: frozenset[Dataset], refine: RefineResult
) -> None:
    """A dataset is its namespace too."""
    moved = frozenset(replace(each, namespace="somebody.else") for each in ours.inputs)
    run = replace(ours, inputs=moved)
    verdict = marquez.inputs_and_outputs([run], run_id, datasets | moved, refine)
    assert verdict.ruling is Ruling.BROKE


@pytest.mark.parametrize("side", ["dataset_inputs", "dataset_outputs"])
def test_unlisted_datasets_break(
    ours: LineageRun,
    run_id: str,
    datasets: frozenset[Dataset],
    refine: RefineResult,
    side: str,
) -> None:
    """What the run shows must be in the list of datasets as well."""
    gone = min(getattr(refine, side))
    verdict = marquez.inputs_and_outputs([ours], run_id, datasets - {gone}, refine)
    assert verdict.ruling is Ruling.BROKE
    assert verdict.observed == f"not among the 5 datasets: hotpass.local:{gone.name}"


def test_many_differences_are_counted_not_listed(
    ours: LineageRun, run_id: str, datasets: frozenset[Dataset], refine: RefineResult
) -> None:
    """Six names are named, the rest is a number; six alone need none."""
    names = [Dataset("hotpass.local", f"/srv/{number}.xlsx") for number in range(8)]
    told = []
    for count in (6, 8):
        run = replace(ours, inputs=ours.inputs | set(names[:count]))
        told.append(marquez.inputs_and_outputs([run], run_id, datasets, refine).observed)
    assert told[0].endswith("/srv/5.xlsx")
    assert told[1].endswith("/srv/5.xlsx and 2 more")
