"""Faults of the refine command that the usual self-tests play without a process: here with one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.procedures import test_faults as usual
from tests.harness.procedures.conftest import known, stage

if TYPE_CHECKING:
    from tests.harness.procedures.conftest import Staged

__all__ = ["known", "stage"]


@pytest.mark.parametrize("fault", sorted(usual.COMMAND.keys() - {usual.YOUNG, *usual.PROCESSES}))
def test_fault(stage: Staged, fault: str) -> None:
    """Each fault is caught by exactly the guardrails of its row."""
    usual.check_command_fault(stage, fault)
