"""What pytest does to a rehearsal can only make its outcome worse; kept as whole sessions."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.core.outcome import Outcome
from fixtures.evidence import durable, verify
from fixtures.guardrails.registries import REGISTRIES

if TYPE_CHECKING:
    from tests.harness.plugins.conftest import Project, Seen

ROOT = Path(__file__).parents[3]
ALL = sum(not each.optional for each in REGISTRIES["marquez"])
"""How many guardrails the fed rehearsal has."""


def dying_by(number: signal.Signals) -> str:
    """A test that sends its own process a signal."""
    return (
        "def test_graph_linked(weigh):\n"
        "    import os, signal\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "    signal.pause()\n"
    )


def outcome_of(project: Project, root: str = "staging") -> str:
    """The outcome the only bundle would have had live; it must be whole in any case."""
    (bundle,) = project.bundles(root)
    answer = verify.verify(bundle, registries=REGISTRIES)
    assert answer.verified, answer.denials
    assert answer.manifest["outcome"] == Outcome.SIMULATED
    return str(answer.manifest["would_be"])


def test_all_held_passes(held: Seen) -> None:
    """Seven guardrails that hold exit 0, sealed under their time stamp."""
    result = held.result
    assert (result.ret, outcome_of(held.project)) == (0, "PASSED")
    result.assert_outcomes(passed=ALL)
    result.stdout.fnmatch_lines(
        [
            "*marquez: SIMULATED, would have been PASSED*",
            "✓ marquez.stack-healthy *must*held*",
            f"Ledger: {ALL} held, 0 without a verdict. pytest and JUnit: {ALL} passed.",
            "evidence: dist/staging/marquez/*Z",
            "manifest: sha256 *, unsigned",
            "verify: *rehearsal verify dist/staging/marquez/*Z",
            "session:  dist/staging/reports/*Z.html",
        ]
    )


def test_must_that_broke_fails(project: Project) -> None:
    """One broken *must* is FAILED, exit 1, and the summary says what was seen."""
    project.rehearsal(seen="seen['health'] = Health({'postgresql': False}, frozenset())")
    result = project.run("-m", "marquez")
    assert (result.ret, outcome_of(project)) == (1, "FAILED")
    result.stdout.fnmatch_lines(["✗ marquez.stack-healthy *broke*unhealthy: postgresql"])


def test_empty_payload_blocks(project: Project) -> None:
    """Nothing to judge is not established: BLOCKED, exit 10, never passed."""
    project.rehearsal(seen="seen['runs'] = []")
    result = project.run("-m", "marquez")
    assert (result.ret, outcome_of(project)) == (10, "BLOCKED")
    result.stdout.fnmatch_lines(["[?] marquez.run-completed *not established*no run was listed*"])


def test_failed_step_is_an_error_and_not_established(project: Project) -> None:
    """A payload that could not be gathered makes ERRORs and verdicts, with code and hint."""
    project.rehearsal(
        seen="seen['graph'] = Unseen(errors.SystemRefused('it said 500', hint='Look.'))"
    )
    result = project.run("-m", "marquez")
    assert (result.ret, outcome_of(project)) == (10, "BLOCKED")
    result.assert_outcomes(passed=ALL - 1, errors=1)
    result.stdout.fnmatch_lines(["[[]system-refused[]] it said 500", "*hint: Look."])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_should_that_broke_is_amber(project: Project) -> None:
    """A broken *should* shows and decides nothing."""
    project.rehearsal(seen="seen['service_log'] = LogFacts(3, ('ERROR',), 1)")
    result = project.run("-m", "marquez")
    assert (result.ret, outcome_of(project)) == (0, "PASSED")
    result.assert_outcomes(passed=ALL - 1, xfailed=1)
    result.stdout.fnmatch_lines(["✗ marquez.service-log-clean *should*broke*"])


def test_strict_lets_should_decide(project: Project) -> None:
    """Under --strict a broken *should* fails the rehearsal."""
    project.rehearsal(seen="seen['service_log'] = LogFacts(3, ('ERROR',), 1)")
    result = project.run("-m", "marquez", "--strict")
    assert (result.ret, outcome_of(project)) == (1, "FAILED")


@pytest.mark.parametrize(
    ("expires", "code", "would_be"),
    [
        pytest.param("2999-01-01", 0, "PASSED", id="in-force"),
        pytest.param("2020-01-01", 1, "FAILED", id="expired"),
    ],
)
def test_waiver_sets_aside_until_it_expires(
    project: Project, expires: str, code: int, would_be: str
) -> None:
    """A waiver takes a guardrail out of the sum, not out of the evidence; expired it does not."""
    with (project.pytester.path / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(
            '\n[[tool.rehearsals.waivers]]\nguardrail = "marquez.stack-healthy"\n'
            f'reason = "known"\nowner = "QA"\nexpires = {expires}\n'
        )
    project.rehearsal(seen="seen['health'] = Health({'postgresql': False}, frozenset())")
    result = project.run("-m", "marquez")
    assert (result.ret, outcome_of(project)) == (code, would_be)
    assert project.summary().verdicts["marquez.stack-healthy"].ruling == "broke"


def test_waiver_for_nobody_is_refused(project: Project) -> None:
    """A waiver that names no guardrail would set nothing aside: a clear error."""
    with (project.pytester.path / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(
            '\n[[tool.rehearsals.waivers]]\nguardrail = "marquez.no-such"\n'
            'reason = "known"\nowner = "QA"\nexpires = 2999-01-01\n'
        )
    result = project.run("-m", "marquez")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*[[]settings-invalid[]] a waiver for marquez.no-such*"])
    assert not project.evidence.exists()


def test_narrowed_run_never_counts(project: Project) -> None:
    """-k goes to a scratch root, INTERRUPTED, exit 2."""
    result = project.run("-m", "marquez", "-k", "run_completed")
    assert (result.ret, outcome_of(project, "scratch")) == (2, "INTERRUPTED")
    assert not project.bundles()
    result.stdout.fnmatch_lines([f"narrowed, never counts: {ALL - 1} of its guardrails*"])


def test_stop_at_first_failure_interrupts(project: Project) -> None:
    """-x leaves guardrails without a verdict: INTERRUPTED in the real root, exit 2."""
    project.rehearsal(seen="seen['health'] = Health({'postgresql': False}, frozenset())")
    result = project.run("-m", "marquez", "-x")
    assert (result.ret, outcome_of(project)) == (2, "INTERRUPTED")
    assert project.bundles()[0].name.endswith(".interrupted")


def test_skipped_guardrail_interrupts(project: Project) -> None:
    """A guardrail that is skipped has no verdict, whatever pytest thinks of it."""
    project.rehearsal("def test_graph_linked(weigh):\n    pytest.skip('not today')\n")
    result = project.run("-m", "marquez")
    assert (result.ret, outcome_of(project)) == (2, "INTERRUPTED")


def test_test_that_weighs_nothing_interrupts(project: Project) -> None:
    """A green test without a verdict does not count as one."""
    project.rehearsal("def test_graph_linked(weigh):\n    pass\n")
    result = project.run("-m", "marquez")
    assert (result.ret, outcome_of(project)) == (2, "INTERRUPTED")
    result.stdout.fnmatch_lines(["– marquez.graph-linked *no verdict*"])


def test_weighing_anothers_guardrail_is_refused(project: Project) -> None:
    """A test can only weigh the guardrail it is named after."""
    project.rehearsal(
        "def test_graph_linked(health, weigh):\n    weigh(marquez.stack_healthy(health))\n"
    )
    result = project.run("-m", "marquez")
    assert (result.ret, outcome_of(project)) == (10, "BLOCKED")
    result.stdout.fnmatch_lines(["*[[]guardrail-unknown[]] the test of marquez.graph-linked*"])


def test_fault_of_ours_is_exit_3(project: Project) -> None:
    """An exception nobody planned for is a harness fault: no verdict held, exit 3."""
    project.rehearsal("def test_graph_linked(weigh):\n    raise RuntimeError('ours')\n")
    result = project.run("-m", "marquez")
    assert (result.ret, outcome_of(project)) == (3, "BLOCKED")
    assert project.summary().verdicts["marquez.graph-linked"].ruling == "not established"


def test_fault_while_gathering_is_exit_3(project: Project) -> None:
    """So is one in a fixture: every guardrail behind it is not established."""
    project.rehearsal(seen="raise RuntimeError('ours')")
    result = project.run("-m", "marquez")
    assert (result.ret, outcome_of(project)) == (3, "BLOCKED")


def test_second_verdict_interrupts(project: Project) -> None:
    """Judging a guardrail twice in one rehearsal is never a way to a better verdict."""
    project.rehearsal(
        "def test_graph_linked(graph, refine, weigh):\n"
        "    weigh(marquez.graph_linked(LineageGraph(frozenset(), frozenset()), refine))\n"
        "    weigh(marquez.graph_linked(graph, refine))\n"
    )
    result = project.run("-m", "marquez")
    assert (result.ret, outcome_of(project)) == (2, "INTERRUPTED")


def test_other_tests_count_too(project: Project) -> None:
    """A failing self-test beside a rehearsal that held is exit 1."""
    other = project.pytester.path / "tests" / "test_other.py"
    other.write_text("def test_it():\n    assert False\n", encoding="utf-8")
    assert project.run("tests").ret == 1
    assert outcome_of(project) == "PASSED"


def test_collect_only_leaves_nothing(project: Project) -> None:
    """Collecting reserves no directory."""
    assert project.run("-m", "marquez", "--collect-only").ret == 0
    assert not project.evidence.exists()


def test_no_rehearsal_leaves_nothing(project: Project) -> None:
    """A session without a rehearsal makes no evidence and no report."""
    other = project.pytester.path / "tests" / "test_other.py"
    other.write_text("def test_it():\n    pass\n", encoding="utf-8")
    assert project.run("tests/test_other.py").ret == 0
    assert not project.evidence.exists()


def test_evidence_root_that_is_a_file(project: Project) -> None:
    """An evidence root that is a file: clear error, exit 3, the file untouched."""
    root = project.pytester.path / "root"
    root.write_text("mine", encoding="utf-8")
    # The first one says it all: pytest takes long to show ten.
    result = project.run("-m", "marquez", "--evidence-root=root", "--maxfail=1")
    assert result.ret == 3
    result.stdout.fnmatch_lines(
        ["*[[]evidence-not-writable[]]*could not be written*", "*hint: Name a folder*"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    assert root.read_text(encoding="utf-8") == "mine"


def test_disk_full_in_the_middle(project: Project) -> None:
    """A disk that refuses half-way: exit 3, said once, what was written stays and recovers."""
    project.rehearsal(
        "def test_graph_linked(graph, refine, weigh):\n"
        "    import errno\n"
        "    def full(*_):\n"
        "        raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "    from fixtures.evidence import durable\n"
        "    durable.sync = full\n"
        "    weigh(marquez.graph_linked(graph, refine))\n"
    )
    kept = durable.sync
    try:
        result = project.run("-m", "marquez")
    finally:
        durable.sync = kept
    assert result.ret == 3
    result.stdout.fnmatch_lines(
        ["*evidence is not whole*", "*[[]evidence-not-writable[]]*No space*"]
    )
    (partial,) = (project.evidence / "marquez").glob(".*.partial")
    assert (partial / "runs.json").exists()
    project.rehearsal()
    assert project.run("-m", "marquez").ret == 0
    recovered = partial.with_name(partial.name[1:].replace(".partial", ".interrupted"))
    assert verify.verify(recovered, registries=REGISTRIES).verified


def test_next_run_seals_what_a_killed_one_left(project: Project) -> None:
    """SIGKILL leaves a .partial; the next rehearsal seals it as .interrupted beside its own."""
    project.rehearsal(dying_by(signal.SIGKILL))
    assert project.fork("-m", "marquez") == -signal.SIGKILL
    project.rehearsal()
    result = project.run("-m", "marquez")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["recovered: an earlier rehearsal was killed; sealed as *"])
    killed, whole = project.bundles()
    assert killed.name.endswith(".interrupted")
    for each in (killed, whole):
        assert verify.verify(each, registries=REGISTRIES).verified


def test_sigterm_ends_in_order(project: Project) -> None:
    """SIGTERM seals the bundle as interrupted and exits 2."""
    project.rehearsal(dying_by(signal.SIGTERM))
    assert project.fork("-m", "marquez") == 2
    assert outcome_of(project) == "INTERRUPTED"
    assert "stopped by SIGTERM" in project.summary().interruptions


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["--staging"], "staging-needs-a-word", id="no-word"),
        pytest.param(["--staging", "-m", "not arc"], "staging-needs-a-word", id="unnamed"),
        pytest.param(["--staging", "-m", "marquez ("], "staging-needs-a-word", id="unreadable"),
        pytest.param(["-n", "2", "--dist", "load"], "rehearsal-not-spreadable", id="spread"),
    ],
)
def test_refused_before_it_starts(project: Project, arguments: list[str], code: str) -> None:
    """What nobody should start by accident is a usage error with code and hint, exit 4."""
    result = project.run(*arguments)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*[[]{code}[]]*", "*hint: *"])
    assert not project.evidence.exists()


def test_unconfigured_staging_is_blocked(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """--staging on an unconfigured machine: BLOCKED, exit 10, everything missing in one list."""
    real = (ROOT / "tests" / "rehearsals" / "test_marquez.py").read_text(encoding="utf-8")
    module = project.pytester.path / "tests" / "rehearsals" / "test_marquez.py"
    module.write_text(real, encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    result = project.run("-m", "marquez", "--staging")
    assert result.ret == 10
    result.stdout.fnmatch_lines(
        [
            "*[[]prerequisites-missing[]] 3 missing",
            "*- a Hotpass checkout: pass --hotpass-root PATH",
            "*- uv, *",
            "*- Docker with Compose v2: Install an engine*[[]engine-missing[]]*",
            "*marquez: BLOCKED*",
        ]
    )
    (bundle,) = project.bundles()
    answer = verify.verify(bundle, registries=REGISTRIES)
    assert answer.verified
    assert (answer.manifest["mode"], answer.manifest["outcome"]) == ("local", "BLOCKED")


def test_staging_collects_rehearsals_only(project: Project) -> None:
    """Self-tests build simulators: a live run does not even collect them."""
    other = project.pytester.path / "tests" / "test_other.py"
    other.write_text("raise RuntimeError('imported')\n", encoding="utf-8")
    result = project.run("-m", "marquez", "--staging", "tests", "--collect-only", "-q")
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"*{ALL} tests collected*"])


def test_secret_reaches_no_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret of the environment stands in no file below dist, wherever a test shows it."""
    secret = "kept-from-everybody-91"
    monkeypatch.setenv("STAGING_API_TOKEN", secret)
    project.rehearsal(
        "def test_graph_linked(weigh, bundle):\n"
        "    import os\n"
        "    shown = os.environ['STAGING_API_TOKEN']\n"
        "    print(shown)\n"
        "    bundle.note_deviation('2', shown)\n"
        "    assert shown == '', shown\n"
    )
    project.run("-m", "marquez")
    files = [path for path in (project.pytester.path / "dist").rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path.name for path in files if secret.encode() in path.read_bytes()]
    assert any(b"[REDACTED:v-" in path.read_bytes() for path in files)


