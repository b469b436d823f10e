"""`rehearsal preflight`: what it prints, for people and for machines, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from fixtures.command import preflight as command
from fixtures.command.main import main
from fixtures.core.outcome import Exit
from fixtures.core.settings import PREFIX
from fixtures.procedures import preflight as procedure
from fixtures.procedures.preflight import machine
from fixtures.procedures.preflight.finding import Finding, State

STATES = {each.value for each in State}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> Path:
    """Checkout of this project, and a shell in it with nothing of the operator's own."""
    for name in os.environ:
        if name.startswith((PREFIX, "OPENLINEAGE_")):
            monkeypatch.delenv(name)
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    (checkout / "deep").mkdir(parents=True)
    home.mkdir()
    shutil.copy(pytestconfig.rootpath / "pyproject.toml", checkout)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("REHEARSAL_BROWSER", "none")
    monkeypatch.chdir(checkout)
    return checkout


def set_aside(monkeypatch: pytest.MonkeyPatch, *found: Finding) -> None:
    monkeypatch.setattr(procedure, "findings", lambda _: iter(found))


def said_for_machines(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, Any]:
    code = main(["preflight", "marquez", "--json", *argv])
    return code, json.loads(capsys.readouterr().out)


def test_dry_run_is_ready(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run needs nothing but this checkout: 0, READY, and where evidence would go."""
    assert main(["preflight", "marquez"]) == Exit.HELD
    said = capsys.readouterr().out
    assert said.startswith("preflight of marquez: dry run\n")
    assert f"  ✓ evidence directory: {here / 'dist' / 'staging'}, " in said
    assert "\nA run would start:\n  - a Marquez recorder" in said
    assert said.endswith("\nREADY.\n")
    assert not (here / "dist").exists()


def test_from_a_folder_below(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Anywhere in the checkout will do; evidence goes to the same place."""
    monkeypatch.chdir(here / "deep")
    assert main(["preflight", "marquez"]) == Exit.HELD
    assert str(here / "dist" / "staging") in capsys.readouterr().out


def test_bare_live_run_is_blocked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is configured: 10, and every missing thing is counted and has its fix."""
    monkeypatch.setattr(machine, "PORTS", {})
    assert main(["preflight", "marquez", "--staging", "--stack", "running"]) == Exit.BLOCKED
    said = capsys.readouterr().out
    assert said.startswith("preflight of marquez: live, environment hotpass-staging\n")
    assert said.endswith(f"\nBLOCKED: {said.count('  ✗ ')} to mend before the window.\n")
    assert said.count("  ✗ ") >= 5
    assert said.count("      fix:      ") == sum(said.count(f"  {each} ") for each in "✗!?")


@pytest.mark.parametrize(
    ("state", "code", "last"),
    [
        pytest.param(State.READY, Exit.HELD, "READY.", id="ready"),
        pytest.param(State.ATTENTION, Exit.HELD, "READY.", id="attention"),
        pytest.param(
            State.MISSING, Exit.BLOCKED, "BLOCKED: 1 to mend before the window.", id="missing"
        ),
    ],
)
def test_exit_code_follows_the_worst(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    state: State,
    code: Exit,
    last: str,
) -> None:
    """Only what is missing blocks."""
    finding = Finding(name="it", state=state, found="as found", expected="this", fix="Mend it.")
    set_aside(monkeypatch, finding)
    assert main(["preflight", "marquez"]) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == last
    told = ["      expected: this", "      fix:      Mend it."]
    assert lines[2] == f"  {command.SYMBOLS[state]} it: as found"
    assert lines[3:5] == (told if state is not State.READY else ["", "A run would start:"])


def test_unsaid_expectation_leaves_no_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A finding whose fix says it all has no empty line for what is expected."""
    set_aside(monkeypatch, Finding(name="it", state=State.MISSING, found="", fix="Mend it."))
    main(["preflight", "marquez"])
    assert "expected:" not in capsys.readouterr().out


def test_answer_for_machines(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object: the choices, every finding whole, what a run would start."""
    code, body = said_for_machines(capsys)
    assert code == Exit.HELD
    assert body.keys() == {"word", "environment", "staging", "findings", "would_start"}
    assert (body["word"], body["environment"], body["staging"]) == (
        "marquez",
        "hotpass-staging",
        False,
    )
    assert all(
        each.keys() == {"name", "state", "found", "expected", "fix"} for each in body["findings"]
    )
    assert {each["state"] for each in body["findings"]} <= STATES
    assert len(body["would_start"]) == 3


def test_both_answers_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """Machines and people are told the same, with the same exit code."""
    argv = ["preflight", "marquez", "--staging", "--stack", "running"]
    assert main(argv) == Exit.BLOCKED
    said = capsys.readouterr().out
    code, body = said_for_machines(capsys, *argv[2:])
    assert code == Exit.BLOCKED
    lines = [line for line in said.splitlines() if line[2:3] in command.SYMBOLS.values()]
    assert [line[4:].partition(": ")[0] for line in lines] == [
        each["name"].partition(": ")[0] for each in body["findings"]
    ]


@pytest.mark.parametrize(
    ("argv", "variables", "below"),
    [
        pytest.param([], {}, "checkout/dist/staging", id="its-own"),
        pytest.param(["--evidence-root", "{}/else"], {}, "else", id="option"),
        pytest.param([], {"REHEARSAL_EVIDENCE_ROOT": "{}/else"}, "else", id="variable"),
        pytest.param(
            ["--evidence-root", "{}/this"],
            {"REHEARSAL_EVIDENCE_ROOT": "{}/that"},
            "this",
            id="option-wins",
        ),
        pytest.param(["--hotpass-root", "{}/hp"], {}, "hp/dist/staging", id="hotpass-checkout"),
        pytest.param(
            [], {"REHEARSAL_HOTPASS_ROOT": "{}/hp"}, "hp/dist/staging", id="its-variable"
        ),
        pytest.param(["--evidence-root", "~/here"], {}, "home/here", id="home"),
    ],
)
def test_evidence_goes_where_a_run_would_put_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
    variables: dict[str, str],
    below: str,
) -> None:
    """The option, then the variable, then the Hotpass checkout, then this one."""
    (tmp_path / "hp").mkdir()
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    _, body = said_for_machines(capsys, *(each.format(tmp_path) for each in argv))
    [found] = [each for each in body["findings"] if each["name"] == "evidence directory"]
    assert found["found"].startswith(f"{tmp_path / below}, ")


def test_variable_chooses_the_stack(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stack set by variable counts; the option wins over it."""
    monkeypatch.setattr(machine, "PORTS", {})
    monkeypatch.setenv("REHEARSAL_STACK", "running")
    _, body = said_for_machines(capsys, "--staging")
    assert any(each["name"].startswith("marquez_log") for each in body["findings"])
    _, body = said_for_machines(capsys, "--staging", "--stack", "compose")
    assert not any(each["name"].startswith("marquez_log") for each in body["findings"])


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        pytest.param([], "usage:", id="no-word"),
        pytest.param(["nonsense"], "invalid choice: 'nonsense'", id="unknown-word"),
        pytest.param(["marquez", "--stack", "moon"], "invalid choice: 'moon'", id="unknown-stack"),
        pytest.param(["marquez", "--nonsense"], "unrecognized arguments", id="unknown-option"),
        pytest.param(
            ["marquez", "--environment", "moon"], "no environment 'moon'", id="unknown-environment"
        ),
    ],
)
def test_usage(argv: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not understood ends with 4, and nothing is printed that could pass for an answer."""
    assert main(["preflight", *argv]) == Exit.USAGE
    said = capsys.readouterr()
    assert told in said.err
    assert not said.out


def test_word_without_a_procedure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A word this version cannot rehearse is usage: nothing was looked at for it."""
    monkeypatch.setattr(command, "REGISTRIES", {})
    assert main(["preflight", "marquez"]) == Exit.USAGE
    assert "[settings-invalid] marquez has no procedure" in capsys.readouterr().err


def test_outside_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Settings live in the checkout: outside any, nobody knows what to look for."""
    monkeypatch.chdir(tmp_path)
    assert main(["preflight", "marquez"]) == Exit.USAGE
    said = capsys.readouterr()
    assert "[settings-invalid]" in said.err
    assert "hint: Run it from the checkout." in said.err
    assert not said.out


def test_settings_that_do_not_validate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A misspelt variable is told before anything is looked at."""
    monkeypatch.setenv("REHEARSAL_BROWSERS", "none")
    assert main(["preflight", "marquez"]) == Exit.USAGE
    assert "REHEARSAL_BROWSERS: no such setting" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["marquez", "arc", "backfill", "e2e"])
