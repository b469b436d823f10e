"""``hotpass qa``: each check can fail, and what it leaves says what it found."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

if TYPE_CHECKING:
    from tests.harness.simulators.hotpass.conftest import Bench

ALL = [
    "CLI Integrity",
    "Fitness Functions",
    "Data Quality",
    "Profile Validation",
    "Contract Checks",
    "Documentation Checks",
]


@pytest.fixture
def refined(bench: Bench, results: Path) -> Bench:
    """A bench with what ``refine --archive`` and ``enrich`` make of its inputs."""
    shutil.copytree(results, bench.workspace / "dist")
    return bench


def change(path: str, edit: Callable[[Any], None]) -> Callable[[], None]:
    def apply() -> None:
        book = openpyxl.load_workbook(path)
        edit(book)
        book.save(path)

    return apply


def write(path: str, text: str) -> Callable[[], None]:
    def apply() -> None:
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(text)

    return apply


def cut_archive() -> None:
    (path,) = Path("dist").glob("*.zip")
    path.write_bytes(path.read_bytes()[:100])


def forge_archive() -> None:
    (path,) = Path("dist").glob("*.zip")
    with zipfile.ZipFile(path) as packed:
        sums = packed.read("SHA256SUMS")
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("refined.xlsx", b"another workbook")
        packed.writestr("SHA256SUMS", sums)


def test_all_runs_six_checks(refined: Bench) -> None:
    """The six of the real command, in its order, with the last line for a log."""
    outcome = refined.run("qa", "all")
    assert outcome.code == 0
    assert "QA Check Results" in outcome.out
    assert outcome.out.splitlines()[-1] == "✓ All QA checks passed"
    rows = [line for line in outcome.out.splitlines() if "passed │" in line]
    assert [row.split("│")[1].strip() for row in rows] == ALL


def test_messages_count_what_was_read(refined: Bench) -> None:
    """Rows, workbooks and archives are those that are there."""
    gates = refined.run("qa", "--log-format", "json").events["qa.completed"]["gates"]
    told = {gate["name"]: gate["message"] for gate in gates}
    assert told["Data Quality"] == "4 file(s) read: 48 input rows, 2 workbook(s) under dist"
    assert told["Fitness Functions"] == "1 archive(s) match their checksums"
    assert told["Contract Checks"] == "2 workbook(s) keep the contract"


@pytest.mark.parametrize(
    ("target", "spoil", "complaint"),
    [
        pytest.param("fitness", cut_archive, "cannot be read as an archive", id="cut-archive"),
        pytest.param("fitness", forge_archive, "not what the checksum says", id="forged-archive"),
        pytest.param(
            "data-quality", write("data/zz.xlsx", "no zip"), "cannot be read", id="bad-input"
        ),
        pytest.param(
            "data-quality",
            change("dist/refined.xlsx", lambda book: book["Data"].delete_rows(5)),
            "42 rows, but Summary says 43",
            id="row-gone",
        ),
        pytest.param(
            "contracts",
            change("dist/refined.xlsx", lambda book: book["Data"].delete_cols(2)),
            "columns are organisation, contact",
            id="column-gone",
        ),
        pytest.param(
            "contracts",
            change("dist/refined.xlsx", lambda book: book["Data"].cell(2, 5, value=False)),
            "row 2 contradicts itself",
            id="e-mail-mislabelled",
        ),
        pytest.param(
            "docs", write("docs/a.md", "see [b](b.md)\n"), "b.md is not there", id="dead-link"
        ),
        pytest.param(
            "ta",
            change("dist/enriched.xlsx", lambda book: book["Data"].delete_cols(10)),
            "provenance is incomplete",
            id="no-timestamp",
        ),
        pytest.param(
            "ta", write("prefect/backfill.yaml", "id: ["), "read as a manifest", id="manifest"
        ),
        pytest.param(
            "ta",
            write("prefect/backfill.yaml", "{id: backfill, name: n, flow: f}"),
            "no concurrency_limit with a concurrency_key",
            id="no-limit",
        ),
    ],
)
def test_each_check_can_fail(
    refined: Bench, target: str, spoil: Callable[[], None], complaint: str
) -> None:
    """One thing spoilt, one check failed, exit 1."""
    assert refined.run("qa", target).code == 0
    spoil()
    outcome = refined.run("qa", target)
    assert outcome.code == 1
    assert "FAILED" in outcome.out
    assert complaint in outcome.out
    assert outcome.out.splitlines()[-1] == "✗ Some QA checks failed"


def test_data_quality_leaves_its_files(refined: Bench) -> None:
    """A summary and data docs under a stamp, and the same summary as the latest."""
    assert refined.run("qa", "all").code == 0
    home = refined.workspace / "dist/quality-gates/qg2-data-quality"
    (stamped,) = (path for path in home.iterdir() if path.is_dir())
    summary = json.loads((stamped / "summary.json").read_text())
    assert summary["passed"] is True
    assert summary["run"] == stamped.name
    assert (stamped / "data-docs/index.html").is_file()
    assert json.loads((home / "latest.json").read_text()) == summary


def test_acceptance_leaves_its_files(refined: Bench) -> None:
    """The report has the real keys, and every run adds a line to the history."""
    assert refined.run("qa", "ta").code == refined.run("qa", "ta").code == 0
    home = refined.workspace / "dist/quality-gates"
    latest = json.loads((home / "latest-ta.json").read_text())
    history = [json.loads(line) for line in (home / "history.ndjson").read_text().splitlines()]
    assert len(history) == 2
    assert history[-1] == latest
    assert latest.keys() == {"timestamp", "gates", "summary", "artifact_path"}
    assert [gate["id"] for gate in latest["gates"]] == [f"QG-{place}" for place in range(1, 7)]
    assert latest["gates"][0].keys() == {"id", "name", "passed", "message", "duration_seconds"}
    assert latest["summary"] == {"total": 6, "passed": 6, "failed": 0, "all_passed": True}
    assert latest["artifact_path"] == "dist/quality-gates/latest-ta.json"


def test_acceptance_confirms_no_manifest_that_is_absent(bench: Bench) -> None:
    """The run-book says it confirms the settings: without a manifest nothing is confirmed."""
    for path in (bench.workspace / "prefect").rglob("*backfill*"):
        path.unlink()
    outcome = bench.run("qa", "ta")
    assert outcome.code == 1
    assert "nothing confirmed" in outcome.out


def test_nothing_there_is_said(bench: Bench) -> None:
    """An empty directory passes as the real checks do, and the words do not hide it."""
    for path in (bench.workspace / "data").iterdir():
        path.unlink()
    outcome = bench.run("qa", "all")
    assert outcome.code == 0
    assert outcome.out.count("nothing to check: 0 ") == 4


def test_documented_options_have_an_effect(bench: Bench) -> None:
    """``--output`` holds the results, and the Prefect profile is named in them."""
    argv = ("qa", "cli", "--output", "q/qa.json", "--prefect-profile", "staging", "--verbose")
    outcome = bench.run(*argv)
    body = json.loads((bench.workspace / "q/qa.json").read_text())
    assert (body["target"], body["prefect_profile"]) == ("cli", "staging")
    assert body["summary"]["all_passed"] is True
    assert re.search(r"CLI Integrity: \d+\.\d{3} s", outcome.out)


def test_short_checksums_pass_as_well(bench: Bench) -> None:
    """The real archives are compared by prefix, like the name they bear."""
    assert bench.run("refine", "--archive", defects="short-checksums").code == 0
    assert bench.run("qa", "fitness").code == 0


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        pytest.param("qa-check-fails", "told to fail", id="qa-check-fails"),
        pytest.param("qa-without-python", "dns error", id="qa-without-python"),
    ],
)
def test_faults(bench: Bench, fault: str, complaint: str) -> None:
    """One check fails without a cause of its own."""
    outcome = bench.run("qa", "all", faults=fault)
    assert outcome.code == 1
    assert complaint in outcome.out
    assert outcome.out.count("FAILED") == 1


def test_wrong_checksum_is_found(bench: Bench) -> None:
    """The fault's archive is refused by the check that reads it."""
    assert bench.run("refine", "--archive", faults="wrong-checksum").code == 0
    assert bench.run("qa", "fitness").code == 1
