"""Every fault of the backfill's table that the usual self-tests leave out; minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.procedures.backfill import faults
from tests.harness.procedures.backfill.conftest import served, stage

if TYPE_CHECKING:
    from tests.harness.procedures.backfill.conftest import Staged

__all__ = ["served", "stage"]


@pytest.mark.parametrize("fault", sorted(faults.SEEDS.keys() - set(faults.USUAL)))
def test_fault(stage: Staged, fault: str) -> None:
    """Each fault is caught by exactly the guardrails of its row."""
    faults.SEEDS[fault](stage)
    faults.check(stage.play(), faults.ROWS[fault])
