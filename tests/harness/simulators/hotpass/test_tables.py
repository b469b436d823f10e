"""Finding and reading input files: what counts, and what is refused by name."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from fixtures.simulators.hotpass import tables, workbooks
from fixtures.simulators.hotpass.verbs import CommandError

NOW = datetime(2025, 11, 22, tzinfo=UTC)

UNREADABLE = "cannot be read as a workbook"


def book(path: Path, *rows: tuple[workbooks.Value, ...]) -> Path:
    path.write_bytes(workbooks.render({"Sheet1": rows}, stamp=NOW))
    return path


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        pytest.param("a.xlsx", b"not a zip file", UNREADABLE, id="corrupt"),
        pytest.param("a.xlsx", b"", UNREADABLE, id="no-bytes"),
        pytest.param("a.xls", b"\xd0\xcf\x11\xe0", UNREADABLE, id="old-format"),
        pytest.param("a.csv", b"\xff\xfe\x00", UNREADABLE, id="csv-not-utf-8"),
        pytest.param("a.csv", b"", "no header row", id="csv-empty"),
        pytest.param("a.csv", b"organisation,phone\n", "no data rows", id="csv-heading-only"),
        pytest.param("a.csv", b"1,2\n3,4\n", "organisation column", id="csv-without-heading"),
    ],
)
def test_unusable_file_is_refused_by_name(
    tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    """The message names the file and what is wrong with it."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CommandError, match=complaint) as caught:
        tables.read_table(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        pytest.param([], "no header row", id="nothing"),
        pytest.param([("", " ")], "no header row", id="blanks"),
        pytest.param([("Organisation", "Phone")], "no data rows", id="heading-only"),
        pytest.param([("Organisation",), ("",), (None,)], "no data rows", id="blank-rows"),
        pytest.param([(), ("Example Club 01", "1")], "organisation column", id="first-row-blank"),
        pytest.param([("Example 01", "1")] * 2, "organisation column", id="data-only"),
    ],
)
def test_workbook_without_content_is_refused(
    tmp_path: Path, rows: list[tuple[workbooks.Value, ...]], complaint: str
) -> None:
    """A workbook that gives no row is an error, never an empty success."""
    with pytest.raises(CommandError, match=complaint):
        tables.read_table(book(tmp_path / "a.xlsx", *rows))


def test_complaint_quotes_no_cell(tmp_path: Path) -> None:
    """Without a header, the first row may be somebody's details."""
    with pytest.raises(CommandError) as caught:
        tables.read_table(book(tmp_path / "a.xlsx", ("Example Person", "+441632960001")))
    assert "Person" not in str(caught.value)


def test_all_sheets_are_read(tmp_path: Path) -> None:
    """Rows of the second sheet count; a sheet without a cell does not disturb."""
    path = tmp_path / "a.xlsx"
    heading = ("Organisation", "Phone")
    sheets: workbooks.Sheets = {
        "one": [heading, ("A", "1")],
        "blank": [],
        "two": [heading, ("B", "2")],
    }
    path.write_bytes(workbooks.render(sheets, stamp=NOW))
    assert [record["organisation"] for record in tables.read_table(path).records] == ["A", "B"]


def test_recorded_dimensions_are_not_believed(tmp_path: Path) -> None:
    """A workbook that claims to be one column wide is read to its last column."""
    plain = openpyxl.Workbook()
    for row in (("Organisation", "Phone"), ("Example", "1")):
        plain.worksheets[0].append(row)
    plain.save(tmp_path / "plain.xlsx")
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(tmp_path / "plain.xlsx") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b'ref="A1:B2"', b'ref="A1:A1"'))
    assert tables.read_table(path).records[0]["phone"] == "1"


def test_headings_are_found_by_meaning(tmp_path: Path) -> None:
    """Case, blanks and order of the headings do not matter; a number stays whole."""
    path = book(
        tmp_path / "a.xlsx",
        ("Contact Email", " PHONE", "School Name", "Contact Person"),
        ("a@example.org", 441632960001.0, "Example School", "Example Contact"),
    )
    assert tables.read_table(path).records == [
        {
            "organisation": "Example School",
            "province": "",
            "contact": "Example Contact",
            "email": "a@example.org",
            "phone": "441632960001",
        }
    ]


def test_parquet_is_an_input_without_rows(tmp_path: Path) -> None:
    """Like the real command's lineage, the list holds files nobody reads."""
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    (tmp_path / "notes.txt").write_text("no input")
    (tmp_path / "b.csv").write_text("organisation\nExample\n")
    book(tmp_path / "c.xlsx", ("organisation",), ("Example",))
    found = tables.find_inputs(tmp_path)
    assert [path.name for path in found] == ["a.parquet", "b.csv", "c.xlsx"]
    assert [table.source for table in tables.read_tables(found)] == ["b.csv", "c.xlsx"]


def no_excel(folder: Path) -> Path:
    (folder / "only.csv").write_text("organisation\nExample\n")
    (folder / "folder.xlsx").mkdir()
    return folder


def a_file(folder: Path) -> Path:
    path = folder / "file"
    path.touch()
    return path


@pytest.mark.parametrize(
    ("prepare", "complaint"),
    [
        pytest.param(lambda folder: folder / "absent", "does not exist", id="missing"),
        pytest.param(a_file, "is not a directory", id="a-file"),
        pytest.param(no_excel, "No Excel files", id="csv-and-folder-only"),
        pytest.param(lambda folder: folder, "No Excel files", id="empty"),
    ],
)
def test_unusable_folder_is_refused(
    tmp_path: Path, prepare: Callable[[Path], Path], complaint: str
) -> None:
    """Whatever is no folder with an Excel file is refused, by its path."""
    folder = prepare(tmp_path)
    with pytest.raises(CommandError, match=complaint) as caught:
        tables.find_inputs(folder)
    assert str(folder) in str(caught.value)


def test_unreadable_folder_is_not_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A permission that is missing is said so."""

    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(CommandError, match="cannot be read"):
        tables.find_inputs(tmp_path)