def test_reports_agree_with_the_ledger(project: Project) -> None:
    """JUnit, the bundle's page and the session's page count what the ledger counts."""
    project.rehearsal(
        seen="seen['health'] = Health({'postgresql': False}, frozenset()); seen['runs'] = []"
    )
    project.run("-m", "marquez")
    (bundle,) = project.bundles()
    junit = (bundle / "junit.xml").read_text(encoding="utf-8")
    assert 'failures="3"' in junit
    assert 'skipped="1"' in junit
    assert f'tests="{ALL}"' in junit
    assert 'name="mode" value="dry run"' in junit
    page = (bundle / "report.html").read_text(encoding="utf-8")
    (session,) = (project.evidence / "reports").glob("*.html")
    told = f"Ledger: {ALL - 4} held, 1 broke, 3 not established, 0 without a verdict."
    for text in (page, session.read_text(encoding="utf-8")):
        assert told in text
        assert "DRY RUN" in text
        assert "unhealthy: postgresql" in text


def test_stopped_session_leaves_terminal_summary(project: Project) -> None:
    """Ctrl-C while gathering still tells where the evidence is."""
    project.rehearsal(seen="raise KeyboardInterrupt")
    result = project.run("-m", "marquez")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["evidence: dist/staging/marquez/*.interrupted"])


