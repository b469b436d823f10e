"""Claims before their day: what git knows, and what a document says where git does not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures.evidence.audit import Report
from fixtures.evidence.audit.finding import Claim, Kind

Write = Callable[[str, "str | bytes"], Path]
Commit = Callable[[str], None]
Git = Callable[..., str]
Auditor = Callable[..., Report]

RUN = "dist/staging/marquez/20251112T140000Z"
LINE = f"Completed: `{RUN}/`\n"
HEAD = "| Rehearsal | Date | Notes |\n| --- | --- | --- |\n"
ROW = f"{HEAD}| Marquez lineage smoke | 2025-11-12 | Completed |\n"
BEFORE = "2025-10-31T01:19:00Z"
AFTER = "2025-11-12T16:00:00Z"


def early(report: Report) -> list[str]:
    """What was said about claims before their day."""
    return [
        finding.saw
        for claim in report.claims
        for finding in claim.findings
        if finding.kind is Kind.EARLY
    ]


@pytest.mark.parametrize(
    ("text", "at", "told"),
    [
        pytest.param(LINE, BEFORE, "12 days before 2025-11-12 14:00Z", id="days"),
        pytest.param(LINE, "2025-11-12T13:00:00Z", "60 min before", id="an-hour"),
        pytest.param(LINE, "2025-11-12T15:00:00+02:00", "60 min before", id="an-hour-by-zone"),
        pytest.param(ROW, BEFORE, "12 days? before|11 days before", id="row-without-path"),
    ],
)
def test_commit_before_the_day(
    write: Write, commit: Commit, audited: Auditor, text: str, at: str, told: str
) -> None:
    """A commit older than the rehearsal it calls complete cannot be right."""
    write("a.md", text)
    commit(at)
    (saw,) = early(audited())
    assert any(each in saw for each in told.split("|")), saw


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param(LINE, AFTER, id="after"),
        pytest.param(LINE, "2025-11-12T13:57:00Z", id="within-the-skew-of-clocks"),
        pytest.param(LINE, "2025-11-12T09:30:00-05:00", id="after-by-zone"),
        pytest.param(ROW, "2025-11-11T13:00:00Z", id="the-day-has-begun-somewhere"),
    ],
)
def test_commit_after_the_day(
    write: Write, commit: Commit, audited: Auditor, text: str, at: str
) -> None:
    """A claim made in time is not accused."""
    write("a.md", text)
    commit(at)
    assert early(audited()) == []


def test_plan_that_became_a_claim(write: Write, commit: Commit, audited: Auditor) -> None:
    """A row booked in advance and completed later is as it should be."""
    booked = f"{HEAD}| Marquez smoke | 2025-11-12 | Scheduled. To `{RUN}/` |\n"
    write("a.md", booked)
    commit(BEFORE)
    write("a.md", booked.replace("Scheduled. To", "Completed:"))
    commit(AFTER)
    assert early(audited()) == []


@pytest.mark.parametrize("before", ["Scheduled", "Blocked", "With the QA team"])
def test_row_that_was_booked(write: Write, commit: Commit, audited: Auditor, before: str) -> None:
    """The same for a row without a path."""
    write("a.md", ROW.replace("Completed", before))
    commit(BEFORE)
    write("a.md", ROW)
    commit(AFTER)
    assert early(audited()) == []


def test_first_of_many_edits_counts(
    write: Write, commit: Commit, audited: Auditor, git: Git
) -> None:
    """Touching the line later, or moving the document, does not make the claim younger."""
    write("a.md", LINE)
    commit(BEFORE)
    write("a.md", f"Reworded. {LINE}")
    commit(AFTER)
    git("mv", "a.md", "b.md")
    commit("2025-11-20T00:00:00Z")
    (saw,) = early(audited())
    assert "of 2025-10-31 made the claim in a.md" in saw


def test_claim_that_came_by_a_merge(
    write: Write, commit: Commit, audited: Auditor, git: Git
) -> None:
    """A side branch's commit is of the history too."""
    write("other.md", "text\n")
    commit("2025-10-01T00:00:00Z")
    git("checkout", "-q", "-b", "side")
    write("a.md", LINE)
    commit(BEFORE)
    git("checkout", "-q", "main")
    write("other.md", "more\n")
    commit("2025-11-01T00:00:00Z")
    git("merge", "-q", "--no-ff", "-m", "merge", "side", at=AFTER)
    assert len(early(audited())) == 1


def test_amended_commit_is_not_accused(
    write: Write, commit: Commit, audited: Auditor, git: Git
) -> None:
    """An amended commit keeps its author's date: only the committer's proves an age."""
    write("a.md", "text\n")
    commit(BEFORE)
    write("a.md", LINE)
    git("add", "-A")
    git("commit", "-q", "--amend", "--no-edit", GIT_COMMITTER_DATE=AFTER)
    assert early(audited()) == []


