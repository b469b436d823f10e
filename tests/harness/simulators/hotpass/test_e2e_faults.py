"""Switches made for the preflight: what each does to files, words and exit codes."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pytest

from fixtures.simulators.hotpass import faults

if TYPE_CHECKING:
    from tests.harness.simulators.hotpass.conftest import Bench


def rows_in(path: str) -> int:
    return len(list(openpyxl.load_workbook(path)["Data"].iter_rows())) - 1


@pytest.mark.parametrize(("fault", "rows"), [("loses-rows", 40), ("empty-workbook", 0)])
def test_rows_go_without_a_word(bench: Bench, fault: str, rows: int) -> None:
    """Success is claimed, and so are as many duplicates as ever."""
    outcome = bench.run("refine", faults=fault)
    assert outcome.code == 0
    assert rows_in("dist/refined.xlsx") == rows
    assert "│ duplicates_dropped │     5 │" in outcome.out


def test_archive_without_sums(bench: Bench) -> None:
    """Only the list is missing."""
    assert bench.run("refine", "--archive", faults="archive-without-sums").code == 0
    (archive,) = Path("dist").glob("*.zip")
    assert zipfile.ZipFile(archive).namelist() == ["refined.xlsx"]


def test_enrichment_without_provenance(bench: Bench, results: Path) -> None:
    """Every row is there, and not one says where it comes from."""
    argv = ("enrich", "--input", str(results / "refined.xlsx"), "--output", "out.xlsx")
    assert bench.run(*argv, faults="enrich-lacks-provenance").code == 0
    heading = [cell.value for cell in next(openpyxl.load_workbook("out.xlsx")["Data"].iter_rows())]
    assert heading[-1] == "website"


def test_enrichment_loses_a_column(bench: Bench, results: Path) -> None:
    """The telephone numbers, heading and all."""
    argv = ("enrich", "--input", str(results / "refined.xlsx"), "--output", "out.xlsx")
    assert bench.run(*argv, faults="enrich-loses-column").code == 0
    heading = [cell.value for cell in next(openpyxl.load_workbook("out.xlsx")["Data"].iter_rows())]
    assert "phone" not in heading
    assert heading[-1] == "provenance_network_status"


def test_enrichment_prints_contacts(bench: Bench, results: Path) -> None:
    """Name, address and number of three rows."""
    argv = ("enrich", "--input", str(results / "refined.xlsx"), "--output", "out.xlsx")
    outcome = bench.run(*argv, faults="enrich-prints-contacts")
    assert outcome.out.count("Enriching Example Contact ") == 3
    assert outcome.out.count("@example.org>, +44") == 3


def test_enrichment_leaves_an_old_workbook(bench: Bench, results: Path) -> None:
    """Success over what lay there before."""
    Path("out.xlsx").write_bytes(b"old")
    argv = ("enrich", "--input", str(results / "refined.xlsx"), "--output", "out.xlsx")
    assert bench.run(*argv, faults="enrich-stale").code == 0
    assert Path("out.xlsx").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("fault", "code", "last_row", "last_line"),
    [
        ("qa-calls-it-passed", 0, "FAILED", "✓ All QA checks passed"),
        ("qa-check-skipped", 0, "skipped", "✓ All QA checks passed"),
        ("qa-leaves-one-out", 0, "passed", "✓ All QA checks passed"),
    ],
)
def test_qa_lies(bench: Bench, fault: str, code: int, last_row: str, last_line: str) -> None:
    """The table says one thing and the last line another."""
    outcome = bench.run("qa", "all", faults=fault)
    assert outcome.code == code
    rows = [line for line in outcome.out.splitlines() if line.startswith("│")]
    assert last_row in rows[-1]
    assert outcome.out.splitlines()[-1] == last_line
    assert len(rows) == (5 if fault == "qa-leaves-one-out" else 6)


def test_qa_hangs_before_its_first_check(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It falls silent where somebody waits for it."""
    monkeypatch.setattr(faults, "hang", lambda: (_ for _ in ()).throw(TimeoutError))
    with pytest.raises(TimeoutError):
        bench.run("qa", "all", faults="qa-hangs")


def test_overview_says_nothing(bench: Bench) -> None:
    """Not a line on stdout, and exit code 0."""
    outcome = bench.run("overview", faults="overview-silent")
    assert (outcome.code, outcome.out) == (0, "")


class Counting(io.RawIOBase):
    """Counts what it is given."""

    size_bytes = 0
    largest_bytes = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: object) -> int:
        """Count a piece."""
        size = len(bytes(data))  # type: ignore[call-overload]  # a buffer
        self.size_bytes += size
        self.largest_bytes = max(self.largest_bytes, size)
        return size


def test_flood_is_as_large_as_asked_and_never_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gigabyte unless told otherwise, a piece at a time."""
    counting = Counting()
    stream = io.TextIOWrapper(counting, write_through=True)  # type: ignore[type-var]  # raw will do
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv(faults.FLOOD_VARIABLE, "3000000")
    faults.flood()
    assert counting.size_bytes == 3_000_001
    assert counting.largest_bytes < 100_000


def test_garble_is_no_utf8_and_draws_over_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lone bytes, and five states of one bar."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, write_through=True))
    faults.garble()
    said = raw.getvalue()
    assert said.count(b"\r") == 5
    with pytest.raises(UnicodeDecodeError):
        said.decode()
