"""A pytest user's habits: plugins off, quiet, in colour, in parallel; evidence all the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from fixtures.evidence import reconcile, verify
from fixtures.guardrails.registries import REGISTRIES

if TYPE_CHECKING:
    from tests.harness.plugins.conftest import Project

ALL = sum(not each.optional for each in REGISTRIES["marquez"])
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
BROKEN = "seen['health'] = Health({'postgresql': False}, frozenset())"


def sealed(project: Project) -> str:
    """What the only bundle would have come to; it must be whole."""
    (bundle,) = project.bundles()
    answer = verify.verify(bundle, registries=REGISTRIES)
    assert answer.verified, answer.denials
    return str(answer.manifest["would_be"])


OFF = {
    "html": ["html"],
    "metadata": ["metadata"],
    "parallel": ["xdist", "timeout"],
    "reports": ["junitxml", "logging"],
    "capture": ["capture"],
    "terminal": ["terminal"],
    "the-rest": [
        *("cacheprovider", "docker", "doctest", "faulthandler", "pastebin", "stepwise"),
        *("subtests", "threadexception", "unraisableexception", "warnings"),
    ],
}


@pytest.mark.parametrize("blocked", OFF.values(), ids=OFF)
def test_any_other_plugin_may_be_off(project: Project, blocked: list[str]) -> None:
    """Whichever of pytest's or others' plugins is blocked: same outcome, same exit code."""
    project.rehearsal(seen=BROKEN)
    off = [word for name in blocked for word in ("-p", f"no:{name}")]
    result = project.run("-m", "marquez", *off)
    assert (result.ret, sealed(project)) == (1, "FAILED")
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


def test_without_a_terminal_nothing_is_said(project: Project) -> None:
    """`-p no:terminal` is silent, and the exit code still says it."""
    result = project.run("-m", "marquez", "-p", "no:terminal")
    assert (result.ret, result.stdout.str().strip(), sealed(project)) == (0, "", "PASSED")


@pytest.mark.parametrize(
    "quiet",
    [
        pytest.param(["-q"], id="quiet"),
        pytest.param(["-qq", "--no-header", "--no-summary", "--tb=no"], id="as-can-be"),
    ],
)
def test_quiet_still_says_where_the_evidence_is(project: Project, quiet: list[str]) -> None:
    """Fewer words of pytest's; outcome, evidence and the command to verify it stay."""
    result = project.run("-m", "marquez", *quiet)
    said = ["*marquez: SIMULATED, would have been PASSED*", "evidence: *", "verify: *"]
    result.stdout.fnmatch_lines(said)
    assert (result.ret, sealed(project)) == (0, "PASSED")


def test_colours_only_where_asked_for(project: Project) -> None:
    """`--color=yes` colours the guardrails, a pipe has none by default, the words are the same."""
    project.rehearsal(seen=BROKEN)
    plain = project.run("-m", "marquez").stdout.str()
    coloured = project.run("-m", "marquez", "--color=yes").stdout.str()
    assert not COLOUR.search(plain)
    assert re.search(r"\x1b\[31m✗ marquez.stack-healthy", coloured)
    assert "✗ marquez.stack-healthy" in plain
    told = [line.split()[:4] for line in plain.splitlines() if line.startswith(("✓", "✗"))]
    bare = COLOUR.sub("", coloured)
    assert told == [line.split()[:4] for line in bare.splitlines() if line.startswith(("✓", "✗"))]
    # What a coloured terminal shows is no part of any artefact.
    _, bundle = project.bundles()
    texts = [path for path in bundle.rglob("*") if path.is_file() and path.suffix != ".png"]
    assert len(texts) > 10
    assert [path.name for path in texts if b"\x1b[" in path.read_bytes()] == []


def test_parallel_is_the_same(project: Project) -> None:
    """`-n 2`: one bundle, the same lines at the end from the controller, the same exit code."""
    project.rehearsal(seen=BROKEN)
    result = project.run("-m", "marquez", "-n", "2")
    assert (result.ret, sealed(project)) == (1, "FAILED")
    result.stdout.fnmatch_lines(
        [
            "*marquez: SIMULATED, would have been FAILED*",
            "✗ marquez.stack-healthy *broke*",
            "✓ marquez.graph-linked *held*",
            *("evidence: *", "verify: *", "session: *"),
        ]
    )
    result.assert_outcomes(passed=ALL - 1, failed=1)


@pytest.mark.parametrize("option", ["--co", "--collect-only", "--fixtures", "--markers", "--help"])
def test_looking_leaves_nothing(project: Project, option: str) -> None:
    """Whoever only looks gets pytest's answer, exit code 0, and no evidence directory."""
    result = project.run("-m", "marquez", option)
    assert result.ret == 0
    assert not project.evidence.exists()


def test_junitxml_is_the_users_own(project: Project) -> None:
    """Where it was asked for, in a folder that is not there yet, with every test once."""
    project.rehearsal(seen=BROKEN)
    result = project.run(
        "-m", "marquez", "--junitxml=reports/deep/junit.xml", "-o", "junit_family=xunit1"
    )
    path = project.pytester.path / "reports" / "deep" / "junit.xml"
    root = reconcile.read(path.read_bytes())
    cases = list(root.iter("testcase"))
    assert (result.ret, len(cases), len(list(root.iter("failure")))) == (1, ALL, 1)
    assert all("[dry run]" in str(case.get("name")) for case in cases)


def test_help_names_every_option(project: Project) -> None:
    """All options of design and README stand in one group."""
    text = project.run("--help").stdout.str()
    group = text.partition("Hotpass staging rehearsals:")[2].partition("\n\n")[0]
    for option in (
        *("--staging", "--stack", "--keep-stack", "--hotpass-root", "--environment"),
        *("--evidence-root", "--record", "--publish"),
    ):
        assert re.search(rf"^  {option}\b", group, re.MULTILINE), option
