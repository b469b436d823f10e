"""The suite's own proof: each fault, and exactly the guardrails that catch it.

Covers: switches of the simulated command and of the recorder, before or after the refine step;
what each must do stands in ``fixtures/guardrails/seeded_marquez.json`` and nowhere else.
Not here: every fault of the command as a process of its own (``harness/sweep``), commands that do
not end (``test_marquez.py``, ``core/test_process.py``), a service that does not answer in time
(``clients/test_marquez.py``).
"""

from __future__ import annotations

import dataclasses
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.core.outcome import Outcome
from fixtures.evidence import layout, verify
from fixtures.guardrails import seeded
from fixtures.guardrails.registries import REGISTRIES
from fixtures.guardrails.seeded import Fault
from fixtures.procedures import judging
from fixtures.procedures.judging import Kind
from fixtures.simulators.hotpass import faults as command_faults
from fixtures.simulators.marquez import faults as service_faults

if TYPE_CHECKING:
    from tests.harness.procedures.conftest import Played, Staged

COMMAND = seeded.expected("marquez", "command")
SERVICE = seeded.expected("marquez", "service")
PREFECT = seeded.expected("marquez", "prefect")
"""Played in ``backfill/test_linkage.py``, where there is a Prefect."""

BEFORE, AFTER = "before", "after"
SERVICE_SWITCHES = {
    "unhealthy": (BEFORE, "unhealthy", True),
    "status-500": (BEFORE, "status", 500),
    "status-503": (AFTER, "status", 503),
    "status-500-for-runs": (AFTER, "status_for", {"/runs": 500}),
    "status-500-for-datasets": (AFTER, "status_for", {"/datasets": 500}),
    "status-500-for-lineage": (AFTER, "status_for", {"/v1/lineage": 500}),
    "status-500-for-events": (AFTER, "status_for", {"/events": 500}),
    "garbage": (AFTER, "garbage", True),
    "lose-run": (AFTER, "lose_run", True),
    "duplicate-run": (AFTER, "duplicate_run", True),
    "lose-outputs": (BEFORE, "lose_outputs", True),
    "drop-model-update": (BEFORE, "drop_model_update", True),
    "wrong-namespace": (BEFORE, "wrong_namespace", "x"),
    "late-start": (BEFORE, "late_start", True),
    "log-errors": (BEFORE, "log_errors", True),
    "page-cap": (BEFORE, "page_cap", 1),
}
"""Row of the table to how it is played: when, which switch of the recorder, its value."""

YOUNG = "stale-workbook-young"
"""No switch of its own: the same fault, over a workbook of a moment ago."""
PROCESSES = ("die-by-signal", "exit-nonzero")
"""Played as a process of its own in every run of the self-tests; how it ends is what is judged."""
NEVER_ENDING = {"chatter", "hang"}
OF_THE_ARCHIVE = {"archive-without-sums", "empty-workbook", "loses-rows", "wrong-checksum"}
"""The lineage smoke does not look inside files; the full E2E preflight does."""
OTHER_VERBS = ("deploy-", "enrich-", "overview-", "qa-")
SLOW = {"delay_s", "hang"}


def check(played: Played, fault: Fault) -> None:
    """The verdicts are the row's and no others, and the evidence of it is whole."""
    not_held = {each.guardrail: each.ruling for each in played.verdicts if not each}
    assert not_held == fault.not_held
    assert (played.sealed.outcome, played.sealed.would_be) == (Outcome.SIMULATED, fault.outcome)
    assert not played.sealed.harness_faults
    answer = verify.verify(played.sealed.folder, registries=REGISTRIES)
    assert answer.verified, answer.denials
    check_judged_again(played)


def check_judged_again(played: Played) -> None:
    """The sealed directory alone says what was said live, word by word."""
    judged = judging.judge(played.sealed.folder)
    assert judged.agrees
    assert [each.again for each in judged.compared if each.kind is not Kind.AGREES] == []
    assert [each.guardrail for each in judged.compared] == [
        each.guardrail for each in played.verdicts
    ]


def check_command_fault(stage: Staged, fault: str) -> None:
    """Play one misbehaviour of the command."""
    if fault == "stale-workbook":
        lay_an_old_workbook(stage.rehearsal.hotpass.root / "dist" / "refined.xlsx")
    stage.strike(fault)
    check(stage.play(), COMMAND[fault])


@pytest.mark.parametrize("fault", PROCESSES)
def test_command_fault(stage: Staged, fault: str) -> None:
    """Each misbehaviour of the command is caught by exactly the guardrails of its row."""
    check_command_fault(stage, fault)


@pytest.mark.parametrize("fault", sorted(COMMAND.keys() - {YOUNG, *PROCESSES}))
def test_command_fault_in_process(quick_stage: Staged, fault: str) -> None:
    """The others too, without a process of their own: the sweep plays them with one."""
    check_command_fault(quick_stage, fault)


@pytest.mark.parametrize("fault", sorted(SERVICE))
def test_service_fault(quick_stage: Staged, fault: str) -> None:
    """Each misbehaviour of the service is caught by exactly the guardrails of its row."""
    when, switch, value = SERVICE_SWITCHES[fault]

    def flip() -> None:
        setattr(quick_stage.recorder.faults, switch, value)

    if when == BEFORE:
        flip()
    else:
        quick_stage.then(flip)
    played = quick_stage.play()
    check(played, SERVICE[fault])
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
    check(quick_stage.play(), COMMAND[YOUNG])


def test_no_switch_is_left_out() -> None:
    """Whoever adds a fault says in the table which guardrails catch it, and no row is idle."""
    ours = {name for name in command_faults.FAULTS if not name.startswith(OTHER_VERBS)}
    assert COMMAND.keys() - {YOUNG} == ours - NEVER_ENDING - OF_THE_ARCHIVE
    switches = {each.name for each in dataclasses.fields(service_faults.Faults)}
    assert {switch for _, switch, _ in SERVICE_SWITCHES.values()} == switches - SLOW
    assert SERVICE.keys() == SERVICE_SWITCHES.keys()


def test_every_guardrail_catches_something() -> None:
    """A guardrail no fault of a whole rehearsal ever stops is decoration."""
    rows = (*COMMAND.values(), *SERVICE.values(), *PREFECT.values())
    caught = {name for row in rows for name in row.not_held}
    assert caught == {each.id for each in REGISTRIES["marquez"]}


def lay_an_old_workbook(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"PK\x03\x04 of last week")
    os.utime(path, (1_700_000_000, 1_700_000_000))
