"""Proposals: `git apply` takes them, only the claims' lines change, and what is left holds."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from fixtures.evidence.audit import Report
from fixtures.evidence.audit.finding import Acceptance

Write = Callable[[str, "str | bytes"], Path]
Commit = Callable[[str], None]
Auditor = Callable[..., Report]
Seal = Callable[..., Path]

GIT = shutil.which("git") or "git"
RUN = "dist/staging/marquez/20251112T140000Z"
HEAD = "| Rehearsal | Date | Notes |\n| --- | --- | --- |\n"


@pytest.fixture
def applied(checkout: Path, audited: Auditor) -> Callable[[], Report]:
    """Applies the proposal with git, and audits what has become of the documents."""

    def run() -> Report:
        diff = audited().proposal().diff
        done = subprocess.run(
            [GIT, "apply", "--whitespace=nowarn", "-"],
            cwd=checkout,
            input=diff,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + diff
        return audited()

    return run


SHAPES = [
    pytest.param(
        f"{HEAD}| Marquez smoke | 2025-11-12 | Completed. `{RUN}/` |\n",
        f"{HEAD}| Marquez smoke | 2025-11-12 | Pending (claimed path absent). `{RUN}/` |\n",
        id="row",
    ),
    pytest.param(
        f"{HEAD}| Marquez smoke | 2025-11-12 | **Done** `{RUN}/` |\n",
        f"{HEAD}| Marquez smoke | 2025-11-12 | **Pending (claimed path absent)** `{RUN}/` |\n",
        id="bold-status",
    ),
    pytest.param(
        f"{HEAD}| ✅ | Completed | `{RUN}/` |\n",
        f"{HEAD}| Pending (claimed path absent) | Pending | `{RUN}/` |\n",
        id="two-status-cells",
    ),
    pytest.param(
        f"{HEAD}| Marquez smoke | 2025-11-12 | All was completed. `{RUN}/`   |\n",
        f"{HEAD}| Marquez smoke | 2025-11-12 | All was completed. `{RUN}/` "
        "(not evidence: claimed path absent) |\n",
        id="status-inside-a-sentence",
    ),
    pytest.param(
        f"a | b\n--|--\nDone | `{RUN}/`\n",
        f"a | b\n--|--\nPending (claimed path absent) | `{RUN}/`\n",
        id="row-without-outer-bars",
    ),
    pytest.param(
        f"- Latest rehearsal evidence: `{RUN}/`.\n",
        f"- Latest rehearsal evidence: `{RUN}/`. (not evidence: claimed path absent)\n",
        id="bullet",
    ),
    pytest.param(
        f"- [x] **QA** — Smoke, `{RUN}/`.  \n",
        f"- [ ] **QA** — Smoke, `{RUN}/`. (not evidence: claimed path absent)  \n",
        id="ticked-with-hard-break",
    ),
    pytest.param(
        f"- [x] **QA** — Smoke.\n  - notes: in {RUN}/\n",
        f"- [ ] **QA** — Smoke.\n  - notes: in {RUN}/ (not evidence: claimed path absent)\n",
        id="below-a-tick",
    ),
    pytest.param(
        f"{HEAD}| Marquez lineage smoke | 2025-11-12 | Accepted |\n",
        f"{HEAD}| Marquez lineage smoke | 2025-11-12 | Pending (no evidence named) |\n",
        id="row-without-path",
    ),
    pytest.param(
        f"Text.\r\nDone: `{RUN}/`\r\nMore.\r\n",
        f"Text.\r\nPending (claimed path absent): `{RUN}/`\r\nMore.\r\n",
        id="crlf",
    ),
    pytest.param(
        f"Done: `{RUN}/`", f"Pending (claimed path absent): `{RUN}/`", id="no-final-newline"
    ),
    pytest.param(
        f"One.\rDone: `{RUN}/`\rMore.\n",
        f"One.\rPending (claimed path absent): `{RUN}/`\rMore.\n",
        id="lone-carriage-returns",
    ),
    pytest.param(
        f"---\ntitle: x\nlast_updated: 2025-11-12 # moves\n---\n\nSee `{RUN}/`\n",
        f"---\ntitle: x\nlast_updated: 2026-11-21 # moves\n---\n\nSee `{RUN}/` "
        "(not evidence: claimed path absent)\n",
        id="front-matter-date-moves",
    ),
    pytest.param(
        f"caf\udce9\nDone: `{RUN}/` \udcff\n",
        f"caf\udce9\nPending (claimed path absent): `{RUN}/` \udcff\n",
        id="not-utf-8",
    ),
]


@pytest.mark.parametrize(("before", "after"), SHAPES)
def test_line_is_corrected(
    write: Write, applied: Callable[[], Report], before: str, after: str
) -> None:
    """Exactly the claim's words change, byte for byte, and nothing is claimed any more."""
    path = write("a.md", before.encode("utf-8", "surrogateescape"))
    report = applied()
    assert path.read_bytes() == after.encode("utf-8", "surrogateescape")
    assert report.claims == ()


