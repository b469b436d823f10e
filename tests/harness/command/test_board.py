"""`rehearsal board`: one command, safe to repeat."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.command.main import main
from fixtures.core.outcome import Exit
from fixtures.evidence import keys
from fixtures.evidence.verify import Policy
from fixtures.publishing import board
from tests.harness.publishing.board import made


def test_says_where_and_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page to open, a line per rehearsal, what was read; again, and nothing is to be done."""
    root = tmp_path / "staging"
    made.whole(root)
    assert main(["board", "--evidence-root", str(root)]) == Exit.HELD
    said = capsys.readouterr().out
    assert said.splitlines()[0] == str(root / "board" / "index.html")
    assert "○ marquez, hotpass-staging" in said
    assert "1 bundles, 1 read now; " in said
    assert main(["board", "--evidence-root", str(root)]) == Exit.HELD
    assert "1 bundles, 0 read now; 0 pages written." in capsys.readouterr().out


def test_says_what_it_passed_over_and_what_it_could_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """How many names are no bundle's, and whose journal no sign-off can be counted by."""
    root = tmp_path / "staging"
    (root / "marquez" / "old").mkdir(parents=True)
    (root / "journal.jsonl").write_text("{}\n")
    assert main(["board", "--evidence-root", str(root)]) == Exit.HELD
    said = capsys.readouterr().out
    assert "0 bundles, 0 read now, 1 passed over; " in said
    assert (
        "! no sign-off in .. counts: its journal cannot be read: journal.jsonl is not as" in said
    )


def test_several_roots_and_another_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Evidence of two machines on one board, wherever the pages go."""
    for name in ("one", "two"):
        made.whole(tmp_path / name)
    roots = [part for name in ("one", "two") for part in ("--evidence-root", str(tmp_path / name))]
    assert main(["board", *roots, "--output", str(tmp_path / "pages"), "--all"]) == Exit.HELD
    assert "2 bundles, 2 read now" in capsys.readouterr().out
    assert (tmp_path / "pages" / "index.html").exists()
    assert not (tmp_path / "one" / "board").exists()


def test_reviewers_of_the_settings_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose answers `verify` counts, the board counts too, those given by hand among them."""
    asked: list[Policy] = []
    table = {"name": "Alice", "public_key": keys.new(tmp_path / "key").public.read_text()}
    monkeypatch.setenv("REHEARSAL_PUBLISHING__REVIEWERS", json.dumps([table]))

    def build(*_: object, policy: Policy, **__: object) -> board.Built:
        asked.append(policy)
        return board.Built(output=tmp_path)

    monkeypatch.setattr(board, "build", build)
    given = str(keys.new(tmp_path / "other").public)
    arguments = ["board", "--evidence-root", str(tmp_path), "--trust", given]
    assert main(arguments) == Exit.HELD
    assert {each.name for each in asked[0].reviewers} == {"Alice", given}


def test_root_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No board of nothing by a slip of the fingers."""
    assert main(["board", "--evidence-root", str(tmp_path / "gone")]) == Exit.USAGE
    assert "there is no evidence root" in capsys.readouterr().err


def test_outside_a_checkout_the_root_must_be_named(
    rehearsal: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """In a folder of its own, a process of its own: says what to give."""
    done = rehearsal("board")
    assert done.returncode == Exit.USAGE
    assert "--evidence-root" in done.stderr


def test_disk_that_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pages that cannot be written are an error, with its hint."""
    root = tmp_path / "staging"
    root.mkdir()
    (root / "board").write_text("in the way")
    assert main(["board", "--evidence-root", str(root)]) == Exit.HARNESS_FAULT
    assert "[evidence-not-writable]" in capsys.readouterr().err
