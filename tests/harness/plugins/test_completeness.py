"""However pytest is narrowed, stopped or spoilt: the right outcome, exit code and reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.core.outcome import Exit
from fixtures.evidence import ledger, reconcile, verify
from fixtures.evidence.summary import fold
from fixtures.guardrails.registries import REGISTRIES
from tests.harness.plugins.test_masking import rows

if TYPE_CHECKING:
    from tests.harness.plugins.conftest import Project

ALL = sum(not each.optional for each in REGISTRIES["marquez"])
WEIGHED = (
    "def test_graph_linked(graph, refine, weigh{more}):\n"
    "    assert weigh(marquez.graph_linked(graph, refine))\n"
)
STOPPING = "def test_graph_linked(weigh):\n    {}\n"


def would_be(bundle: Path) -> str:
    """The outcome a bundle would have had live; it must be whole, and JUnit must agree."""
    answer = verify.verify(bundle, registries=REGISTRIES)
    assert answer.verified, answer.denials
    summary = fold(ledger.read(bundle / "ledger.jsonl"))
    if "junit.xml" not in summary.absent:
        assert reconcile.trouble_with((bundle / "junit.xml").read_bytes(), summary) is None
    return str(answer.manifest["would_be"])


def cases(junit: Path, name: str) -> list[set[str]]:
    """What became of the test cases of one test, as JUnit says it."""
    root = reconcile.read(junit.read_bytes())
    return [
        {child.tag for child in case} - {"system-out", "system-err"}
        for case in root.iter("testcase")
        if reconcile.address_of(case)[1] == name
    ]


def results(page: Path, name: str) -> list[str]:
    """What became of one test, as a page of pytest-html says it."""
    tests = rows(page.read_text(encoding="utf-8"))["tests"]
    found = [each for node, shown in tests.items() if f"::{name}" in node for each in shown]
    return [each["resultsTableRow"][0] for each in found]


@pytest.mark.parametrize(
    ("spoilt", "code", "expected"),
    [
        pytest.param(
            STOPPING.format("pytest.xfail('known')"), 2, "INTERRUPTED", id="xfail-for-a-verdict"
        ),
        pytest.param(
            "@pytest.mark.xfail(reason='known')\n" + WEIGHED.format(more=""),
            2,
            "INTERRUPTED",
            id="xfail-that-passes",
        ),
        pytest.param(
            WEIGHED.format(more="") + "    raise RuntimeError('after')\n",
            3,
            "INTERRUPTED",
            id="fails-after-its-verdict",
        ),
        pytest.param(
            "@pytest.fixture\ndef tidy():\n    yield\n    raise RuntimeError('left behind')\n"
            + WEIGHED.format(more=", tidy"),
            3,
            "INTERRUPTED",
            id="teardown-fails",
        ),
        pytest.param(
            WEIGHED.format(more=", subtests")
            + "    with subtests.test('beside'):\n        assert False\n",
            3,
            "INTERRUPTED",
            id="subtest-fails-after-its-verdict",
        ),
        pytest.param(
            "def test_graph_linked(subtests, weigh):\n"
            "    with subtests.test('alone'):\n        assert False\n",
            3,
            "BLOCKED",
            id="subtest-for-a-verdict",
        ),
        pytest.param(
            "def test_of_no_guardrail(weigh):\n    assert False\n",
            2,
            "INTERRUPTED",
            id="stranger-fails",
        ),
        pytest.param(
            "@pytest.mark.timeout(0.05)\n" + STOPPING.format("import signal; signal.pause()"),
            3,
            "BLOCKED",
            id="timeout",
        ),
        pytest.param(STOPPING.format("raise KeyboardInterrupt"), 2, "INTERRUPTED", id="ctrl-c"),
        pytest.param(
            STOPPING.format("pytest.exit('enough', returncode=0)"),
            2,
            "INTERRUPTED",
            id="pytest-exit-0",
        ),
    ],
)
def test_a_spoilt_test_is_never_green(
    project: Project, spoilt: str, code: int, expected: str
) -> None:
    """A test that ends in any other way than by its verdict: outcome, exit code, every report.

    No verdict from before it is lost, and none added where it stopped the session.
    """
    project.rehearsal(spoilt)
    result = project.run("-m", "marquez", "--junitxml=out/junit.xml", "--html=out/page.html")
    assert result.ret == code
    (bundle,) = project.bundles()
    assert would_be(bundle) == expected
    result.stdout.fnmatch_lines([f"*marquez: SIMULATED, would have been {expected}*"])
    guardrails = [each.id for each in REGISTRIES["marquez"] if not each.optional]
    judged = guardrails[: guardrails.index("marquez.graph-linked")]
    told = list(project.summary().verdicts)
    stopped = "pytest.exit" in spoilt or "KeyboardInterrupt" in spoilt
    assert (told if stopped else told[: len(judged)]) == judged
    (ours,) = (project.evidence / "reports").glob("*.html")
    out = project.pytester.path / "out"
    name = "test_of_no_guardrail" if "no_guardrail" in spoilt else "test_graph_linked"
    for junit in (bundle / "junit.xml", out / "junit.xml"):
        assert set() not in cases(junit, name), junit
        assert cases(junit, name), junit
    for page in (ours, out / "page.html"):
        text = page.read_text(encoding="utf-8")
        assert f"marquez: SIMULATED, would have been {expected}" in text
        assert any("Passed" not in told for told in results(page, name)), page
    assert "they agree" in ours.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "narrowing",
    [
        pytest.param(["--deselect=tests/rehearsals/test_marquez.py::test_s"], id="deselect"),
        pytest.param(["--lf"], id="last-failed"),
        pytest.param(["tests/rehearsals/test_marquez.py::test_run_completed"], id="single"),
    ],
)
def test_narrowed_runs_go_to_scratch(project: Project, narrowing: list[str]) -> None:
    """Whatever takes guardrails away, evidence goes to a scratch root, INTERRUPTED, exit 2."""
    # As an earlier session that failed would have left it.
    cache = project.pytester.path / ".pytest_cache" / "v" / "cache"
    cache.mkdir(parents=True)
    failed = '{"tests/rehearsals/test_marquez.py::test_run_completed": true}'
    (cache / "lastfailed").write_text(failed, encoding="utf-8")
    result = project.run("-p", "cacheprovider", "-m", "marquez", *narrowing)
    assert result.ret == 2
    (bundle,) = project.bundles("scratch")
    assert would_be(bundle) == "INTERRUPTED"
    assert not project.evidence.joinpath("marquez").exists()
    result.stdout.fnmatch_lines(["narrowed, never counts: * of its guardrails*"])


@pytest.mark.parametrize("plugin", ["fixtures.plugins.reporting", "rehearsal-report-feed"])
def test_a_blocked_plugin_is_refused(project: Project, plugin: str) -> None:
    """Without one of ours a rehearsal would end green and leave no evidence: nothing runs."""
    result = project.run("-p", f"no:{plugin}", "-m", "marquez")
    assert result.ret == Exit.USAGE
    assert "[plugin-blocked]" in result.stderr.str()
    assert not project.bundles()


def test_a_rehearsal_outside_its_folder_is_refused(project: Project) -> None:
    """Its tests would count as nobody's, its bundle as a rehearsal: there is none."""
    project.rehearsal()
    inside = project.pytester.path / "tests" / "rehearsals" / "test_marquez.py"
    outside = project.pytester.path / "tests" / "elsewhere" / "test_marquez.py"
    outside.parent.mkdir()
    inside.rename(outside)
    result = project.run("-m", "marquez", str(outside))
    assert result.ret != 0
    assert "lies outside tests/rehearsals" in result.stdout.str()
    assert not project.bundles()


