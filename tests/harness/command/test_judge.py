"""`rehearsal judge`: one table for people, JSON for machines, and an exit code."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.command.main import main
from fixtures.core.outcome import Exit
from fixtures.evidence import canonical, ledger
from fixtures.guardrails import marquez as guardrails

EVERY = [each.id for each in guardrails.REGISTRY if not each.optional]
RUN = "marquez.run-completed"


def edit_verdict(folder: Path, **changes: str) -> None:
    """Change the recorded verdict on our run, written as the ledger writes."""
    lines = [
        {**line, **changes} if line.get("guardrail") == RUN else line
        for line in ledger.read(folder / ledger.NAME)
    ]
    (folder / ledger.NAME).write_bytes(b"".join(map(canonical.line, lines)))


def test_agreement_is_told(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing gathered, one verdict edited to what that gives: all agree, each with its why."""
    edit_verdict(sealed, ruling="not established")
    assert main(["judge", str(sealed)]) == Exit.HELD
    said = capsys.readouterr().out
    assert str(sealed) in said
    assert "rehearsal   marquez, run " in said
    assert f"registry {guardrails.REGISTRY.version}, another version of the code" in said
    for name in EVERY:
        assert name in said
    assert f"  = {RUN}             not established  not established" in said
    assert "runs.json is missing" in " ".join(said.split())
    others = len(EVERY) - 1
    assert f"AGREES: 1 of 1 recorded verdicts; {others} without one, and nothing to judge." in said
    assert "≠" not in said
    assert "`rehearsal verify`" in said


def test_difference_is_told(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Recorded and judged again, with what each observed, and exit code 1."""
    edit_verdict(sealed, ruling="held", observed="212 runs; all of them fine")
    assert main(["judge", str(sealed)]) == Exit.BROKE
    said = capsys.readouterr().out
    assert f"  ≠ {RUN}             held             not established" in said
    assert "recorded  held: 212 runs; all of them fine" in said
    assert "again     not established: [payload-unreadable]" in said
    assert f"DIFFERS: 1 of {len(EVERY)} guardrails, marked ≠ above." in said
    assert said.count("  ≠ ") == 1


def test_outcome_alone_is_told(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Verdicts that agree under an outcome they do not add up to."""
    lines = [
        {**line, "would_be": "PASSED"} if line["kind"] == "closing" else line
        for line in ledger.read(sealed / ledger.NAME)
    ]
    (sealed / ledger.NAME).write_bytes(b"".join(map(canonical.line, lines)))
    edit_verdict(sealed, ruling="not established")
    assert main(["judge", str(sealed)]) == Exit.BROKE
    said = capsys.readouterr().out
    assert "  ≠ outcome   recorded PASSED, judged again INTERRUPTED" in said
    assert "DIFFERS: the outcome alone, marked ≠ above." in said


def test_difference_for_machines(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same as JSON, every guardrail with both verdicts."""
    assert main(["judge", str(sealed), "--json"]) == Exit.BROKE
    body = json.loads(capsys.readouterr().out)
    assert body["agrees"] is False
    assert (body["word"], body["mode"]) == ("marquez", "dry run")
    assert [each["id"] for each in body["guardrails"]] == EVERY
    by_name = {each["id"]: each for each in body["guardrails"]}
    assert by_name[RUN]["kind"] == "differs"
    assert by_name[RUN]["recorded"]["ruling"] == "broke"
    assert by_name[RUN]["again"]["ruling"] == "not established"
    others = [each for name, each in by_name.items() if name != RUN]
    assert all(each["kind"] == "unrecorded" and each["recorded"] is None for each in others)
    assert all(each["agrees"] for each in others)


def test_table_fits_the_screen(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Eighty columns, whatever somebody wrote into a verdict; the directory stays in one piece."""
    edit_verdict(sealed, observed="x" * 300 + " " + "word " * 90, artefact="y" * 200)
    main(["judge", str(sealed)])
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == str(sealed)
    assert max(map(len, lines)) <= 80


def test_nothing_deceives_the_terminal(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters in evidence are shown, never obeyed."""
    edit_verdict(sealed, ruling="held", observed="fine\x1b[2K\x1b[1A\r\nAGREES \u202e")
    main(["judge", str(sealed)])
    said = capsys.readouterr().out
    assert not set(said) & {"\x1b", "\r", "\u202e"}
    assert not [line for line in said.splitlines() if line.startswith("AGREES")]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        pytest.param(lambda at: (at / ledger.NAME).unlink(), "bundle-unreadable", id="no-ledger"),
        pytest.param(
            lambda at: (at / ledger.NAME).write_bytes(b"garbage\n"),
            "bundle-unreadable",
            id="garbage",
        ),
        pytest.param(
            lambda at: (at / "runs.json").symlink_to("/dev/zero"), "bundle-unreadable", id="link"
        ),
        pytest.param(lambda at: at.rename(at.with_name("gone")), "bundle-unreadable", id="gone"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["people", "machines"])
def test_hostile_directory_is_refused(
    sealed: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], object],
    code: str,
    options: list[str],
) -> None:
    """One error with code and hint on stderr, nothing on stdout, and exit code 3."""
    spoil(sealed)
    assert main(["judge", str(sealed), *options]) == Exit.HARNESS_FAULT
    out, err = capsys.readouterr()
    assert out == ""
    assert f"[{code}]" in err
    assert "hint: " in err


def test_link_to_itself_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A place that leads nowhere is no directory."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert main(["judge", str(tmp_path / "loop")]) == Exit.HARNESS_FAULT
    assert "is no directory" in capsys.readouterr().err


def test_directory_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a directory it is wrong usage."""
    assert main(["judge"]) == Exit.USAGE


def test_works_from_any_folder(
    sealed: Path, rehearsal: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """A process of its own, in an empty folder, says the same."""
    done = rehearsal("judge", str(sealed))
    assert done.returncode == Exit.BROKE, done.stderr
    assert "DIFFERS: 1 of" in done.stdout
