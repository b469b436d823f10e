"""``hotpass overview``: what it names is what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.simulators.hotpass import VERSION, cli

if TYPE_CHECKING:
    from tests.harness.simulators.hotpass.conftest import Bench


def test_names_everything_there_is(bench: Bench) -> None:
    """Every verb, every profile, every input and every workbook, from the files themselves."""
    assert bench.run("refine").code == 0
    told = bench.run("overview", "--log-format", "json").events["overview"]
    assert told == {
        "version": VERSION,
        "verbs": ["overview", "refine", "enrich", "qa", "deploy"],
        "profiles": ["aviation", "generic", "staging", "test"],
        "inputs": ["data/example-clubs.xlsx", "data/example-schools.xlsx"],
        "workbooks": ["dist/refined.xlsx"],
    }


def test_people_read_the_same(bench: Bench) -> None:
    """Panels and a table hold what the event holds."""
    out = bench.run("overview").out
    assert "╭" in out
    assert "┏" in out
    words = [*(verb.name for verb in cli.VERBS), "staging", "data/example-clubs.xlsx", VERSION]
    assert all(word in out for word in words)


def test_writes_and_reports_nothing(bench: Bench) -> None:
    """Not a file, not an event: looking changes nothing."""
    before = sorted(bench.workspace.rglob("*"))
    assert bench.run("overview").code == 0
    assert sorted(bench.workspace.rglob("*")) == before
    assert bench.received == []


def test_empty_directory_says_so(bench: Bench) -> None:
    """Where there is nothing, nothing is what it says."""
    for path in (bench.workspace / "data").iterdir():
        path.unlink()
    outcome = bench.run("overview")
    assert outcome.code == 0
    assert "no input in data" in outcome.out
    assert "no workbook under dist" in outcome.out