def test_plans_and_fixtures_alone(project: Project) -> None:
    """--setup-plan does nothing and leaves nothing; --setup-only would act and judge nothing."""
    assert project.run("-m", "marquez", "--setup-plan").ret == 0
    result = project.run("-m", "marquez", "--setup-only")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*[[]rehearsal-not-judged[]]*", "*hint: Use --setup-plan*"])
    assert not project.evidence.exists()


def test_rehearsal_that_never_opens_its_bundle(project: Project) -> None:
    """Every test skipped, or pytest stopped before: no evidence is said, and exits 2, never 0."""
    project.rehearsal("pytestmark = [pytest.mark.marquez, pytest.mark.skip('not today')]\n")
    result = project.run("-m", "marquez")
    result.assert_outcomes(skipped=ALL)
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*marquez: INTERRUPTED*", "no evidence: *"])
    (page,) = (project.evidence / "reports").glob("*.html")
    assert "No evidence" in page.read_text(encoding="utf-8")


def test_what_cannot_be_collected_counts(project: Project) -> None:
    """A broken module beside a rehearsal that held is exit 1, though pytest goes on."""
    other = project.pytester.path / "tests" / "test_other.py"
    other.write_text("import no_such_module_anywhere\n", encoding="utf-8")
    result = project.run("tests", "--continue-on-collection-errors", "--junitxml=out/junit.xml")
    assert result.ret == 1
    (bundle,) = project.bundles()
    assert would_be(bundle) == "PASSED"
    assert project.run("tests").ret == 2
    assert len(project.bundles()) == 1
    project.rehearsal(seen="seen['runs'] = []")
    # Worse than BLOCKED, which would be 10.
    assert project.run("tests", "--continue-on-collection-errors").ret == 1


