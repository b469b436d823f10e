"""What a rehearsal writes down: cli.sh, notes.md, the report's rows."""

from __future__ import annotations

import hashlib
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.core.outcome import Waiver
from fixtures.core.records.systems import Mode
from fixtures.core.verdict import Promise
from fixtures.evidence import ledger
from fixtures.evidence.sealing import digest
from fixtures.evidence.summary import Entry, Summary, fold
from fixtures.guardrails import marquez as guardrails
from fixtures.procedures import notes, report_view
from fixtures.procedures.command_sheet import CommandSheet

if TYPE_CHECKING:
    from tests.harness.procedures.conftest import Played, Staged

EVERY = sum(not each.optional for each in guardrails.REGISTRY)
AWKWARD = [
    pytest.param("plain", id="plain"),
    pytest.param("two words", id="blank"),
    pytest.param("it's", id="quote"),
    pytest.param('{"a": "b"}', id="json"),
    pytest.param("$(touch /tmp/x) `id` $HOME", id="substitution"),
    pytest.param("a\nb", id="newline"),
    pytest.param("", id="empty"),
    pytest.param("*?[x]~;&|<>!#", id="special"),
    pytest.param("Ωmega", id="unicode"),
]


def said_by_bash(script: str, tmp_path: Path) -> list[str]:
    """What a script prints, split at NUL bytes."""
    done = subprocess.run(
        ["bash", "-c", script],  # noqa: S607 - the bash a reader would use
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split("\0")[:-1]


@pytest.mark.parametrize("word", AWKWARD)
def test_argv_and_variables_survive_bash(word: str, tmp_path: Path) -> None:
    """Bash hands a replayed command the very argv and variables it ran with."""
    sheet = CommandSheet()
    argv = ["printf", r"%s\0", word, "end"]
    place = tmp_path / "a folder"
    place.mkdir()
    sheet.command("2", argv, cwd=str(place), variables={"GIVEN": word})
    assert said_by_bash("\n".join(sheet.lines), tmp_path) == [word, "end"]
    sheet = CommandSheet()
    sheet.command(
        "2", ["bash", "-c", r'printf "%s\0" "$GIVEN"'], cwd=".", variables={"GIVEN": word}
    )
    assert said_by_bash("\n".join(sheet.lines), tmp_path) == [word]


@pytest.mark.parametrize("word", AWKWARD)
def test_files_survive_bash(word: str, tmp_path: Path) -> None:
    """A file a command reads is written again to the byte, in a folder that was not there."""
    path = tmp_path / "a folder" / "run.json"
    sheet = CommandSheet()
    sheet.file(str(path), f"{word}\n")
    said_by_bash("\n".join(sheet.lines), tmp_path)
    assert path.read_text(encoding="utf-8") == f"{word}\n"


def test_variables_and_place_do_not_leak(tmp_path: Path) -> None:
    """Each command has its own folder and variables, as it had when it ran."""
    sheet = CommandSheet()
    sheet.command("2", ["true"], cwd="/", variables={"GIVEN": "x"})
    script = "\n".join([*sheet.lines, r'printf "%s\0" "${GIVEN-none}" "$PWD"'])
    assert said_by_bash(script, tmp_path) == ["none", str(tmp_path)]


def test_sheet_of_a_rehearsal_is_a_script(good: Played) -> None:
    """`bash -n` takes it, it stops at the first failure, and it says that it was a dry run."""
    path = good.sealed.folder / "cli.sh"
    subprocess.run(["bash", "-n", str(path)], check=True)  # noqa: S607 - the reader's bash
    lines = good.text("cli.sh").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert good.sealed.summary.opened["run_id"] in lines[1]
    assert "set -euo pipefail" in lines
    assert any(line.startswith("# DRY RUN") for line in lines)


def test_sheet_of_a_live_run_does_not_say_dry(quick_stage: Staged) -> None:
    """Only a dry run's systems are gone."""
    quick_stage.bundle.mode = Mode.LIVE
    assert "DRY RUN" not in CommandSheet().text(quick_stage.bundle)


def test_every_argv_of_the_ledger_is_in_the_sheet(good: Played) -> None:
    """Commands and exports stand there once each, and split back into what ran."""
    lines = good.text("cli.sh").splitlines()
    for command in good.sealed.summary.commands:
        ran = [shlex.split(line) for line in lines if line.startswith(command["argv"][0])]
        assert ran == [command["argv"]]
    curls = [shlex.split(line) for line in lines if line.startswith("curl -fsS ")]
    assert [words[-1] for words in curls] == [
        "runs.json",
        "datasets.json",
        "events.page-1.json",
        "events.page-2.json",
        "graph.json",
    ]
    assert all(words[2].startswith("http://127.0.0.1:") for words in curls)


def test_pages_of_an_export_have_a_file_each(quick_stage: Staged) -> None:
    """An export of several pages is replayed page by page: no page overwrites another."""
    quick_stage.recorder.faults.page_cap = 1
    played = quick_stage.play()
    split = [shlex.split(line) for line in played.text("cli.sh").splitlines() if "curl" in line]
    names = [words[-1] for words in split]
    assert len(set(names)) == len(names)
    assert [name for name in names if name.startswith("datasets")][:2] == [
        "datasets.json.page-1",
        "datasets.json.page-2",
    ]


def test_notes_hold_a_row_per_command(good: Played) -> None:
    """The hash of the notes is the SHA-256 of the argv joined by NUL bytes."""
    text = good.text("notes.md")
    for command in good.sealed.summary.commands:
        told = hashlib.sha256("\0".join(command["argv"]).encode()).hexdigest()
        rows = [line for line in text.splitlines() if told in line]
        assert len(rows) == 1
        assert rows[0].startswith("| 2 | `")
        assert rows[0].endswith("| exit code 0 | `cli.log` |")


def test_notes_tell_ids_deviations_and_what_did_not_run(good: Played) -> None:
    """Run id, flow-run ids, every deviation, and step 3 are there; no troubles are made up."""
    text = good.text("notes.md")
    assert f"- Run id: `{good.sealed.summary.opened['run_id']}`" in text
    assert "Flow-run ids: none" in text
    assert "(DRY RUN: simulated systems)" in text
    for each in good.sealed.summary.deviations:
        assert f"- Step {each['step']}: {each['text']}" in text
    assert "- Step 3, Trigger Prefect linkage (optional): Prefect is not part" in text
    assert "## Troubles" not in text


def with_command(summary: Summary, argv: list[str]) -> Summary:
    return replace(summary, commands=[{**summary.commands[0], "argv": argv}])


@pytest.mark.parametrize(
    ("word", "told"),
    [
        pytest.param("a|b", r"`hotpass 'a\|b'`", id="bar"),
        pytest.param("a`b", "``hotpass 'a`b'``", id="back-tick"),
        pytest.param("a\nb", r"`hotpass 'a\nb'`", id="newline"),
    ],
)
def test_notes_keep_the_table_whole(good: Played, word: str, told: str) -> None:
    """No argument breaks a row or ends the code it stands in."""
    text = notes.text(with_command(good.sealed.summary, ["hotpass", word]))
    row = next(line for line in text.splitlines() if line.startswith("| 2 |"))
    assert told in row
    assert row.replace(r"\|", "").count("|") == 6


def test_notes_tell_troubles_on_one_line(quick_stage: Staged) -> None:
    """A trouble of several lines is one list item, with code and hint."""
    quick_stage.server.stop()
    text = quick_stage.play().text("notes.md")
    [line] = [each for each in text.splitlines() if "[wait-expired]" in each]
    assert line.startswith("- Step 1: [wait-expired] waiting for the lineage service")
    assert "Hint: Read marquez.log" in line


def view_of(played: Played, summary: Summary | None = None) -> Any:
    folder = played.sealed.folder
    names = [path.name for path in folder.iterdir()]
    return report_view.build(
        summary or played.sealed.summary,
        folder=folder.with_name(f".{folder.name}.partial"),
        digests={name: digest(folder / name) for name in names},
        ledger_sha256=digest(folder / ledger.NAME).sha256,
    )


def test_view_holds_what_the_ledger_says(good: Played) -> None:
    """Outcome, run id, every guardrail and command of the page are the ledger's."""
    view = view_of(good)
    summary = good.sealed.summary
    assert (view.outcome, view.would_be) == ("SIMULATED", "PASSED")
    assert view.run_id == summary.opened["run_id"]
    assert view.directory == str(good.sealed.folder)
    assert view.verify_command.endswith(str(good.sealed.folder))
    assert [row.id for row in view.guardrails] == [each.id for each in summary.expected]
    assert {row.verdict for row in view.guardrails} == {"held"}
    assert [row.command for row in view.commands] == [
        shlex.join(each["argv"]) for each in summary.commands
    ]
    assert [row.state for row in view.steps] == ["done", "done", "not exercised", "done", "done"]
    assert len(view.deviations) == len(summary.deviations)


def test_view_shows_a_guardrail_that_did_not_hold(quick_stage: Staged) -> None:
    """A verdict that is not held keeps its own words: it is not taken for no verdict."""
    quick_stage.strike("exit-nonzero")
    row = next(
        row
        for row in view_of(quick_stage.play()).guardrails
        if row.id.endswith("refine-succeeded")
    )
    assert row.verdict == "broke"
    assert "exit code 1" in row.observed
    assert row.artefact == "cli.log"


def test_view_says_where_an_interrupted_bundle_will_be(good: Played) -> None:
    """The page names the directory as it will be called, not as it is while it is made."""
    closing = {**(good.sealed.summary.closing or {}), "would_be": "INTERRUPTED"}
    view = view_of(good, replace(good.sealed.summary, closing=closing))
    assert view.directory.endswith(".interrupted")


def test_headline_counts(good: Played) -> None:
    """Held out of all, and the deviations."""
    summary = good.sealed.summary
    count = len(summary.deviations)
    assert report_view.headline(summary) == (
        f"{EVERY} of {EVERY} guardrails held; {count} deviations from the run-book."
    )
    one = replace(summary, deviations=summary.deviations[:1], verdicts={})
    assert report_view.headline(one) == (
        f"0 of {EVERY} guardrails held; 1 deviation from the run-book."
    )


def test_reconciliation_line(good: Played) -> None:
    """Ledger and pytest are counted side by side; what has no verdict is counted too."""
    summary = good.sealed.summary
    assert report_view.reconciliation(summary) == (
        f"Ledger: {EVERY} held, 0 without a verdict. pytest and JUnit: no test came to its end."
    )
    verdicts = dict(list(summary.verdicts.items())[:3])
    broke = Promise("marquez.run-completed", "runs.json", "x").broke("y")
    verdicts["marquez.run-completed"] = broke
    tests: list[Entry] = [
        {"node": "a", "when": "call", "outcome": "passed"},
        {"node": "b", "when": "call", "outcome": "failed"},
        {"node": "c", "when": "setup", "outcome": "failed"},
    ]
    assert report_view.reconciliation(replace(summary, verdicts=verdicts, tests=tests)) == (
        f"Ledger: 2 held, 1 broke, {EVERY - 3} without a verdict. "
        "pytest and JUnit: 1 failed, 1 error, 1 passed."
    )
    assert report_view.reconciliation(replace(summary, verdicts={})).startswith(
        f"Ledger: no verdict, {EVERY} without a verdict."
    )


def test_waiver_is_always_shown(good: Played, today_waiver: Waiver) -> None:
    """A guardrail set aside says by whom, why and until when."""
    summary = replace(good.sealed.summary, waivers={today_waiver.guardrail: today_waiver})
    [row] = [row for row in view_of(good, summary).guardrails if row.waiver]
    assert row.id == today_waiver.guardrail
    assert row.waiver == f"known defect (QA, until {today_waiver.expires})"


def test_ledger_adds_up_to_the_same_page(good: Played) -> None:
    """The sealed ledger alone gives the same page again: it holds all the page shows."""
    again = fold(ledger.read(good.sealed.folder / ledger.NAME))
    assert view_of(good, again) == view_of(good)
