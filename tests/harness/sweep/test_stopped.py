"""Ctrl-C, SIGTERM and SIGKILL at every step: evidence is kept, never falsely sealed."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.evidence import ledger, reconcile, verify
from fixtures.evidence.summary import fold
from fixtures.guardrails.registries import REGISTRIES

if TYPE_CHECKING:
    from tests.harness.sweep.conftest import Rehearsal

LINES = [1, 2, 4, 6, 8, 10, 12, 15, 18, 20, 22, 24, 26, 28, 32, 36, 40, 44, 48, 52, 56]
"""Ledger lines at which to strike; a dry run writes about 58."""


LAST_VERDICT = 44
"""No signal before this line can come too late."""


def assert_reconciled(bundle: Path) -> None:
    """The JUnit report, where there is one, says what the ledger says."""
    summary = fold(ledger.read(bundle / "ledger.jsonl"))
    junit = bundle / "junit.xml"
    assert junit.exists() != ("junit.xml" in summary.absent)
    if junit.exists():
        assert reconcile.trouble_with(junit.read_bytes(), summary) is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
@pytest.mark.parametrize("line", LINES)
def test_stopping_keeps_evidence(rehearsal: Rehearsal, line: int, number: signal.Signals) -> None:
    """Ctrl-C or SIGTERM anywhere: exit 2, one verified .interrupted bundle, its path told."""
    code = rehearsal.stop_at(line, number)
    bundles = list((rehearsal.evidence / "marquez").iterdir())
    assert len(bundles) == 1, [path.name for path in bundles]
    answer = verify.verify(bundles[0], registries=REGISTRIES)
    assert answer.verified, answer.denials
    assert_reconciled(bundles[0])
    if answer.manifest["would_be"] == "PASSED":
        # It had come to its end: while it was being sealed, or after that.
        assert line >= LAST_VERDICT
        assert code in (0, 2)
        return
    assert code == 2, rehearsal.output()
    assert answer.manifest["would_be"] == "INTERRUPTED"
    assert bundles[0].name.endswith(".interrupted")
    assert bundles[0].name in rehearsal.output()


@pytest.mark.parametrize("line", LINES)
def test_kill_is_recovered(rehearsal: Rehearsal, line: int) -> None:
    """SIGKILL anywhere: a .partial that `recover` seals, or a whole bundle; never a torn one."""
    code = rehearsal.stop_at(line, signal.SIGKILL)
    recovered = rehearsal.command("recover", "--evidence-root", str(rehearsal.evidence))
    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    bundles = list((rehearsal.evidence / "marquez").iterdir())
    assert len(bundles) == 1, [path.name for path in bundles]
    answer = verify.verify(bundles[0], registries=REGISTRIES)
    assert answer.verified, answer.denials
    assert_reconciled(bundles[0])
    if code != 0 and bundles[0].name.endswith(".interrupted"):
        assert answer.manifest["would_be"] == "INTERRUPTED"


@pytest.mark.parametrize("gap_s", [0.0, 0.05, 0.2, 0.45])
@pytest.mark.parametrize("line", [4, 20, 40, 50])
def test_ctrl_c_again_and_again_changes_nothing(
    rehearsal: Rehearsal, line: int, gap_s: float
) -> None:
    """An impatient operator tears nothing: exit 2, one verified bundle, no traceback.

    Once pytest has said its last line the signal is Python's own, which it ends.
    """
    code = rehearsal.stop_at(line, signal.SIGINT, again=3, gap_s=gap_s)
    bundles = list((rehearsal.evidence / "marquez").iterdir())
    assert len(bundles) == 1, [path.name for path in bundles]
    answer = verify.verify(bundles[0], registries=REGISTRIES)
    assert answer.verified, answer.denials
    last = rehearsal.output().rstrip().rpartition("\n")[2]
    too_late = code == -signal.SIGINT and re.fullmatch(r"=+ .*passed.* in [0-9.]+s =+", last)
    assert code in (0, 2) or too_late, rehearsal.output()
    # Python may drop the signal amid a destructor, and pytest then warns with a traceback.
    dropped = "PytestUnraisableExceptionWarning" in rehearsal.output()
    assert dropped or "Traceback" not in rehearsal.output()
