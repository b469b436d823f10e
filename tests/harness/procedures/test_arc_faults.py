"""The ARC rehearsal's own proof: each fault, and exactly the guardrails that catch it.

Covers: every symptom users report of ARC, every way the API server and GitHub stumble; what each
must do stands in ``fixtures/guardrails/seeded_arc.json`` and nowhere else.
Not here: how the twins behave without faults (``harness/simulators/cluster``).
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from fixtures.core.outcome import Outcome
from fixtures.evidence import verify
from fixtures.guardrails import seeded
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import judging
from fixtures.simulators.cluster.arc_faults import ArcFaults
from tests.harness.procedures.arc_faults import FAULTS, VARIANTS
from tests.harness.procedures.arc_stage import staged

ROWS = seeded.expected("arc", "world")


@pytest.mark.parametrize("fault", sorted(ROWS))
def test_fault(fault: str, tmp_path: Path) -> None:
    """Each fault is caught by exactly the guardrails of its row; a harmless one by none."""
    spoil = FAULTS.get(fault, lambda _: None)
    with staged(tmp_path, spoil, **VARIANTS.get(fault, {})) as stage:
        original = stage.world.arc.min_runners, stage.world.arc.max_runners
        played = stage.play()
        row = ROWS[fault]
        assert played.not_held == row.not_held
        assert (played.sealed.outcome, played.sealed.would_be) == (Outcome.SIMULATED, row.outcome)
        assert not played.sealed.harness_faults
        if fault not in ("drained-before", "mistyped-scale-set"):
            limits = stage.limits
            assert (limits.get("minRunners"), limits.get("maxRunners")) == original
    answer = verify.verify(played.sealed.folder, registries=REGISTRIES)
    assert answer.verified, answer.denials
    judged = judging.judge(played.sealed.folder)
    assert judged.agrees, [each for each in judged.compared if not each.agrees]


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
    """A guardrail no fault of a whole rehearsal ever stops is decoration."""
    caught = {name for row in ROWS.values() for name in row.not_held}
    assert caught == {each.id for each in REGISTRIES["arc"]}
