"""What follows a live run: asked for at the start, done at the end, never deciding anything."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.plugins import afterwards, evidence
from tests.harness.publishing.documents import made

if TYPE_CHECKING:
    from tests.harness.plugins.conftest import Project, Seen

LIVE = ("-m", "marquez", "--staging")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["--record"], "dry-run-stays-here", id="record-dry"),
        pytest.param(["--publish"], "dry-run-stays-here", id="publish-dry"),
        pytest.param([*LIVE, "--record"], "record-needs-a-checkout", id="record-to-nowhere"),
        pytest.param([*LIVE, "--publish"], "settings-invalid", id="publish-to-nowhere"),
        pytest.param(["--keep-stack"], "nothing-to-keep", id="keep-embedded"),
        pytest.param(
            [*LIVE, "--stack", "running", "--keep-stack"], "nothing-to-keep", id="keep-running"
        ),
    ],
)
def test_refused_before_anything_starts(project: Project, arguments: list[str], code: str) -> None:
    """What could not be done after the rehearsal is said before it, with a hint."""
    result = project.run(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{code}*", "*hint: *"])
    assert not project.evidence.exists()


def test_a_stack_nobody_brings_up_cannot_be_kept(project: Project) -> None:
    """A word without a Compose stack, or no rehearsal at all: said before anything starts."""
    (project.pytester.path / "tests" / "test_other.py").write_text("def test_x(): pass\n")
    result = project.run("tests/test_other.py", "--stack", "compose", "--keep-stack")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*nothing-to-keep*"])


def test_a_failed_publishing_changes_no_outcome(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could be told: shown with the command to repeat; the exit code is the outcome's."""
    monkeypatch.setenv("REHEARSAL_PUBLISHING__ISSUE__REPOSITORY", "acme/hotpass")
    for name in ("GITHUB_TOKEN", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    result = project.run(*LIVE, "--publish")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "verify:   *",
            "*after the rehearsal*",
            "$ *rehearsal publish dist/staging/marquez/*Z",
            "*[[]token-refused] neither REHEARSAL_SECRETS__GITHUB_TOKEN nor GITHUB_TOKEN is set",
            "*not done (exit code 3); the outcome stands. Mend it, then: *rehearsal publish *Z",
            "record:   *rehearsal record dist/staging/marquez/*Z",
        ]
    )


def test_recording_is_proposed_where_it_is_not_asked_for(project: Project, tmp_path: Path) -> None:
    """A live run beside a checkout ends with what recording would say, and changes nothing."""
    checkout = tmp_path / "hotpass"
    plan = checkout / "docs" / "operations" / "staging-rehearsal-plan.md"
    plan.parent.mkdir(parents=True)
    plan.write_text(made.PLAN, encoding="utf-8")
    (checkout / "Next_Steps.md").write_text(made.STEPS, encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in checkout.rglob("*")}
    result = project.run(*LIVE, f"--hotpass-root={checkout}", "-p", "no:html")
    result.stdout.fnmatch_lines(["verify: *", "record:   *rehearsal record *Z", "publish:  *"])
    shown = result.stdout.str().partition("record:   ")[2].partition("publish:")[0]
    # Fed by hand it proves nothing live, and recording says so.
    assert "[rehearsal-not-recordable]" in shown
    assert {path: path.stat().st_mtime_ns for path in before if path.is_file()} == {
        path: stamp for path, stamp in before.items() if path.is_file()
    }


def test_a_long_diff_is_cut(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As much of it as one reads at a glance, how much more there is, and how to see that."""
    lines = tuple(f"+line {number}" for number in range(100))
    typed = "rehearsal record x --dry-run"
    monkeypatch.setattr(afterwards, "_run", lambda *_: afterwards.Done(typed, "", lines))
    monkeypatch.setattr(evidence, "hotpass_root_of", lambda _: tmp_path)
    config: Any = SimpleNamespace(
        option=SimpleNamespace(staging=True, record=False, publish=True),
        invocation_params=SimpleNamespace(dir=tmp_path),
    )
    sealed: Any = SimpleNamespace(folder=tmp_path / "marquez" / "20261122T080000Z")
    told = list(afterwards._left_to_type(config, sealed))
    assert told[0].endswith("rehearsal record marquez/20261122T080000Z")
    assert [line.strip() for line in told[1:-1]] == list(lines[: afterwards.LONGEST_DIFF])
    assert told[-1].strip() == f"… 40 more lines: {typed}"


def test_a_dry_run_ends_without_them(held: Seen) -> None:
    """Nobody is asked to record or publish what is no evidence of staging."""
    text = held.result.stdout.str()
    assert "verify:" in text
    assert "record:" not in text
    assert "publish:" not in text