def test_without_git_the_front_matter_tells(write: Write, audited: Auditor) -> None:
    """A document last updated before the day it tells of contradicts itself."""
    write("a.md", f"---\nlast_updated: 2025-11-02\n---\n{LINE}")
    write("b.md", f"---\nlast_updated: 2025-11-12\n---\n{LINE}")
    report = audited()
    assert early(report) == [
        "the document was last updated 2025-11-02, 10 days before 2025-11-12 14:00Z"
    ]
    assert any("not a git checkout" in each for each in report.warnings)


def test_date_of_a_document_may_lag_behind_utc(write: Write, audited: Auditor) -> None:
    """Written in the west just after the rehearsal: still the evening before, there."""
    line = LINE.replace("T140000Z", "T050000Z")
    write("a.md", f"---\nlast_updated: 2025-11-11\n---\n{line}")
    assert early(audited()) == []


def test_without_git_the_dated_heading_tells(write: Write, audited: Auditor) -> None:
    """A log entry cannot tell of a day after its own."""
    write("Next_Steps_Log.md", f"## 2025-10-31 (branch: work)\n\n- [x] Smoke: `{RUN}/`\n")
    (saw,) = early(audited())
    assert saw.startswith("the heading above is dated 2025-10-31")


def test_git_wins_over_a_stale_front_matter(
    write: Write, commit: Commit, audited: Auditor
) -> None:
    """Committed in time under a date nobody moved: no accusation."""
    write("a.md", f"---\nlast_updated: 2025-11-02\n---\n{LINE}")
    commit(AFTER)
    assert early(audited()) == []


def test_uncommitted_claim_is_judged_by_its_document(
    write: Write, commit: Commit, audited: Auditor
) -> None:
    """Git knows nothing of a line not committed yet."""
    write("a.md", "---\nlast_updated: 2025-11-02\n---\n")
    commit(BEFORE)
    write("a.md", f"---\nlast_updated: 2025-11-02\n---\n{LINE}")
    (saw,) = early(audited())
    assert saw.startswith("the document was last updated 2025-11-02")


def test_future_is_early_by_any_account(write: Write, commit: Commit, audited: Auditor) -> None:
    """A day that has not come needs no history."""
    write("a.md", LINE)
    commit(BEFORE)
    report = audited(now=datetime(2025, 11, 1, tzinfo=UTC))
    assert early(report) == ["2025-11-12 14:00Z lies in the future"]


def test_impossible_stamp_names_no_day(write: Write, audited: Auditor) -> None:
    """A stamp that is no time is a path like any other: absent, and nothing about its day."""
    write("a.md", "Done: `dist/staging/marquez/20251399T996000Z/`\n")
    (claim,) = audited().claims
    assert claim.stamp is None
    assert [each.kind for each in claim.findings] == [Kind.ABSENT]


def test_shallow_clone_is_said(
    write: Write, commit: Commit, git: Git, audited: Auditor, tmp_path: Path, checkout: Path
) -> None:
    """History that was cut off cannot clear a claim, and the report says so."""
    write("a.md", LINE)
    commit(BEFORE)
    write("b.md", "text\n")
    commit(AFTER)
    git("clone", "-q", "--depth", "1", f"file://{checkout}", str(tmp_path / "shallow"))
    report = audited(at=tmp_path / "shallow")
    assert early(report) == []
    assert any("shallow" in each for each in report.warnings)
    assert "nor in any commit we could read" in _absent(report.claims[0])


def test_repository_without_commits(write: Write, git: Git, audited: Auditor) -> None:
    """Added, not committed: read all the same, and nothing is said of any commit."""
    write("a.md", LINE)
    git("init", "-q")
    git("add", "-A")
    (claim,) = audited().claims
    assert _absent(claim).endswith("nor in any commit we could read")


def test_only_tracked_documents_are_read(
    write: Write, commit: Commit, audited: Auditor, checkout: Path
) -> None:
    """In a git checkout the documents are those git tracks; deleted ones claim nothing."""
    write("a.md", LINE)
    write("gone.md", LINE)
    commit(AFTER)
    write("draft.md", LINE)
    (checkout / "gone.md").unlink()
    assert [each.document for each in audited().claims] == ["a.md"]


def test_folder_of_a_repository_can_be_audited(
    write: Write, commit: Commit, audited: Auditor, checkout: Path
) -> None:
    """A checkout below the top of its repository has its paths, history and evidence."""
    write("inner/a.md", LINE)
    write("outer.md", LINE)
    commit(BEFORE)
    report = audited(at=checkout / "inner")
    assert [each.document for each in report.claims] == ["a.md"]
    assert "of 2025-10-31 made the claim, 12" in early(report)[0]


