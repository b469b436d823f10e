"""Every fault of the backfill's table that the usual self-tests leave out, and none; minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.procedures import judging
from tests.harness.procedures.backfill import faults
from tests.harness.procedures.backfill.conftest import keeper, restart, served, stage

if TYPE_CHECKING:
    from tests.harness.procedures.backfill.conftest import Staged

__all__ = ["keeper", "restart", "served", "stage"]


@pytest.mark.parametrize("fault", sorted(faults.SEEDS.keys() - set(faults.USUAL)))
def test_fault(stage: Staged, fault: str) -> None:
    """Each fault is caught by exactly the guardrails of its row."""
    faults.SEEDS[fault](stage)
    faults.check(stage.play(), faults.ROWS[fault])


def test_good_holds_with_its_control_arm(stage: Staged) -> None:
    """Without a fault every guardrail holds, and the runs without a limit overlap more."""
    stage.with_control_arm()
    played = stage.play()
    assert all(played.verdicts), [each.story for each in played.verdicts if not each]
    assert "without a limit 3 ran at once" in played.story("backfill.limit-honoured")
    assert judging.judge(played.sealed.folder).agrees
