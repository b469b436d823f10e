"""Nothing pytest prints or writes holds a registered secret, wherever a test shows it."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.core.redaction import encodings
from fixtures.evidence import reconcile, scan

if TYPE_CHECKING:
    from tests.harness.plugins.conftest import Project, Seen

SECRET = "p@ss w0rd/\"q'+é%x<&>kept-from-everybody"
LEAKY = (Path(__file__).parent / "leaky.py.txt").read_text(encoding="utf-8")
SPY = """
def told(*what):
    with open("spy.txt", "a", encoding="utf-8") as file:
        print(*what, file=file)

def pytest_runtest_logreport(report):
    told(report.longreprtext, vars(report))

def pytest_collectreport(report):
    told(report.longreprtext, report.sections)

def pytest_warning_recorded(warning_message, nodeid):
    told(warning_message, warning_message.message.args, nodeid)
"""
"""Any other plugin: what it is handed, it may write down."""
GUARDRAIL = """
def test_graph_linked(weigh, bundle, subtests):
    import os, warnings
    shown = os.environ["REHEARSAL_SECRETS__X"]
    print(shown)
    warnings.warn(shown)
    bundle.note_deviation("2", shown)
    assert shown == "", shown
"""


def leaks(project: Project, shown: str) -> list[str]:
    """Where the secret stands, in any encoding: files the session wrote, or what it printed."""
    variants = encodings(SECRET)
    root = project.pytester.path
    written = [
        path
        for path in root.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc", ".toml")
    ]
    assert len(written) > 10
    texts = {str(path.relative_to(root)): path.read_bytes() for path in written}
    texts["the terminal"] = shown.encode()
    for name, data in list(texts.items()):
        if name.endswith(".html"):
            texts[f"{name}, its rows"] = json.dumps(
                rows(data.decode()), ensure_ascii=False
            ).encode()
        texts[f"{name}, without entities"] = html.unescape(
            data.decode("utf-8", "replace")
        ).encode()
    return [
        f"{name}: …{data[max(0, at - 60) : at + 60]!r}"
        for name, data in texts.items()
        for variant in variants
        if (at := data.find(variant)) >= 0
    ]


def rows(page: str) -> dict[str, Any]:
    """What a page of pytest-html keeps for its script to show; empty for other pages."""
    blob = re.search(r'data-jsonblob="([^"]*)"', page)
    return json.loads(html.unescape(blob[1])) if blob else {}


class Tags(HTMLParser):
    """Every element of a piece of HTML, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the base's
        """Note a tag."""
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.text += data


@pytest.mark.parametrize(
    "workers",
    [pytest.param([], id="one-process"), pytest.param(["-n", "1"], id="worker")],
)
def test_secret_reaches_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, workers: list[str]
) -> None:
    """Printed, raised, compared, warned, in an id, a message, a reason: masked everywhere."""
    monkeypatch.setenv("REHEARSAL_SECRETS__X", SECRET)
    project.rehearsal(GUARDRAIL)
    tests = project.pytester.path / "tests"
    (tests / "test_leaky.py").write_text(LEAKY, encoding="utf-8")
    (tests / "test_broken.py").write_text(
        "import os\nraise RuntimeError(os.environ['REHEARSAL_SECRETS__X'])\n", encoding="utf-8"
    )
    (project.pytester.path / "spy.py").write_text(SPY, encoding="utf-8")
    # With pytest's own cache: what it keeps is looked through as well.
    result = project.run(
        *("-p", "spy", "-p", "cacheprovider", "tests", "-rA", "-vv", "--showlocals"),
        *("--continue-on-collection-errors", "--color=yes"),
        *("--junitxml=out/junit.xml", "--html=out/page.html", "--log-file=out/log.txt"),
        *("-o", "junit_logging=all", *workers),
    )
    assert result.ret == 3
    shown = "\n".join([*result.outlines, *result.errlines])
    assert "INTERNALERROR" not in shown
    assert leaks(project, shown) == []

    masked = re.compile(rb"\[REDACTED:v-\d+\]")
    page = (project.pytester.path / "out" / "page.html").read_bytes()
    junit = (project.pytester.path / "out" / "junit.xml").read_bytes()
    (bundle,) = project.bundles()
    for text in (page, junit, shown.encode(), (bundle / "junit.xml").read_bytes()):
        assert masked.search(text)
    # Masked, and not lost: every test is still told apart.
    cases = [reconcile.address_of(each)[1] for each in reconcile.read(junit).iter("testcase")]
    parameters = [each for each in cases if each.startswith("test_parameter[")]
    assert len(set(parameters)) == len(parameters) == 4
    assert not project.pytester.path.joinpath("dist", "scratch").exists()


TWICE = """
def test_graph_linked(weigh, bundle):
    import base64, os
    raw = os.environ["REHEARSAL_SECRETS__X"].encode()
    shown = base64.b64encode(base64.b64encode(raw)).decode()
    print("shown", shown)
    (bundle.folder / "cli.log").open("a").write(shown)
    assert shown == "", shown
"""
QUIET = '    (bundle.folder / "cli.log").open("a").write(shown)\n'
"""Nothing but the bundle is to hold it."""


