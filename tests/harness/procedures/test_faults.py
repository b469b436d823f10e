"""The suite's own proof: each fault, and exactly the guardrails that catch it.

Covers: switches of the simulated command and of the recorder, before or after the refine step.
Not here: commands that do not end (``test_marquez.py``, ``core/test_process.py``), a service that
does not answer in time (``clients/test_marquez.py``).
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.core.outcome import Outcome
from fixtures.evidence import layout, verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.simulators.hotpass import faults as command_faults
from fixtures.simulators.marquez import faults as service_faults

if TYPE_CHECKING:
    from tests.harness.procedures.conftest import Played, Staged

BROKE, OPEN = "broke", "not established"
REFINE, RUN, EVENTS, VERSION = (
    "refine-succeeded",
    "run-completed",
    "events-stored",
    "job-version-predicted",
)
FILES, GRAPH, PICTURE, EXPORTS = (
    "inputs-and-outputs",
    "graph-linked",
    "screenshot-shows-job",
    "exports-complete",
)
MODEL = (RUN, VERSION, FILES, GRAPH, PICTURE)
"""What the service makes of the events."""
LINEAGE = (*MODEL, EVENTS, EXPORTS)
EVERYTHING_BEFORE_THE_LOG = ("stack-healthy", REFINE, *LINEAGE)

PASSED, FAILED, BLOCKED = Outcome.PASSED, Outcome.FAILED, Outcome.BLOCKED

COMMAND_FAULTS = [
    ("exit-nonzero", {REFINE: BROKE}, FAILED),
    ("no-workbook", dict.fromkeys((REFINE, VERSION, FILES, GRAPH), BROKE), FAILED),
    ("stale-workbook", {REFINE: BROKE}, FAILED),
    ("no-lineage", dict.fromkeys(LINEAGE, OPEN), BLOCKED),
    ("no-complete", dict.fromkeys((*MODEL, EVENTS), BROKE), FAILED),
    ("fail-run", dict.fromkeys((*MODEL, EVENTS), BROKE), FAILED),
    ("wrong-run-id", {RUN: BROKE, EVENTS: BROKE, VERSION: OPEN, FILES: OPEN}, FAILED),
    ("wrong-namespace", dict.fromkeys(LINEAGE, OPEN) | {EVENTS: BROKE}, BLOCKED),
    ("lost-output", dict.fromkeys((VERSION, FILES, GRAPH, PICTURE), BROKE), FAILED),
    ("late-start", dict.fromkeys((RUN, EVENTS, GRAPH, PICTURE), BROKE), FAILED),
    # It left no file behind: nothing to compare lineage with.
    (
        "die-by-signal",
        dict.fromkeys(MODEL, OPEN) | dict.fromkeys((REFINE, RUN, EVENTS), BROKE),
        FAILED,
    ),
    # A second run of somebody else's is no fault of ours: it must not be taken for one.
    ("twice", {}, PASSED),
]
"""Switch of the simulated command, guardrails that do not hold, outcome it would have had."""

BEFORE, AFTER = "before", "after"

TWICE = {RUN: BROKE, VERSION: OPEN, FILES: OPEN, EXPORTS: BROKE}

SERVICE_FAULTS = [
    (BEFORE, "unhealthy", True, dict.fromkeys(EVERYTHING_BEFORE_THE_LOG, OPEN), BLOCKED),
    (BEFORE, "status", 500, dict.fromkeys(EVERYTHING_BEFORE_THE_LOG, OPEN), BLOCKED),
    (AFTER, "status", 503, dict.fromkeys(LINEAGE, OPEN), BLOCKED),
    (
        AFTER,
        "status_for",
        {"/runs": 500},
        dict.fromkeys((RUN, VERSION, FILES, EXPORTS), OPEN),
        BLOCKED,
    ),
    (AFTER, "status_for", {"/datasets": 500}, {FILES: OPEN, EXPORTS: OPEN}, BLOCKED),
    (AFTER, "status_for", {"/v1/lineage": 500}, {GRAPH: OPEN, PICTURE: OPEN}, BLOCKED),
    (AFTER, "status_for", {"/events": 500}, {EVENTS: OPEN}, PASSED),
    (AFTER, "garbage", True, dict.fromkeys(LINEAGE, OPEN), BLOCKED),
    (AFTER, "lose_run", True, dict.fromkeys((RUN, VERSION, FILES, EXPORTS), OPEN), BLOCKED),
    (AFTER, "duplicate_run", True, TWICE, FAILED),
    (BEFORE, "lose_outputs", True, dict.fromkeys((VERSION, FILES, GRAPH, PICTURE), BROKE), FAILED),
    (BEFORE, "drop_model_update", True, dict.fromkeys((*MODEL, EXPORTS), OPEN), BLOCKED),
    (BEFORE, "wrong_namespace", "x", dict.fromkeys((*MODEL, EXPORTS), OPEN), BLOCKED),
    (BEFORE, "late_start", True, dict.fromkeys((RUN, GRAPH, PICTURE), BROKE), FAILED),
    # Ours and not the run-book's: amber, and no outcome changes.
    (BEFORE, "log_errors", True, {"service-log-clean": BROKE}, PASSED),
    # No fault the run-book knows: a service may serve short pages.
    (BEFORE, "page_cap", 1, {}, PASSED),
]
"""When, switch of the recorder, its value, guardrails that do not hold, outcome."""


NEVER_ENDING = {"chatter", "hang"}
OF_THE_ARCHIVE = {"wrong-checksum"}
"""The lineage smoke does not look inside it; the full E2E preflight does."""
OTHER_VERBS = ("deploy-", "enrich-", "overview-", "qa-")
SLOW = {"delay_s", "hang"}


def check(played: Played, not_held: Mapping[str, str], would_be: Outcome) -> None:
    """The verdicts are these and no others, and the evidence of it is whole."""
    assert played.not_held == not_held
    assert (played.sealed.outcome, played.sealed.would_be) == (Outcome.SIMULATED, would_be)
    assert not played.sealed.harness_faults
    answer = verify.verify(played.sealed.folder, registries=REGISTRIES)
    assert answer.verified, answer.denials


@pytest.mark.parametrize(
    ("fault", "not_held", "would_be"),
    [pytest.param(*row, id=row[0]) for row in COMMAND_FAULTS],
)
def test_command_fault(
    stage: Staged, fault: str, not_held: Mapping[str, str], would_be: Outcome
) -> None:
    """Each misbehaviour of the command is caught by exactly these guardrails."""
    if fault == "stale-workbook":
        lay_an_old_workbook(stage.rehearsal.hotpass.root / "dist" / "refined.xlsx")
    stage.strike(fault)
    check(stage.play(), not_held, would_be)


@pytest.mark.parametrize(
    ("when", "switch", "value", "not_held", "would_be"),
    [pytest.param(*row, id=f"{row[1]}-{row[2]}-{row[0]}") for row in SERVICE_FAULTS],
)
def test_service_fault(
    quick_stage: Staged,
    when: str,
    switch: str,
    value: Any,
    not_held: Mapping[str, str],
    would_be: Outcome,
) -> None:
    """Each misbehaviour of the service is caught by exactly these guardrails."""

    def flip() -> None:
        setattr(quick_stage.recorder.faults, switch, value)

    if when == BEFORE:
        flip()
    else:
        quick_stage.then(flip)
    played = quick_stage.play()
    check(played, not_held, would_be)
    present = {path.name for path in played.sealed.folder.iterdir()}
    required = {each.path for each in layout.artefacts_of("marquez") if each.required}
    assert required - present <= played.sealed.summary.absent.keys()
    assert "marquez.log" in present


def test_young_workbook_left_untouched_is_stale(quick_stage: Staged) -> None:
    """A workbook from a moment ago is not this run's when the command did not write it."""
    path = quick_stage.rehearsal.hotpass.root / "dist" / "refined.xlsx"
    lay_an_old_workbook(path)
    soon = datetime.now(UTC).timestamp() + 60
    os.utime(path, (soon, soon))
    quick_stage.strike("stale-workbook")
    check(quick_stage.play(), {"refine-succeeded": BROKE}, FAILED)


def test_no_switch_is_left_out() -> None:
    """Whoever adds a fault says here which guardrail catches it."""
    ours = {name for name in command_faults.FAULTS if not name.startswith(OTHER_VERBS)}
    assert {row[0] for row in COMMAND_FAULTS} == ours - NEVER_ENDING - OF_THE_ARCHIVE
    switches = {each.name for each in dataclasses.fields(service_faults.Faults)}
    assert {row[1] for row in SERVICE_FAULTS} == switches - SLOW


def test_every_guardrail_catches_something() -> None:
    """A guardrail no fault ever breaks is decoration."""
    caught = {name for row in COMMAND_FAULTS for name in row[1]}
    caught |= {name for row in SERVICE_FAULTS for name in row[3]}
    assert caught == {each.id.removeprefix("marquez.") for each in REGISTRIES["marquez"]}


def lay_an_old_workbook(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"PK\x03\x04 of last week")
    os.utime(path, (1_700_000_000, 1_700_000_000))
