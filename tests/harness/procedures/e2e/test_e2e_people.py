"""Whom a cell names: as people type them into a spreadsheet, several to a cell."""

from __future__ import annotations

import re
from pathlib import Path

import openpyxl
import pytest

from fixtures.core.redaction import Redactor
from fixtures.procedures.e2e import people, tables
from fixtures.procedures.e2e.contacts import Contacts

CONTACT = re.compile(r"contact|e-?mail|phone", re.IGNORECASE)


def masked(tmp_path: Path, rows: list[list[object]], said: str) -> str:
    """What a log keeps of a text, once the people of a sheet are known."""
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(tmp_path / "people.xlsx")
    contacts = Contacts(redactor=Redactor(), most=1_000)
    contacts.learn(tables.read(tmp_path / "people.xlsx", contact=CONTACT))
    return contacts.redactor.mask_text(said)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        pytest.param("a.b@x.org; c.d@x.org", "c.d@x.org", id="second-address"),
        pytest.param("a.b@x.org,c.d@x.org", "a.b@x.org", id="addresses-and-a-comma"),
        pytest.param("Ada Byron <ada@x.org>", "ada@x.org", id="address-in-brackets"),
        pytest.param("Ada Byron <ada@x.org>", "Ada Byron", id="name-before-its-address"),
        pytest.param("mailto:ada@x.org", "ada@x.org", id="link"),
        pytest.param("ada@exämple.org", "ada@exämple.org", id="letters-of-any-country"),
        pytest.param("Byron, Ada", "Byron, Ada", id="last-name-first"),
        pytest.param("Byron, Ada", "Ada Byron", id="last-name-first-turned"),
        pytest.param("Ada Byron/Grace Hopper", "Grace Hopper", id="two-names"),
        pytest.param("Ada Byron and Grace Hopper", "Ada Byron", id="two-names-and"),
        pytest.param(
            "Mrs. Ada van der Merwe de Villiers Byron",
            "Mrs. Ada van der Merwe de Villiers Byron",
            id="long-name",
        ),
        pytest.param("+27 11 555 0101 / +27 11 555 0199", "+27 11 555 0199", id="second-number"),
        pytest.param("011.555.0102", "011.555.0102", id="points-in-a-number"),
        pytest.param("011.555.0102", "0115550102", id="points-taken-out"),
        pytest.param("011 555 0103 ext 12", "011 555 0103", id="extension"),
        pytest.param("011 555 0104", "115550104", id="another-country-code"),
    ],
)
def test_each_person_of_a_cell_is_masked(tmp_path: Path, cell: str, said: str) -> None:
    """However many stand in a cell: each by itself is masked, in the forms refinement makes."""
    assert said in f"said {said} ."
    assert said not in masked(tmp_path, [["Contact"], [cell]], f"said {said} .")


@pytest.mark.parametrize(
    "cell",
    [
        "2026-11-22 09:12:10",
        "0.8533333333",
        "1.234567890",
        "Reception",
        "please ring before you come, or write a letter",
        "ask at the front desk of the club and wait",
    ],
)
def test_words_and_figures_name_nobody(cell: str) -> None:
    """A stamp, a score and a sentence stay readable, wherever they turn up."""
    assert people.found_in(cell, names=True) == ()


def test_address_outside_contact_columns_is_masked(tmp_path: Path) -> None:
    """A remark holds one as well; the words around it are left."""
    rows: list[list[object]] = [["Club", "Remarks"], ["Aero Club", "ask ada@example.org first"]]
    said = masked(tmp_path, rows, "Aero Club: ask ada@example.org first")
    assert said.startswith("Aero Club: ask [REDACTED:v-")
    assert said.endswith("] first")


def test_title_above_the_heading_hides_no_column(tmp_path: Path) -> None:
    """Contact columns are found below a title too."""
    rows: list[list[object]] = [
        ["Clubs, as of May"],
        ["Club", "Contact Person"],
        ["Aero Club", "Ada Byron"],
    ]
    assert "Ada" not in masked(tmp_path, rows, "by Ada Byron")


def test_words_of_the_commands_own_are_no_names() -> None:
    """Of a workbook the commands made only addresses and numbers count."""
    assert people.found_in("Generic Business", names=False) == ()
    assert people.found_in("Ada Byron <ada@x.org>", names=False) == ("ada@x.org",)
    assert people.found_in("011 555 0104", names=False)
