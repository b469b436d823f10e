"""Self-tests of telling the real command from its stand-in."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.clients.hotpass import RUNBOOK_PREFIX, Hotpass
from fixtures.core import errors
from fixtures.core.records.systems import Mode
from fixtures.procedures import stand_in
from fixtures.simulators.hotpass import BANNER

SAID = ["# argv\n", f"{BANNER}\n", "refined\n"]


def bundle(mode: Mode) -> Any:
    return SimpleNamespace(mode=mode)


@pytest.fixture
def real(tmp_path: Path) -> Hotpass:
    """A checkout's own command, as the run-book types it."""
    return Hotpass(prefix=RUNBOOK_PREFIX, root=tmp_path, variables={})


def test_stand_in_is_refused_live(real: Hotpass) -> None:
    """What PATH or a checkout puts in the command's place proves nothing of staging."""
    with pytest.raises(errors.SimulatorForbidden, match="uv run hotpass"):
        stand_in.ran(bundle(Mode.LIVE), real, SAID)


def test_stand_in_is_seen_in_a_dry_run(real: Hotpass) -> None:
    """A dry run on a checkout whose command is the simulated one can say so."""
    assert stand_in.ran(bundle(Mode.DRY_RUN), real, SAID)


def test_real_command_is_left_alone(real: Hotpass, tmp_path: Path) -> None:
    """Without its banner nothing is a stand-in; with our own prefix it is no secret."""
    assert not stand_in.ran(bundle(Mode.LIVE), real, ["refined\n"])
    ours = Hotpass(prefix=("python", "-m", "x"), root=tmp_path, variables={})
    assert not stand_in.ran(bundle(Mode.DRY_RUN), ours, SAID)
