"""The preflight's own proof: each fault, and exactly the guardrails that catch it.

Covers: whole rehearsals, sealed and judged again from the directory alone; what each fault must
do stands in ``fixtures/guardrails/seeded_e2e.json`` and nowhere else.
Not here: how each is put there (``faults.py``), flaws of payloads (``harness/doctored``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.core.outcome import Outcome
from fixtures.core.verdict import Rank, Ruling
from fixtures.evidence import layout, verify
from fixtures.guardrails import seeded
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import judging
from fixtures.procedures.judging import Kind
from fixtures.simulators.hotpass.faults import FAULTS
from tests.harness.procedures.e2e import faults

if TYPE_CHECKING:
    from tests.harness.procedures.e2e.conftest import Played, Staged

ROWS = {**seeded.expected("e2e", "command"), **seeded.expected("e2e", "machine")}
SEEDS = {**faults.COMMAND, **faults.MACHINE}


def check(played: Played, fault: seeded.Fault) -> None:
    """The verdicts are the row's and no others, and the evidence of it is whole."""
    stories = "\n".join(each.story for each in played.verdicts if not each)
    not_held = {each.guardrail: each.ruling for each in played.verdicts if not each}
    assert not_held == fault.not_held, stories
    assert (played.sealed.outcome, played.sealed.would_be) == (Outcome.SIMULATED, fault.outcome)
    assert not played.sealed.harness_faults
    answer = verify.verify(played.sealed.folder, registries=REGISTRIES)
    assert answer.verified, answer.denials
    judged = judging.judge(played.sealed.folder)
    assert judged.agrees
    assert [each.again for each in judged.compared if each.kind is not Kind.AGREES] == []


@pytest.mark.parametrize("fault", sorted(SEEDS))
def test_fault(stage: Staged, sound: Path, fault: str) -> None:
    """Each fault is caught by exactly the guardrails of its row."""
    SEEDS[fault](stage, sound)
    played = stage.play()
    check(played, ROWS[fault])
    present = {path.name for path in played.sealed.folder.iterdir()}
    required = {each.path for each in layout.artefacts_of("e2e") if each.required}
    assert required - present <= played.sealed.summary.absent.keys()
    assert {"overview.log", "refine.log", "enrich.log", "qa.log"} <= present


def test_every_fault_has_its_row() -> None:
    """Whoever adds a fault says in the table which guardrails catch it, and no row is idle."""
    assert seeded.expected("e2e", "command").keys() == faults.COMMAND.keys()
    assert seeded.expected("e2e", "machine").keys() == faults.MACHINE.keys()
    ours = FAULTS.keys() - faults.OF_DEPLOYMENTS - faults.NEVER_ENDING
    assert ours <= faults.COMMAND.keys()


def test_machine_is_never_blamed_on_hotpass() -> None:
    """A missing Python, uv, network or disk blocks: not one guardrail calls it broken."""
    for row in seeded.expected("e2e", "machine").values():
        assert row.outcome == Outcome.BLOCKED
        musts = [
            said
            for name, said in row.not_held.items()
            if REGISTRIES["e2e"][name].rank is Rank.MUST
        ]
        assert set(musts) == {Ruling.NOT_ESTABLISHED}


def test_every_guardrail_catches_something() -> None:
    """A guardrail that no fault of a whole rehearsal breaks is decoration; time needs two runs."""
    broken = {
        name
        for row in ROWS.values()
        for name, said in row.not_held.items()
        if said is Ruling.BROKE
    }
    assert broken == {each.id for each in REGISTRIES["e2e"]} - {"e2e.durations-usual"}
