"""``hotpass refine``: the files it writes and the words it says."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

Refine = Callable[..., int]


def sheet(path: Path, title: str) -> list[tuple[object, ...]]:
    book = openpyxl.load_workbook(path)
    return list(book[title].iter_rows(values_only=True))


def test_summary_accounts_for_every_row(workspace: Path, refine: Refine) -> None:
    """Rows in are rows out plus duplicates, and the Data sheet holds what Summary says."""
    assert refine() == 0
    data = sheet(workspace / "dist/refined.xlsx", "Data")[1:]
    assert sheet(workspace / "dist/refined.xlsx", "Summary") == [
        ("metric", "value"),
        ("input_rows", 48),
        ("output_rows", len(data)),
        ("duplicates_dropped", 48 - len(data)),
        ("invalid_emails", sum(row[4] is False for row in data)),
    ]


def test_counts_follow_the_rows(workspace: Path, refine: Refine) -> None:
    """One more row in, one more row out: nothing is canned."""
    (workspace / "data/more.csv").write_text("organisation,email\n=1+1,=A1\n=1+1,x@example.org\n")
    assert refine() == 0
    data = sheet(workspace / "dist/refined.xlsx", "Data")
    assert len(data) == 1 + 43 + 1
    assert data[-1] == ("=1+1", None, None, "=a1", False, None, "more.csv")


def test_text_never_becomes_a_formula(workspace: Path, refine: Refine) -> None:
    """What somebody typed as a name stays a name in the spreadsheet that opens it."""
    (workspace / "data/more.csv").write_text("organisation,email\n=1+1,=A1\n")
    assert refine() == 0
    last = list(openpyxl.load_workbook(workspace / "dist/refined.xlsx")["Data"])[-1]
    assert [cell.data_type for cell in last if cell.value] == ["s", "s", "s"]


def test_rows_without_a_name_are_all_kept(workspace: Path, refine: Refine) -> None:
    """Nobody can say that two nameless rows are the same organisation."""
    (workspace / "data/more.csv").write_text("organisation,phone\n,1\n,2\n,2\n")
    assert refine() == 0
    assert len(sheet(workspace / "dist/refined.xlsx", "Data")) == 1 + 43 + 3


def test_rows_are_tidied(workspace: Path, refine: Refine) -> None:
    """Blanks go, e-mails are lower case, telephone numbers are digits."""
    assert refine() == 0
    rows = {row[0]: row for row in sheet(workspace / "dist/refined.xlsx", "Data")}
    assert rows["EXAMPLE FLYING CLUB 03"] == (
        "EXAMPLE FLYING CLUB 03",
        "kwazulu-natal",
        "Example Contact 03",
        "club03@example.org",
        True,
        "+441632960003",
        "example-clubs.xlsx",
    )


def test_archive_holds_the_workbook_and_its_digest(workspace: Path, refine: Refine) -> None:
    """Name, members and digest agree with the workbook beside it."""
    assert refine("--dist-dir", "elsewhere") == 0
    workbook = (workspace / "dist/refined.xlsx").read_bytes()
    digest = hashlib.sha256(workbook).hexdigest()
    (archive,) = (workspace / "elsewhere").iterdir()
    assert re.fullmatch(rf"refined-data-\d{{8}}T\d{{6}}Z-{digest[:12]}\.zip", archive.name)
    with zipfile.ZipFile(archive) as packed:
        assert packed.namelist() == ["refined.xlsx", "SHA256SUMS"]
        assert packed.read("refined.xlsx") == workbook
        assert packed.read("SHA256SUMS").decode() == f"{digest}  refined.xlsx\n"


def test_without_archive_there_is_none(workspace: Path, refine: Refine) -> None:
    """``--no-archive`` leaves the workbook alone in its folder."""
    assert refine("--no-archive") == 0
    assert [path.name for path in (workspace / "dist").iterdir()] == ["refined.xlsx"]


def test_words_for_people(
    workspace: Path,
    refine: Refine,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lines a log is searched for, whole when the width allows, without colour codes."""
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert refine("--profile", "generic") == 0
    out = capsys.readouterr().out
    (archive,) = (workspace / "dist").glob("*.zip")
    assert "\x1b" not in out
    assert out.splitlines()[-3:] == [
        "✓ Pipeline completed successfully!",
        "Refined data written to: dist/refined.xlsx",
        f"Archive created: {archive}",
    ]


def test_words_are_never_broken(
    workspace: Path, refine: Refine, capsys: pytest.CaptureFixture[str]
) -> None:
    """Off a terminal a path stays whole, unless COLUMNS asks for less."""
    far = "x" * 90
    assert refine("--dist-dir", far) == 0
    assert far in capsys.readouterr().out


def test_width_is_what_columns_says(
    workspace: Path,
    refine: Refine,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """COLUMNS is obeyed."""
    monkeypatch.setenv("COLUMNS", "60")
    assert refine("--dist-dir", "x" * 90) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) == 60


def test_words_for_programs(
    workspace: Path, refine: Refine, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--log-format json`` prints nothing but NDJSON."""
    assert refine("--log-format", "json", "--report-path", "dist/report.html") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (archive,) = (workspace / "dist").glob("*.zip")
    assert [event["event"] for event in events] == [
        "pipeline.summary",
        "report.write",
        "archive.created",
    ]
    assert events[0]["data"]["input_rows"] == 48
    assert events[1]["data"] == {"path": "dist/report.html", "format": "html"}
    assert events[2]["data"] == {"path": str(archive)}


@pytest.mark.parametrize(
    ("arguments", "opening"),
    [
        pytest.param(["--report-path", "r.md"], "# Quality", id="markdown"),
        pytest.param(["--report-path", "r.md", "--report-format", "html"], "<!doc", id="html"),
    ],
)
def test_report_has_the_format_asked_for(
    workspace: Path, refine: Refine, arguments: list[str], opening: str
) -> None:
    """The option wins over the file's ending, and the counts are in it."""
    assert refine(*arguments) == 0
    text = (workspace / "r.md").read_text()
    assert text.startswith(opening)
    assert "duplicates_dropped" in text


def test_a_failure_leaves_nothing_behind(workspace: Path, refine: Refine) -> None:
    """Where the workbook cannot be put, no half of it stays either."""
    (workspace / "dist/refined.xlsx").mkdir(parents=True)
    assert refine() == 1
    assert [path.name for path in (workspace / "dist").rglob("*")] == ["refined.xlsx"]
