"""The ARC rehearsal's own proof: each fault, and exactly the guardrails that catch it.

Covers: the usual faults, and that no fault, switch or guardrail is left out of the table
``fixtures/guardrails/seeded_arc.json``.
Not here: how each is put there (``arc_faults.py``), all the others (``harness/sweep``), how the
twins behave without faults (``harness/simulators/cluster``).
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from fixtures.core.verdict import Ruling
from fixtures.guardrails.registries import REGISTRIES
from fixtures.simulators.cluster.arc_faults import ArcFaults
from tests.harness.procedures import arc_faults
from tests.harness.procedures.arc_faults import FAULTS, ROWS, USUAL, VARIANTS


@pytest.mark.parametrize("fault", USUAL)
def test_fault(fault: str, tmp_path: Path) -> None:
    """Each fault is caught by exactly the guardrails of its row; a harmless one by none."""
    arc_faults.check(fault, tmp_path)


def test_no_fault_is_left_out() -> None:
    """Whoever adds a fault says in the table what catches it, and no row is idle."""
    assert ROWS.keys() == FAULTS.keys() | VARIANTS.keys()
    assert not FAULTS.keys() & VARIANTS.keys()
    assert all(not ROWS[name].not_held for name in VARIANTS)


def test_every_switch_of_the_controller_is_played() -> None:
    """A switch no row flips is a fault nobody has shown to be caught."""
    text = (Path(__file__).parent / "arc_faults.py").read_text(encoding="utf-8")
    idle = [each.name for each in dataclasses.fields(ArcFaults) if each.name not in text]
    assert not idle


def test_every_guardrail_catches_something() -> None:
    """A guardrail no fault of a whole rehearsal ever breaks is decoration."""
    broken = {
        name
        for row in ROWS.values()
        for name, said in row.not_held.items()
        if said is Ruling.BROKE
    }
    assert broken == {each.id for each in REGISTRIES["arc"]}


def test_usual_faults_stop_every_guardrail() -> None:
    """Without the sweep too, each guardrail is stopped by a whole rehearsal, to each outcome."""
    assert len(set(USUAL)) == len(USUAL)
    stopped = {name for fault in USUAL for name in ROWS[fault].not_held}
    assert stopped == {each.id for each in REGISTRIES["arc"]}
    assert {ROWS[fault].outcome for fault in USUAL} == {row.outcome for row in ROWS.values()}
