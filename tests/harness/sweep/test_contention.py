"""Eight rehearsals at once on one evidence root: no collision, no lost row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from fixtures.core.outcome import Outcome
from fixtures.evidence import ledger, verify
from fixtures.evidence.summary import fold
from fixtures.guardrails.registries import REGISTRIES

ROOT = Path(__file__).parents[3]
AT_ONCE = 8
ENDED_S = 300.0


def test_eight_at_once(tmp_path: Path) -> None:
    """Each has a directory, a ledger without a gap and a session report of its own."""
    root = tmp_path / "evidence"
    argv = [
        *(sys.executable, "-m", "pytest", "tests/rehearsals", "-m", "marquez", "-q"),
        *("-p", "no:cacheprovider", "--evidence-root", str(root)),
    ]
    environment = {**os.environ, "REHEARSAL_BROWSER": "none"}
    running = [
        subprocess.Popen(
            argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for _ in range(AT_ONCE)
    ]
    ended = [each.communicate(timeout=ENDED_S)[0].decode() for each in running]
    assert [each.returncode for each in running] == [0] * AT_ONCE, ended[0]
    bundles = sorted((root / "marquez").iterdir())
    assert len(bundles) == AT_ONCE, bundles
    told = []
    for folder in bundles:
        answer = verify.verify(folder, registries=REGISTRIES)
        assert answer.verified, answer.denials
        summary = fold(ledger.read(folder / ledger.NAME))
        assert (summary.decide().outcome, summary.interruptions) == (Outcome.PASSED, [])
        assert summary.verdicts.keys() == {each.id for each in summary.expected}
        told.append(json.loads((folder / "manifest.json").read_bytes())["run_id"])
    assert len(set(told)) == AT_ONCE
    assert len(list((root / "reports").glob("*.html"))) == AT_ONCE
