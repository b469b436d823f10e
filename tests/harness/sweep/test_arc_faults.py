"""Every fault of the ARC table that the usual self-tests leave out, as a whole rehearsal each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.procedures import arc_faults


@pytest.mark.parametrize("fault", sorted(arc_faults.ROWS.keys() - set(arc_faults.USUAL)))
def test_fault(fault: str, tmp_path: Path) -> None:
    """Each fault is caught by exactly the guardrails of its row; a harmless one by none."""
    arc_faults.check(fault, tmp_path)
