"""The synthetic inputs: made up, untidy, and the same bytes every time."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from fixtures.simulators.hotpass import rows, tables
from fixtures.simulators.hotpass.inputs import write_synthetic_inputs


def test_two_writes_give_equal_bytes(tmp_path: Path) -> None:
    """Neither clock nor folder leaves a trace in a workbook."""
    first = write_synthetic_inputs(tmp_path / "one")
    second = write_synthetic_inputs(tmp_path / "two")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_no_workbook_knows_when_it_was_written(tmp_path: Path) -> None:
    """Time of creation, time of change and every member's date are the constant."""
    for path in write_synthetic_inputs(tmp_path):
        with zipfile.ZipFile(path) as packed:
            properties = packed.read("docProps/core.xml").decode()
            dates = {member.date_time for member in packed.infolist()}
        assert properties.count("2025-01-01T00:00:00Z") == 2
        assert dates == {(2025, 1, 1, 0, 0, 0)}


def test_two_workbooks_of_twenty_four_rows(tmp_path: Path) -> None:
    """Small enough for seconds, large enough for counts that differ."""
    made = tables.read_tables(write_synthetic_inputs(tmp_path))
    assert [len(table.records) for table in made] == [24, 24]


def test_documented_counts_are_true(tmp_path: Path) -> None:
    """What the docstring of the writer promises is what refining finds."""
    refined = rows.refine(tables.read_tables(write_synthetic_inputs(tmp_path)))
    assert refined.counts == {
        "input_rows": 48,
        "output_rows": 43,
        "duplicates_dropped": 5,
        "invalid_emails": 3,
    }


def test_nobody_real_is_in_them(tmp_path: Path) -> None:
    """Every address ends in a reserved domain, every number is one kept for drama."""
    refined = rows.refine(tables.read_tables(write_synthetic_inputs(tmp_path)))
    for row in refined.organisations:
        assert row.organisation.startswith("Example ") or row.organisation.startswith("EXAMPLE ")
        assert not row.email_valid or row.email.endswith("@example.org")
        assert re.fullmatch(r"\+?441632960\d{3}|", row.phone)