def test_untracked_folder_of_a_repository_is_walked(
    write: Write, commit: Commit, audited: Auditor, checkout: Path
) -> None:
    """Git tracks nothing there, which is no reason to read nothing."""
    write("outer.md", "text\n")
    commit(BEFORE)
    write("inner/a.md", LINE)
    assert len(audited(at=checkout / "inner").claims) == 1


@pytest.mark.parametrize("key", ["core.fsmonitor", "diff.external", "gpg.program", "core.pager"])
def test_hostile_configuration_runs_nothing(
    write: Write, commit: Commit, git: Git, audited: Auditor, tmp_path: Path, key: str
) -> None:
    """A checkout's own git configuration starts no program of its choice."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    write("a.md", LINE)
    write(".gitattributes", "*.md diff=mine\n")
    commit(BEFORE)
    git("config", key, str(program))
    git("config", "diff.mine.command", str(program))
    git("config", "diff.mine.textconv", str(program))
    git("config", "log.showSignature", "true")
    assert len(early(audited())) == 1
    assert not (tmp_path / "ran").exists()


def test_signed_commits_start_no_verifier(
    write: Write, commit: Commit, git: Git, audited: Auditor, tmp_path: Path
) -> None:
    """Showing signatures by configuration would run the program it names, once per commit."""
    program = tmp_path / "gpg"
    program.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *--verify*) touch {tmp_path}/ran;; esac\n'
        "cat > /dev/null\n"
        "printf '\\n[GNUPG:] SIG_CREATED \\n' >&2\n"
        "printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n'\n"
    )
    program.chmod(0o755)
    write("b.md", "text\n")
    commit(BEFORE)
    git("config", "gpg.program", str(program))
    git("config", "log.showSignature", "true")
    write("a.md", LINE)
    git("add", "-A")
    git("commit", "-q", "-S", "-m", "signed", at=BEFORE)
    assert len(early(audited())) == 1
    assert not (tmp_path / "ran").exists()
    git("log")
    assert (tmp_path / "ran").exists()


def test_attributes_cannot_hide_a_claim(write: Write, commit: Commit, audited: Auditor) -> None:
    """A document marked binary has a history all the same."""
    write("a.md", LINE)
    write(".gitattributes", "*.md binary\n")
    commit(BEFORE)
    assert len(early(audited())) == 1


def test_another_repository_in_the_environment_is_not_asked(
    write: Write,
    commit: Commit,
    audited: Auditor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Called from a git hook, the audit still reads the checkout it was given."""
    write("a.md", LINE)
    commit(BEFORE)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other.git"))
    assert len(early(audited())) == 1


def test_machine_without_git(
    write: Write, commit: Commit, audited: Auditor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No git program: the files are read, and the report says what that leaves open."""
    write("a.md", LINE)
    commit(BEFORE)
    monkeypatch.setenv("PATH", str(tmp_path))
    report = audited()
    assert len(report.claims) == 1
    assert any("not a git checkout" in each for each in report.warnings)


def test_git_is_asked_a_handful_of_times(
    write: Write, commit: Commit, audited: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many claims there are, the number of processes stays what it is."""
    counts = []
    for number in (1, 60):
        for name in range(number):
            write(f"{name}.md", LINE.replace("140000", f"14{name:02}00"))
        commit(BEFORE)
        started: list[object] = []
        real = subprocess.Popen.__init__

        def counted(self: object, *args: object, **how: object) -> None:
            started.append(args)  # noqa: B023 - used before the next turn
            real(self, *args, **how)  # type: ignore[call-overload]  # noqa: B023

        with monkeypatch.context() as patch:
            patch.setattr(subprocess.Popen, "__init__", counted)
            assert len(early(audited())) == number
        counts.append(len(started))
    assert counts[0] == counts[1] <= 5


def _absent(claim: Claim) -> str:
    return next(each.saw for each in claim.findings if each.kind is Kind.ABSENT)


def test_documents_are_found_without_git(write: Write, checkout: Path, audited: Auditor) -> None:
    """Every Markdown file but those of dependencies, caches and evidence itself."""
    for name in ("a.md", "docs/B.MD", "docs/c.markdown", ".github/T.md"):
        write(name, LINE)
    for name in ("node_modules/x/a.md", ".venv/a.md", "a.txt", f"{RUN}/notes.md"):
        write(name, LINE)
    (checkout / "loop").symlink_to(checkout)
    (checkout / "dangling.md").symlink_to(checkout / "nowhere")
    (checkout / "outside.md").symlink_to("/etc/hostname")
    report = audited()
    assert [each.document for each in report.claims] == [
        ".github/T.md",
        "a.md",
        "docs/B.MD",
        "docs/c.markdown",
    ]