def test_dry_run_says_so_in_the_users_junit(project: Project) -> None:
    """Names of test cases and properties: a CI system shows no green test of a dry run as live."""
    other = project.pytester.path / "tests" / "test_other.py"
    other.write_text("def test_it():\n    pass\n", encoding="utf-8")
    assert project.run("tests", "--junitxml=out/junit.xml").ret == 0
    root = reconcile.read((project.pytester.path / "out" / "junit.xml").read_bytes())
    names = [case.get("name", "") for case in root.iter("testcase")]
    assert sorted(name.endswith("[dry run]") for name in names) == [False] + [True] * ALL
    told = {each.get("name"): each.get("value") for each in root.iter("property")}
    assert told["rehearsal.marquez.mode"] == "dry run"
    assert told["rehearsal.marquez.outcome"] == "SIMULATED"
    (bundle,) = project.bundles()
    inner = reconcile.read((bundle / "junit.xml").read_bytes())
    told = {each.get("name"): each.get("value") for each in inner.iter("property")}
    assert (told["outcome"], told["would_be"]) == ("SIMULATED", "PASSED")


def test_dead_worker_shows_everywhere(project: Project) -> None:
    """A worker that dies in a test: exit 2, sealed by the controller, red in HTML and JUnit."""
    project.rehearsal("def test_graph_linked(weigh):\n    import os\n    os._exit(0)\n")
    result = project.run(
        *("-m", "marquez", "-n", "2", "--junitxml=out/junit.xml", "--html=out/page.html")
    )
    assert result.ret == 2
    (bundle,) = project.bundles()
    assert would_be(bundle) == "INTERRUPTED"
    out = project.pytester.path / "out"
    assert cases(out / "junit.xml", "test_graph_linked") == [{"error"}]
    (ours,) = (project.evidence / "reports").glob("*.html")
    for page in (ours, out / "page.html"):
        assert results(page, "test_graph_linked") == ['<td class="col-result">Error</td>']
        assert "crashed while running" in page.read_text(encoding="utf-8")
    # The dead wrote no line of it: the page says that the two differ, and who is right.
    assert "they DIFFER" in ours.read_text(encoding="utf-8")


def test_worker_that_dies_before_its_bundle(project: Project) -> None:
    """No bundle at all is no reason for a milder exit code."""
    project.rehearsal(
        "@pytest.fixture(scope='module', autouse=True)\n"
        "def surroundings():\n    import os\n    os._exit(0)\n"
    )
    result = project.run("-m", "marquez", "-n", "1")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["no evidence: *"])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["--reruns=1"], "rehearsal-not-repeatable", id="reruns"),
        pytest.param(["--count=2"], "rehearsal-not-repeatable", id="count"),
        pytest.param(
            ["-n", "1", "--max-worker-restart=1"], "rehearsal-not-repeatable", id="restart"
        ),
        pytest.param(["--tx", "popen", "--dist", "each"], "rehearsal-not-spreadable", id="each"),
    ],
)
def test_rehearsing_again_by_itself_is_refused(
    project: Project, arguments: list[str], code: str
) -> None:
    """What would rehearse live a second time unasked is wrong usage, before anything starts."""
    plugin = project.pytester.path / "again.py"
    plugin.write_text(
        "def pytest_addoption(parser):\n"
        "    parser.addoption('--reruns', type=int, default=0)\n"
        "    parser.addoption('--count', type=int, default=1)\n",
        encoding="utf-8",
    )
    result = project.run("-p", "again", "-m", "marquez", "--staging", *arguments)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*[[]{code}[]]*", "*hint: *"])
    assert not project.evidence.exists()