def test_path_after_a_blank_is_no_test_path(project: Project, tmp_path: Path) -> None:
    """An option's path that exists elsewhere does not send pytest to another root directory."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    result = project.spawn("-m", "marquez", "--evidence-root", str(elsewhere))
    assert result.ret == 0
    assert len(list((elsewhere / "marquez").glob("*Z"))) == 1
    result.stdout.fnmatch_lines(["evidence: *elsewhere/marquez/*Z"])


def test_path_after_a_blank_in_a_call_is_refused(project: Project, tmp_path: Path) -> None:
    """Called from Python, where starting over is not ours: a clear error with code and hint."""
    result = project.run("-m", "marquez", "--evidence-root", str(tmp_path))
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*[[]option-needs-equals[]]*", "*hint: Write --evidence-root=*"])


def test_words_alone_collect_rehearsals_alone(project: Project) -> None:
    """`-m marquez` imports no self-test: a plain install lacks what those need."""
    other = project.pytester.path / "tests" / "test_other.py"
    other.write_text("import a_package_nobody_has\n", encoding="utf-8")
    assert project.run("-m", "marquez", "tests").ret == 0
    assert project.run("-m", "not arc", "tests").ret == 2


def test_too_short_a_secret_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret setting that would blank the evidence is wrong usage, before anything starts."""
    monkeypatch.setenv("REHEARSAL_SECRETS__X", "abc")
    result = project.run("-m", "marquez")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*[[]settings-invalid[]] the secret *x has fewer than 6*"])
    assert not project.evidence.exists()


def test_sessions_of_one_second_keep_both_reports(project: Project) -> None:
    """Two sessions that end together leave two session reports."""
    for _ in range(2):
        assert project.run("-m", "marquez").ret == 0
    assert len(list((project.evidence / "reports").glob("*.html"))) == 2


def test_no_session_report_where_none_can_be(project: Project) -> None:
    """Without pytest-html there is no session report, and all else is as ever."""
    result = project.run("-m", "marquez", "-p", "no:html")
    assert (result.ret, outcome_of(project)) == (0, "PASSED")
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    assert not (project.evidence / "reports").exists()