def test_every_word(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Four words are known; each dry run needs nothing that is not here."""
    assert main(["preflight", word]) == Exit.HELD
    said = capsys.readouterr().out
    assert said.startswith(f"preflight of {word}: dry run\n")
    assert said.endswith("\nREADY.\n")
    assert main(["preflight", word, "--json"]) == Exit.HELD
    assert json.loads(capsys.readouterr().out)["word"] == word


def test_runs_are_those_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """`--runs` as a run would have it: said, and what would make it count."""
    assert main(["preflight", "backfill", "--staging", "--runs", "1"]) == Exit.BLOCKED
    said = capsys.readouterr().out
    assert "  - 1 flow run in workspace hotpass-e2e-staging" in said
    assert "  ! flow runs to trigger: 1\n" in said
    assert main(["preflight", "backfill", "--runs", "51"]) == Exit.USAGE
    assert "--runs 51" in capsys.readouterr().err


@pytest.mark.parametrize("columns", [80, 120])
def test_fits_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    """No line is wider than the terminal, and what goes over hangs in; words stay whole."""
    wide = "found " * 40 + "/a/path/" + "x" * 20
    set_aside(
        monkeypatch,
        Finding(name="it", state=State.MISSING, found=wide, expected="this " * 40, fix=wide),
    )
    monkeypatch.setattr(command, "_columns", lambda: columns)
    main(["preflight", "marquez"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    assert any(line.startswith(" " * 16 + "found") for line in lines)
    assert sum("/a/path/" + "x" * 20 in line for line in lines) == 2


def test_pipe_is_not_broken_into_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no terminal reads, one finding is one line, whatever COLUMNS says."""
    monkeypatch.setenv("COLUMNS", "40")
    set_aside(monkeypatch, Finding(name="it", state=State.READY, found="found " * 40))
    main(["preflight", "marquez"])
    assert any(len(line) > 200 for line in capsys.readouterr().out.splitlines())


def test_what_nobody_looked_at_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not looked at neither blocks nor passes in silence."""
    set_aside(monkeypatch, Finding(name="it", state=State.UNSEEN, found="", fix="Look."))
    assert main(["preflight", "marquez"]) == Exit.HELD
    said = capsys.readouterr().out
    assert "  ? it: \n" in said
    assert said.endswith(
        "\n1 not looked at: it would change something, or nobody lets us.\nREADY.\n"
    )