def test_padded_table_stays_aligned(write: Write, applied: Callable[[], Report]) -> None:
    """A padded cell gives of its padding, so that the table keeps its width."""
    line = f"| Marquez smoke | 2025-11-12 | Done `{RUN}/`{' ' * 60}|"
    path = write("a.md", f"{HEAD}{line}\n")
    applied()
    assert len(path.read_text().splitlines()[-1]) == len(line)


def test_upstream_documents_hold_once_corrected(
    upstream: Path, applied: Callable[[], Report]
) -> None:
    """One `git apply`, and the documents of the public repository claim nothing false."""
    report = applied()
    assert report.failing == ()
    assert report.unclaimed == 9
    plan = (upstream / "docs/operations/staging-rehearsal-plan.md").read_text()
    assert "| Pending (claimed path absent, claimed before its date). Files:" in plan
    assert "> dist/staging/marquez/20251112T140000Z/runs.json" in plan


def test_dry_run_is_called_one(write: Write, seal: Seal, audited: Auditor) -> None:
    """Where only the word is missing, only the word is added."""
    write("a.md", f"- Latest rehearsal evidence: `dist/staging/marquez/{seal().name}/`\n")
    assert b"/` (dry run)\n" in audited(now=None).proposal().diff


def test_many_hunks_and_names(write: Write, applied: Callable[[], Report]) -> None:
    """Far and near lines, several documents, odd names: one diff takes them all."""
    lines = [f"line {number}" for number in range(200)]
    for number in (0, 3, 50, 58, 199):
        lines[number] = f"See `{RUN}/`"
    for name in ("a.md", "with blank.md", 'quo"te.md', "ümläut.md", "deep/er/b.md"):
        write(name, "\n".join(lines) + "\n")
    assert applied().claims == ()


def test_claims_in_code_are_left_to_a_person(write: Write, audited: Auditor) -> None:
    """No proposal is written into code; the place is named instead."""
    write("a.md", f"```text\n{RUN}/\n```\n")
    proposal = audited().proposal()
    assert proposal.diff == b""
    assert proposal.by_hand == ("a.md:2",)


def test_accepted_findings_are_left_alone(write: Write, audited: Auditor) -> None:
    """Nobody proposes to correct what was set aside."""
    write("a.md", f"See `{RUN}/`\n")
    given = Acceptance("a.md", RUN, "absent", "in the bucket", "QA", date(2099, 1, 1))
    assert audited((given,)).proposal().diff == b""


def test_no_document_is_edited(upstream: Path, audited: Auditor) -> None:
    """Proposing changes nothing on disk."""
    before = {path: path.read_bytes() for path in upstream.rglob("*") if path.is_file()}
    audited().proposal()
    assert {path: path.read_bytes() for path in upstream.rglob("*") if path.is_file()} == before
