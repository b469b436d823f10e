"""The backfill's own proof: faults on a real Prefect server, and the guardrails that catch them.

Covers: the usual ones, a breach among them that the server itself lets happen.
Not here: how each is put there (``faults.py``), all the others and the good one with its control
arm (``harness/sweep``; `pytest -m backfill` plays that one with Prefect's own worker), flaws that
only payloads can have (``harness/doctored/test_backfill.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.core.verdict import Ruling
from fixtures.guardrails.registries import REGISTRIES
from tests.harness.procedures.backfill import faults

if TYPE_CHECKING:
    from tests.harness.procedures.backfill.conftest import Staged


@pytest.mark.parametrize("fault", sorted(set(faults.USUAL) - {faults.BREACH, "server-of-2"}))
def test_fault(stage: Staged, fault: str) -> None:
    """Each fault is caught by exactly the guardrails of its row."""
    faults.SEEDS[fault](stage)
    faults.check(stage.play(), faults.ROWS[fault])


def test_breach_is_a_real_one(stage: Staged) -> None:
    """The server itself let three run under a limit of two: states tell, not configuration."""
    faults.SEEDS[faults.BREACH](stage)
    played = stage.play()
    faults.check(played, faults.ROWS[faults.BREACH])
    told = played.story("backfill.limit-honoured")
    assert "3 ran at once" in told
    assert "above the limit" in told
    held = {each.guardrail for each in played.verdicts if each}
    assert "backfill.limit-on-deployment" in held


def test_nothing_is_triggered_on_a_server_of_2(stage: Staged) -> None:
    """An old server is refused before any run is asked of it."""
    faults.SEEDS["server-of-2"](stage)
    faults.check(stage.play(), faults.ROWS["server-of-2"])
    assert not [asked for asked in stage.between.asked if "create_flow_run" in asked]


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
