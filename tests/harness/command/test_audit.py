"""`rehearsal audit`: a report a person can act on, JSON, a diff, and an exit code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import fixtures
from fixtures.command.main import main
from fixtures.core.outcome import Exit
from fixtures.evidence.audit.finding import ADVICE, LABELS, Kind

OURS = Path(fixtures.__file__ or "").parents[1]
RUN = "dist/staging/marquez/20251112T140000Z"
GIT = shutil.which("git") or "git"
TABLE = "| Rehearsal | Date | Notes |\n| --- | --- | --- |\n"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's settings, git configuration or terminal width reach these tests."""
    for name in [each for each in os.environ if each.startswith(("GIT_", "REHEARSAL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one claim that fails and one line that claims nothing."""
    folder = tmp_path / "hotpass"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs/plan.md").write_text(
        f"{TABLE}| Marquez lineage smoke | 2025-11-12 | Completed. `{RUN}/` (`cli.log`) |\n"
        f"| ARC runner lifecycle | 2025-11-13 | Pending: `dist/staging/arc/20251113T160000Z/` |\n",
        encoding="utf-8",
    )
    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts us in a checkout of the rehearsals whose settings accept something."""
    text = (OURS / "pyproject.toml").read_text(encoding="utf-8")
    table = text[text.index("[tool.rehearsals]") :]

    def stand(accepted: str) -> None:
        folder = tmp_path / "rehearsals"
        folder.mkdir(exist_ok=True)
        (folder / "pyproject.toml").write_text(f"{table}\n{accepted}", encoding="utf-8")
        monkeypatch.chdir(folder)

    return stand


def accepted(expires: str, kind: str = "absent", claim: str = RUN) -> str:
    return (
        f'[[tool.rehearsals.accepted_findings]]\ndocument = "docs/plan.md"\nclaim = "{claim}"\n'
        f'kind = "{kind}"\nreason = "kept in the bucket"\nowner = "QA"\nexpires = {expires}\n'
    )


def test_failing_claim_is_a_block_to_act_on(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Document and line, what is claimed, what was found, what to do; then the counts."""
    assert main(["audit", str(checkout)]) == Exit.BROKE
    said = capsys.readouterr().out
    whole = " ".join(said.split())
    for what in (
        "docs/plan.md:3",
        f"says completed 2025-11-12: {RUN} (cli.log)",
        "✗ absent",
        "no such folder in the checkout",
        "do: Restore the folder",
        "1 document read, 1 claim of evidence: 0 hold, 1 fail, 0 accepted.",
        "(planned, or taken back): 1.",
        "claimed path absent",
        "! not a git checkout",
        "--propose",
    ):
        assert what in whole
    # The first line names the checkout, however long its path.
    assert max(map(len, said.splitlines()[1:])) <= 80


@pytest.mark.parametrize("columns", ["50", "60", "120", "400"])
def test_report_fits_its_terminal(
    checkout: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: str,
) -> None:
    """No path is ever broken, and no line is wider than it must be."""
    monkeypatch.setenv("COLUMNS", columns)
    main(["audit", str(checkout)])
    lines = capsys.readouterr().out.splitlines()
    width = max(40, min(120, int(columns)))
    assert any(RUN in line for line in lines)
    assert all(len(line) <= width or len(line.split()) <= 3 for line in lines[1:])


def test_claims_that_hold_are_listed(
    sealed: Path, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What holds is shown with what it is worth, and the exit code is 0."""
    place = checkout / "dist/staging/marquez" / sealed.name.removesuffix(".interrupted")
    shutil.copytree(sealed, place.with_name(sealed.name))
    name = f"dist/staging/marquez/{sealed.name}"
    (checkout / "docs/plan.md").write_text(f"Dry run captured at `{name}/`\n", encoding="utf-8")
    # It was stopped, and says so: even a dry run that is honest about itself never counts then.
    assert main(["audit", str(checkout)]) == Exit.BROKE
    said = " ".join(capsys.readouterr().out.split())
    assert "not-passed" in said
    assert "dry run, SIMULATED, would have been INTERRUPTED; unsigned" in said


def test_nothing_claimed_is_said(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Documents that claim nothing are no failure, and no silence either."""
    (checkout / "docs/plan.md").write_text("Text.\n", encoding="utf-8")
    assert main(["audit", str(checkout)]) == Exit.HELD
    assert "1 document read; none claims any evidence." in capsys.readouterr().out


def test_json_has_stable_keys(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same report for machines."""
    assert main(["audit", str(checkout), "--json"]) == Exit.BROKE
    body = json.loads(capsys.readouterr().out)
    assert sorted(body) == [
        "checkout",
        "claims",
        "documents",
        "holds",
        "summary",
        "unused_acceptances",
        "warnings",
    ]
    assert body["holds"] is False
    assert body["summary"] == {
        "claims": 1,
        "hold": 0,
        "fail": 1,
        "accepted": 0,
        "planned_or_withdrawn": 1,
        "findings": {"absent": 1},
    }
    (claim,) = body["claims"]
    assert sorted(claim) == [
        "claim",
        "date",
        "document",
        "fails",
        "files",
        "findings",
        "holds",
        "line",
        "notes",
        "path",
        "says",
        "text",
        "word",
    ]
    assert (claim["document"], claim["line"], claim["claim"]) == ("docs/plan.md", 3, RUN)
    assert (claim["says"], claim["word"], claim["files"]) == ("completed", "marquez", ["cli.log"])
    assert claim["date"] == "2025-11-12T14:00:00+00:00"
    (finding,) = claim["findings"]
    assert finding["kind"] == "absent"
    assert finding["label"] == LABELS[Kind.ABSENT]
    assert finding["do"] == ADVICE[Kind.ABSENT]


def test_diff_alone_is_on_standard_output(
    checkout: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """`rehearsal audit … --propose | git apply` needs no filter between."""
    assert main(["audit", str(checkout), "--propose"]) == Exit.BROKE
    out, err = capfdbinary.readouterr()
    assert out.startswith(b"diff --git a/docs/plan.md b/docs/plan.md\n--- a/docs/plan.md\n")
    assert b"+| Marquez lineage smoke | 2025-11-12 | Pending (claimed path absent)." in out
    assert err == b"1 of 1 claims fail\n"
    applied = subprocess.run(
        [GIT, "apply"], cwd=checkout, input=out, capture_output=True, check=False
    )
    assert applied.returncode == 0, applied.stderr
    assert main(["audit", str(checkout)]) == Exit.HELD


def test_accepted_in_settings(
    checkout: Path, capsys: pytest.CaptureFixture[str], project: Callable[[str], None]
) -> None:
    """Set aside with reason, owner and last day: shown as such, exit code 0."""
    project(accepted("2999-01-01"))
    assert main(["audit", str(checkout)]) == Exit.HELD
    said = " ".join(capsys.readouterr().out.split())
    assert "– absent" in said
    assert "accepted until 2999-01-01 by QA: kept in the bucket" in said
    assert "0 fail, 1 accepted" in said
    assert main(["audit", str(checkout), "--json"]) == Exit.HELD
    finding = json.loads(capsys.readouterr().out)["claims"][0]["findings"][0]
    assert finding["accepted"]["reason"] == "kept in the bucket"
    assert finding["expired"] is None


def test_expired_in_settings(
    checkout: Path, capsys: pytest.CaptureFixture[str], project: Callable[[str], None]
) -> None:
    """An acceptance that has run out is named, and the finding counts again."""
    project(accepted("2026-01-01"))
    assert main(["audit", str(checkout)]) == Exit.BROKE
    said = " ".join(capsys.readouterr().out.split())
    assert "accepted only until 2026-01-01 by QA: kept in the bucket: it counts again" in said


def test_acceptance_of_nothing_is_said(
    checkout: Path, capsys: pytest.CaptureFixture[str], project: Callable[[str], None]
) -> None:
    """What was mended should leave the settings too."""
    project(accepted("2999-01-01", kind="blank"))
    assert main(["audit", str(checkout)]) == Exit.BROKE
    assert f"! accepted, and found no more: blank of {RUN}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(("absent", "vanished"), "no such kind as vanished", id="unknown-kind"),
        pytest.param(('reason = "kept', 'why = "kept'), "reason", id="no-reason"),
        pytest.param(("2999-01-01", '"soon"'), "expires", id="no-date"),
        pytest.param((f'"{RUN}"', '""'), "claim", id="empty-claim"),
    ],
)
def test_wrong_acceptance_is_wrong_usage(
    checkout: Path,
    capsys: pytest.CaptureFixture[str],
    project: Callable[[str], None],
    change: tuple[str, str],
    told: str,
) -> None:
    """A typing error in settings accepts nothing in silence."""
    project(accepted("2999-01-01").replace(*change))
    assert main(["audit", str(checkout)]) == Exit.USAGE
    assert told in capsys.readouterr().err


def test_no_such_folder_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name mistyped must not read as a checkout without claims."""
    for name in (tmp_path / "nowhere", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        assert main(["audit", str(name)]) == Exit.USAGE
        assert "[settings-invalid]" in capsys.readouterr().err
    assert main(["audit"]) == Exit.USAGE
    assert main(["audit", str(tmp_path), "--json", "--propose"]) == Exit.USAGE


@pytest.mark.parametrize("name", ["", "  "])
def test_empty_name_is_wrong_usage(
    checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """An unset variable is not the folder somebody happens to stand in."""
    monkeypatch.chdir(checkout)
    assert main(["audit", name]) == Exit.USAGE
    said = capsys.readouterr()
    assert "the checkout's name is empty" in said.err
    assert said.out == ""


def test_audit_needs_no_pytest_and_no_simulator(rehearsal: Run, checkout: Path) -> None:
    """It works where only the package is: no client, twin or pytest is loaded."""
    done = rehearsal(
        *("audit", str(checkout)),
        code="import sys; from fixtures.command.main import main; main(); "
        "print('loaded', *sorted(sys.modules), file=sys.stderr)",
    )
    loaded = done.stderr.rpartition("loaded ")[2].split()
    assert "fixtures.evidence.audit" in loaded
    for name in ("pytest", "requests", "fixtures.simulators", "fixtures.clients"):
        assert name not in loaded


def test_piped_output_is_plain(rehearsal: Run, checkout: Path) -> None:
    """Into a file or a pipe: no colour codes, 80 columns."""
    done = rehearsal("audit", str(checkout))
    assert done.returncode == Exit.BROKE
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines()[1:])) <= 80


def test_our_settings_accept_nothing() -> None:
    """What this project ships sets no finding aside."""
    table = tomllib.loads((OURS / "pyproject.toml").read_text(encoding="utf-8"))
    assert "accepted_findings" not in table["tool"]["rehearsals"]
