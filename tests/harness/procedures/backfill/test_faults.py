"""The backfill's own proof, as a table: its faults, and the guardrails that catch them.

Covers: every fault has its row, every guardrail its fault.
Not here: the usual ones played on a real Prefect server (``test_linkage.py``, which has one), how
each is put there (``faults.py``), all the others and the good one with its control arm
(``harness/sweep``; `pytest -m backfill` plays that one with Prefect's own worker), flaws that
only payloads can have (``harness/doctored/test_backfill.py``).
"""

from __future__ import annotations

from fixtures.core.verdict import Ruling
from fixtures.guardrails.registries import REGISTRIES
from tests.harness.procedures.backfill import faults


def test_every_fault_has_its_row() -> None:
    """Whoever adds a fault says in the table which guardrails catch it, and no row is idle."""
    assert faults.COMMAND.keys() == faults.SEEDS_COMMAND.keys()
    assert faults.SERVICE.keys() == faults.SEEDS_SERVICE.keys()
    assert set(faults.USUAL) < faults.SEEDS.keys()


def test_every_guardrail_catches_something() -> None:
    """A guardrail that no fault of a whole rehearsal breaks is decoration."""
    broken = {
        name
        for row in faults.ROWS.values()
        for name, said in row.not_held.items()
        if said is Ruling.BROKE
    }
    assert broken == {each.id for each in REGISTRIES["backfill"]}