@pytest.mark.parametrize(
    "workers",
    [pytest.param([], id="one-process"), pytest.param(["-n", "1"], id="worker")],
)
def test_reports_that_leak_are_withheld(
    project: Project, monkeypatch: pytest.MonkeyPatch, workers: list[str]
) -> None:
    """What masking cannot see and the scan can is in no report either, and exits with 3."""
    monkeypatch.setenv("REHEARSAL_SECRETS__X", SECRET)
    project.rehearsal(TWICE)
    result = project.run(
        *("-m", "marquez", "--junitxml=out/junit.xml", "--html=out/page.html", *workers)
    )
    assert result.ret == 3
    (ours,) = (project.evidence / "reports").glob("*.html")
    reports = (
        ours,
        *(project.pytester.path / "out" / name for name in ("page.html", "junit.xml")),
    )
    for path in reports:
        assert scan.leaks_of(path, values=[SECRET]) == ()
        text = path.read_text(encoding="utf-8")
        assert "withheld" in text
        assert "registered in base64" in text
    (case,) = reconcile.read(reports[2].read_bytes()).iter("testcase")
    assert case.find("error") is not None
    shown = result.stdout.str()
    assert shown.count("so it was withheld") == 3
    (bundle,) = project.bundles()
    assert bundle.name.endswith(".quarantined")
    assert "its evidence could not be sealed" in shown
    assert "before it began" not in shown


def test_a_page_beside_a_quarantined_bundle_says_so(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rehearsal that ran to its end was not skipped: the page says it could not be sealed."""
    monkeypatch.setenv("REHEARSAL_SECRETS__X", SECRET)
    project.rehearsal(TWICE.partition("    print")[0] + QUIET)
    assert project.run("-m", "marquez").ret == 3
    (ours,) = (project.evidence / "reports").glob("*.html")
    page = ours.read_text(encoding="utf-8")
    assert "its evidence could not be sealed" in page
    assert "before it began" not in page


def test_reports_without_a_leak_stay(held: Seen) -> None:
    """A clean session's reports are left as they are."""
    assert held.result.ret == 0
    for name in ("junit.xml", "page.html"):
        assert "withheld" not in (held.project.pytester.path / "out" / name).read_text("utf-8")


@pytest.mark.parametrize("ending", ["raise KeyboardInterrupt(s)", "pytest.exit(s)"])
def test_last_words_are_masked(
    project: Project, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """What pytest writes to the terminal without a report passes through the mask as well."""
    monkeypatch.setenv("REHEARSAL_SECRETS__X", SECRET)
    project.rehearsal(
        "def test_graph_linked(weigh):\n"
        f"    import os\n    s = os.environ['REHEARSAL_SECRETS__X']\n    {ending}\n"
    )
    result = project.run("-m", "marquez")
    assert result.ret == 2
    shown = "\n".join([*result.outlines, *result.errlines])
    assert "[REDACTED:v-" in shown
    assert leaks(project, shown) == []


def test_ids_are_no_markup(project: Project) -> None:
    """Markup in a parameter's id is text in pytest-html's rows, in both pages."""
    evil = '<img src=x onerror=alert(1)>"><script>alert(2)</script>&amp;'
    project.rehearsal(
        f"@pytest.mark.parametrize('value', [{evil!r}])\ndef test_parameter(value):\n    pass\n"
    )
    assert project.run("-m", "marquez", "--html=out/page.html").ret == 0
    (ours,) = (project.evidence / "reports").glob("*.html")
    for path in (ours, project.pytester.path / "out" / "page.html"):
        page = path.read_text(encoding="utf-8")
        assert "<img" not in page.replace('<img src="" />', "")
        tests = rows(page)["tests"]
        (node,) = [each for each in tests if "test_parameter" in each]
        (row,) = tests[node]
        cells = [Tags(cell) for cell in row["resultsTableRow"]]
        assert [tag for cell in cells for tag in cell.tags] == ["td"] * 4
        assert cells[1].text == node
        assert evil in node


def test_live_output_past_the_redactor_is_refused(project: Project) -> None:
    """What would show or send a live test's output unmasked is wrong usage, exit 4."""
    for option in ("-s", "--capture=tee-sys", "--pastebin=all"):
        result = project.run("-m", "marquez", "--staging", option)
        assert result.ret == 4
        result.stderr.fnmatch_lines(["*[[]output-not-masked[]]*", "*hint: Leave it out*"])
        assert not project.evidence.exists()


def test_wrong_settings_are_told_though_ids_ask_first(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Masking an id reads the settings before anybody: what is wrong with them is still told."""
    monkeypatch.setenv("REHEARSAL_SECRETS__X", "abc")
    other = project.pytester.path / "tests" / "test_other.py"
    body = (
        "import pytest\n@pytest.mark.parametrize('a', ['b'])\ndef test_it(a):\n    assert not a\n"
    )
    other.write_text(body, encoding="utf-8")
    assert project.run("tests/test_other.py").ret == 1
    result = project.run("tests")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*[[]settings-invalid[]]*"])


@pytest.mark.parametrize(
    "hook",
    [
        "pytest_collection_modifyitems():\n    pytest.exit(S)",
        "pytest_collection_finish():\n    pytest.exit(S)",
        "pytest_report_collectionfinish():\n    return S",
        "pytest_generate_tests():\n    raise KeyboardInterrupt(S)",
    ],
)
def test_what_a_conftest_says_at_collection_is_masked(
    project: Project, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    """Nothing has been asked for a mask by then: no test was run, and no report was made."""
    monkeypatch.setenv("REHEARSAL_SECRETS__X", SECRET)
    beside = project.pytester.mkdir("beside")
    head = "import os, pytest\nS = 'bad ' + os.environ['REHEARSAL_SECRETS__X']\n"
    (beside / "conftest.py").write_text(f"{head}def {hook}\n", encoding="utf-8")
    (beside / "test_it.py").write_text("def test_it(): pass\n", encoding="utf-8")
    shown = project.run("beside").stdout.str()
    assert "bad [REDACTED" in shown
    assert SECRET not in shown
