"""On GitHub Actions: a summary that fits, annotations that nobody's payload can add to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.plugins import actions

if TYPE_CHECKING:
    from tests.harness.plugins.conftest import Project

SECRET = "hunter2-is-no-password"
BROKEN = "seen['health'] = Health({'db\\n::error::forged %s': False}, frozenset())" % SECRET  # noqa: UP031


@pytest.fixture
def summary(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The step's summary, in a session that believes to be on GitHub Actions."""
    path = project.pytester.path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.pytester.path))
    monkeypatch.setenv("REHEARSAL_SECRETS__OURS", SECRET)
    return path


def annotated(result: pytest.RunResult) -> list[str]:
    """The lines that the runner obeys: none between a stop and the token that it named."""
    obeyed, token = [], ""
    for line in result.outlines:
        if token:
            token = "" if line == f"::{token}::" else token
        elif line.startswith("::stop-commands::"):
            token = line.removeprefix("::stop-commands::")
        elif line.startswith("::"):
            obeyed.append(line)
    assert not token, "whoever comes after us may give commands again"
    return obeyed


def test_what_broke_is_annotated_where_its_test_is(project: Project, summary: Path) -> None:
    """One line per guardrail, at its test; a payload's line stays inside it, and masked."""
    project.rehearsal(seen=BROKEN)
    result = project.run("-m", "marquez")
    (line,) = annotated(result)
    start = "::error file=tests/rehearsals/test_marquez.py,line="
    assert line.startswith(start)
    assert "title=marquez.stack-healthy broke (dry run)::expected: " in line
    assert "%0Aobserved: " in line
    assert SECRET not in line
    told = summary.read_text(encoding="utf-8")
    assert "### ⚪ marquez: SIMULATED, would have been FAILED" in told
    assert "#### ✗ `marquez.stack-healthy` (must) broke" in told
    assert SECRET not in told
    assert result.ret == 1


def test_a_failed_test_of_any_kind_is_annotated(project: Project, summary: Path) -> None:
    """Self-tests too, by file and line; with workers and without a terminal as well."""
    lines = "def test_x():\n    assert 1 == 2, 'a\\n::warning::b, c: 100%'\n"
    (project.pytester.path / "tests" / "test_other.py").write_text(lines)
    for more in (("-p", "no:terminal"), ("-p", "no:html"), ("-n", "1")):
        result = project.run("tests/test_other.py", *more)
        (line,) = annotated(result)
        assert line.startswith("::error file=tests/test_other.py,line=1,title=test_x::")
        assert "%0A  ::warning::b, c: 100%25" in line
    assert not summary.exists()


def test_what_a_test_prints_is_no_command(project: Project, summary: Path) -> None:
    """A line of a log that looks like a command is shown, and not obeyed."""
    lines = "def test_x():\n    print('::error::forged')\n    print('::set-output name=a::b')\n"
    (project.pytester.path / "tests" / "test_other.py").write_text(lines)
    for more in ("-rP", "-s"):
        result = project.run("tests/test_other.py", more)
        assert "::error::forged" in result.stdout.str()
        assert annotated(result) == []


def test_elsewhere_nothing_is_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without GITHUB_ACTIONS=true there are neither annotations nor a summary."""
    path = project.pytester.path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    project.rehearsal(seen=BROKEN)
    assert annotated(project.run("-m", "marquez")) == []
    assert not path.exists()


def test_a_summary_that_cannot_be_written_breaks_nothing(project: Project, summary: Path) -> None:
    """A folder in its place: said as a warning, and the outcome stands."""
    summary.mkdir()
    result = project.run("-m", "marquez")
    assert result.ret == 0
    assert [line for line in annotated(result) if line.startswith("::warning title=rehearsal::")]


@pytest.mark.parametrize("there", [0, 2**20 - 60, 2**20 - 20, 2**20])
def test_the_summary_keeps_its_size(tmp_path: Path, there: int) -> None:
    """However much is there already, no byte more than a step may have, none of it lost."""
    path = tmp_path / "summary.md"
    path.write_bytes(b"x" * there)
    actions._append(path, "ä" * 2**20)
    written = path.read_bytes()
    assert len(written) <= 2**20
    assert written.startswith(b"x" * there)
    written.decode()
    assert (b"does not fit" in written) == (2**20 - there >= 42)


@pytest.mark.parametrize(
    ("text", "as_data", "as_property"),
    [
        ("a\r\nb", "a%0D%0Ab", "a%0D%0Ab"),
        ("100%0A", "100%250A", "100%250A"),
        ("a,b::c", "a,b::c", "a%2Cb%3A%3Ac"),
    ],
)
def test_escapes_are_githubs(text: str, as_data: str, as_property: str) -> None:
    """As the toolkit escapes them: nothing ends a command or a property early."""
    assert actions.data(text) == as_data
    assert actions.property_(text) == as_property
