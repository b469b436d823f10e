"""``hotpass enrich``: no row lost, and every value accounted for."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from fixtures.simulators.hotpass import provenance

if TYPE_CHECKING:
    from tests.harness.simulators.hotpass.conftest import Bench

RUN = ("enrich", "--input", "dist/refined.xlsx", "--output", "dist/enriched.xlsx")


@pytest.fixture
def refined(bench: Bench, results: Path) -> Bench:
    """A bench with what ``refine`` makes of its inputs."""
    (bench.workspace / "dist").mkdir()
    shutil.copy(results / "refined.xlsx", bench.workspace / "dist")
    return bench


def table(path: str, sheet: str = "Data") -> list[dict[str, Any]]:
    header, *rows = openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def test_every_row_is_kept_and_accounted_for(refined: Bench) -> None:
    """The refined cells are untouched, the five columns filled, the summary copied."""
    assert refined.run(*RUN).code == 0
    before, after = table("dist/refined.xlsx"), table("dist/enriched.xlsx")
    assert [{key: row[key] for key in before[0]} for row in after] == before
    assert list(after[0]) == [*before[0], "website", *provenance.COLUMNS]
    assert all(row[name] not in (None, "") for row in after for name in provenance.COLUMNS)
    assert table("dist/enriched.xlsx", "Summary") == table("dist/refined.xlsx", "Summary")


@pytest.mark.parametrize(
    ("network", "source", "status", "words"),
    [
        pytest.param("true", "network_enrichment", "enabled", "enabled", id="on"),
        pytest.param("false", "deterministic", "disabled", "deterministic only", id="off"),
    ],
)
def test_network_is_what_was_allowed(
    refined: Bench, network: str, source: str, status: str, words: str
) -> None:
    """Words, status and source agree with ``--allow-network``; counts are those of the rows."""
    refined.monkeypatch.setenv("COLUMNS", "200")
    outcome = refined.run(*RUN, "--profile", "staging", f"--allow-network={network}")
    rows = table("dist/enriched.xlsx")
    sources = Counter(row["provenance_source"] for row in rows)
    assert {row["provenance_network_status"] for row in rows} == {status}
    assert sources.keys() == {source, "original"}
    assert all(
        (row["website"] is None) == (row["provenance_source"] == "original") for row in rows
    )
    lines = outcome.out.splitlines()
    assert lines[:3] == [
        "Loaded profile: Staging",
        "Input: dist/refined.xlsx",
        "Output: dist/enriched.xlsx",
    ]
    assert words in lines[3]
    assert lines[4:6] == [f"✓ Enriched {len(rows)} rows", "Enrichment sources:"]
    assert lines[6:] == [f"  {name}: {count}" for name, count in sorted(sources.items())]


def test_threshold_leaves_doubtful_rows_alone(refined: Bench) -> None:
    """Nothing is more certain than 1: above it every row stays as it was."""
    assert refined.run(*RUN, "--confidence-threshold", "1.1").code == 0
    assert {row["provenance_source"] for row in table("dist/enriched.xlsx")} == {"original"}


def test_provenance_can_be_left_out(refined: Bench) -> None:
    """Without it the website is the only column more."""
    assert refined.run(*RUN, "--no-provenance").code == 0
    assert list(table("dist/enriched.xlsx")[0])[-1] == "website"


def test_twice_is_not_more(refined: Bench) -> None:
    """Enriching what is enriched replaces the columns, it does not add them again."""
    assert refined.run(*RUN).code == 0
    again = ("enrich", "--input", "dist/enriched.xlsx", "--output", "dist/again.xlsx")
    assert refined.run(*again).code == 0
    assert list(table("dist/again.xlsx")[0]) == list(table("dist/enriched.xlsx")[0])


def test_words_for_programs(refined: Bench) -> None:
    """One event, counts included."""
    told = refined.run(*RUN, "--log-format", "json").events
    assert told["enrich.completed"]["rows"] == len(table("dist/enriched.xlsx"))
    assert sum(told["enrich.completed"]["sources"].values()) == told["enrich.completed"]["rows"]


def test_no_lineage_is_reported(refined: Bench) -> None:
    """As with the real command, only refinement reports."""
    assert refined.run(*RUN).code == 0
    assert refined.received == []


def test_lost_row_is_not_admitted(refined: Bench) -> None:
    """The fault leaves one row out and still counts it."""
    outcome = refined.run(*RUN, "--log-format", "json", faults="enrich-loses-row")
    assert outcome.code == 0
    kept = len(table("dist/enriched.xlsx"))
    assert kept == len(table("dist/refined.xlsx")) - 1
    assert outcome.events["enrich.completed"]["rows"] == kept + 1


@pytest.mark.parametrize(
    ("argv", "code", "complaint"),
    [
        pytest.param(["--input", "absent.xlsx", "--output", "o.xlsx"], 1, "exist", id="absent"),
        pytest.param(["--input", "data", "--output", "o.xlsx"], 1, "exist", id="a-folder"),
        pytest.param(
            ["--input", "prefect/backfill.yaml", "--output", "o.xlsx"], 1, "read", id="no-workbook"
        ),
        pytest.param([*RUN[1:4], "o.csv"], 1, ".xlsx only", id="no-xlsx"),
        pytest.param([*RUN[1:], "--allow-network=perhaps"], 2, "true or false", id="truth"),
        pytest.param([*RUN[1:], "--profile", "nobody"], 2, "'nobody' could not", id="profile"),
        pytest.param(["--input", "dist/refined.xlsx"], 2, "--output", id="no-output"),
    ],
)
def test_refusals(refined: Bench, argv: list[str], code: int, complaint: str) -> None:
    """Each refusal has its exit code, its words, and leaves no file."""
    outcome = refined.run("enrich", *argv)
    assert outcome.code == code
    assert complaint in outcome.err
    assert not list(refined.workspace.glob("o.*"))
    assert not (refined.workspace / "dist/enriched.xlsx").exists()
