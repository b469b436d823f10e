"""The people in the input: found, masked in every spelling, never printed unseen."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import openpyxl
import pytest

from fixtures.core import errors
from fixtures.core.redaction import Redactor
from fixtures.core.settings import Settings
from fixtures.procedures.e2e import tables
from fixtures.procedures.e2e.contacts import (
    OTHER,
    PLACEHOLDER,
    SHORT,
    TOO_MANY,
    Contacts,
)
from fixtures.procedures.e2e.people import spellings

CONTACT = re.compile(r"contact|e-?mail|phone", re.IGNORECASE)


def workbook(path: Path, *sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"Sheet{number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def learnt(path: Path, *, most: int = 100) -> Contacts:
    contacts = Contacts(redactor=Redactor(), most=most)
    contacts.learn(tables.read(path, contact=CONTACT))
    return contacts


def test_every_contact_column_of_every_sheet(tmp_path: Path) -> None:
    """Headings of any case, sheets of any number; other columns are nobody's business."""
    path = workbook(
        tmp_path / "a.xlsx",
        [["Club", "Contact Person", "E-Mail"], ["Aero Club", "Ada Byron", "Ada@Example.org"]],
        [["School", "PHONE"], ["Flight School", "+44 (1632) 960-007"]],
    )
    redactor = (contacts := learnt(path)).redactor
    said = "Ada Byron of Aero Club, ada@example.org, +441632960007 or +44 (1632) 960-007"
    masked = redactor.mask_text(said)
    assert "Aero Club" in masked
    for value in ("Ada", "Byron", "example.org", "960007", "960-007"):
        assert value not in masked
    assert contacts.columns == 3


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("2026-11-22T09:12:10Z", OTHER),
        ("2026-11-22 09:12:10", OTHER),
        ("0.8533333333", OTHER),
        ("20261122T091210Z", OTHER),
        ("please call after 5 pm", OTHER),
        ("Ada", SHORT),
        ("not known", PLACEHOLDER),
        ("n/a none", PLACEHOLDER),
        ("Reception", OTHER),
    ],
)
def test_word_everybody_uses_is_left_and_counted(tmp_path: Path, cell: str, why: str) -> None:
    """Masking it would blank the evidence and hide nobody; how many were left out is told."""
    contacts = learnt(workbook(tmp_path / "a.xlsx", [["Contact"], [cell], [cell]]))
    assert contacts.left_out == {why: 2}
    assert contacts.redactor.mask_text(f"said {cell} twice") == f"said {cell} twice"


def test_words_of_the_commands_own_are_no_names(tmp_path: Path) -> None:
    """Of a workbook the commands made, only addresses and numbers: a status is nobody."""
    path = workbook(
        tmp_path / "refined.xlsx",
        [["contact_status", "contact_email"], ["Generic Business", "new@example.org"]],
    )
    contacts = Contacts(redactor=Redactor(), most=100)
    contacts.learn(tables.read(path, contact=CONTACT), names=False)
    masked = contacts.redactor.mask_text("Loaded profile: Generic Business for new@example.org")
    assert masked.startswith("Loaded profile: Generic Business for [REDACTED:v-")
    assert contacts.left_out == {}


def test_number_kept_as_a_number_is_masked(tmp_path: Path) -> None:
    """A spreadsheet makes 441632960007 of a number without a plus sign."""
    contacts = learnt(workbook(tmp_path / "a.xlsx", [["Phone"], [441632960007.0]]))
    assert "960007" not in contacts.redactor.mask_text("call +441632960007")


def test_more_values_than_are_looked_for_are_counted(tmp_path: Path) -> None:
    """Beyond the limit nothing is registered, and the account says how many."""
    rows: list[list[object]] = [["E-Mail"]]
    rows += [[f"person{n}@example.org"] for n in range(9)]
    contacts = learnt(workbook(tmp_path / "a.xlsx", rows), most=4)
    assert contacts.left_out == {TOO_MANY: 5}


def test_csv_is_read_as_well(tmp_path: Path) -> None:
    """With the mark some programs put first, and blank lines left out."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfContact,Town\n\nAda Byron,York\n,,\n")
    (sheet,) = tables.read(path, contact=CONTACT)
    assert (sheet.columns, sheet.rows) == (("Contact", "Town"), 1)
    assert "Ada Byron" in sheet.contacts


@pytest.mark.parametrize("name", ["a.parquet", "a.xls", "broken.xlsx"])
def test_file_that_cannot_be_looked_into(tmp_path: Path, name: str) -> None:
    """It says so; what it holds is unknown, not absent."""
    (tmp_path / name).write_bytes(b"PK\x03\x04 of nothing")
    with pytest.raises(errors.InputsUnreadable, match=name):
        tables.read(tmp_path / name, contact=CONTACT)


def test_rows_are_counted_as_people_count_them(tmp_path: Path) -> None:
    """The heading is no row, nor is a blank one; an empty sheet is no sheet."""
    path = workbook(
        tmp_path / "a.xlsx",
        [[None, None], ["Name", "Founded"], ["A", datetime.date(1990, 1, 1)], [None, " "], ["B"]],
        [],
    )
    (sheet,) = tables.read(path, contact=CONTACT)
    assert (sheet.columns, sheet.rows) == (("Name", "Founded"), 2)


def test_tallies_and_blanks(tmp_path: Path) -> None:
    """Values of few kinds are counted; of too many only the first kinds are."""
    rows: list[list[object]] = [["source", "id"], ["x", 0], ["x", 1], [None, 2]]
    rows += [["y", n] for n in range(3, 40)]
    path = workbook(tmp_path / "a.xlsx", rows)
    (sheet,) = tables.read(path, contact=CONTACT, tally=["source", "id"])
    assert sheet.tallies["source"] == {"x": 2, "y": 37}
    assert sheet.blank == {"source": 1}
    assert sum(sheet.tallies["id"].values()) == tables.MOST_VALUES < sheet.rows


def test_spellings_of_a_name_and_a_short_number() -> None:
    """A number of few digits has no form without its signs: digests would match it by chance."""
    assert list(spellings("Ada  Byron")) == ["Ada  Byron", "Ada Byron"]
    assert list(spellings("960-0071")) == ["960-0071"]
    assert list(spellings("+44 1632 960-007")) == [
        "+44 1632 960-007",
        "441632960007",
        "632960007",
    ]


def test_contact_columns_of_the_settings_find_the_synthetic_ones(
    known: Settings, inputs: Path
) -> None:
    """The expression in force finds contact, e-mail and telephone, however headed."""
    sign = re.compile(known.words.e2e.contact_columns, re.IGNORECASE)
    found = [
        sheet.contact_columns
        for path in sorted(inputs.iterdir())
        for sheet in tables.read(path, contact=sign)
    ]
    assert found == [3, 3]
