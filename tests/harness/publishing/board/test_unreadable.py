"""Folders that cannot be read: told, and nothing of that rehearsal is ready."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.command.main import main
from fixtures.core.outcome import Exit
from fixtures.publishing.board.readiness import State
from tests.harness.publishing.board.conftest import Draw, Make, pages_of
from tests.harness.publishing.board.test_incremental import anew
from tests.harness.publishing.board.test_readiness import answer, line


@contextmanager
def shut(*folders: Path) -> Iterator[None]:
    """Have the system refuse to list folders, as it does for others; root it refuses nothing."""
    listdir = os.listdir

    def refuse(path: str | Path) -> list[str]:
        if Path(path) in folders:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return listdir(path)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "listdir", refuse)
        yield


def test_a_word_that_cannot_be_read_is_blocked(make: Make, draw: Draw, root: Path) -> None:
    """Neither done nor never rehearsed; other words are drawn, and all is well when it opens."""
    answer(make(1), accepted=True)
    answer(make(1, word="arc"), accepted=True)
    built = draw()
    before, output = pages_of(built.output), built.output
    with shut(root / "marquez"):
        built = draw()
        (blocked,) = (each for each in built.lines if each.word == "marquez")
        why = "../marquez cannot be read: Permission denied"
        assert (blocked.state, blocked.blocks) == (State.BLOCKED, (why,))
        assert built.unreadable == (why,)
        assert line(built, "arc").state is State.DONE
        for page in ("index.html", "marquez.html"):
            assert why in (output / page).read_text("utf-8")
        grown = pages_of(output)
        assert draw().written == []
        anew(output)
        draw()
        assert pages_of(output) == grown
    assert line(draw()).state is State.DONE
    assert pages_of(output) == before


def test_a_word_that_cannot_be_entered_is_blocked(
    make: Make, draw: Draw, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its names can be read and nothing behind them: as blocked as one without names."""
    answer(make(1), accepted=True)
    draw()
    lstat, shut_off = os.lstat, f"{root / 'marquez'}/"

    def refuse(path: str | Path) -> os.stat_result:
        if str(path).startswith(shut_off):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return lstat(path)

    monkeypatch.setattr(os, "lstat", refuse)
    (blocked,) = (each for each in draw().lines if each.word == "marquez")
    assert blocked.state is State.BLOCKED
    assert blocked.blocks == ("../marquez cannot be read: Permission denied",)


def test_an_empty_word_that_cannot_be_read_is_not_never_rehearsed(
    make: Make, draw: Draw, root: Path
) -> None:
    """Also when no bundle of it was ever seen: what lies there, nobody knows."""
    make(1, word="arc")
    draw()
    for folder in (root / "marquez", root / "dry-run" / "marquez"):
        folder.mkdir(parents=True)
        with shut(folder):
            built = draw()
            (blocked,) = (each for each in built.lines if each.word == "marquez")
            assert blocked.state is State.BLOCKED
            assert "never rehearsed" not in (built.output / "marquez.html").read_text("utf-8")
    (blocked,) = (each for each in draw().lines if each.word == "marquez")
    assert blocked.state is State.NEVER


def test_one_readable_root_does_not_make_up_for_another(
    make: Make, draw: Draw, root: Path, tmp_path: Path
) -> None:
    """A newer bundle may lie where nobody can look: what is seen is shown, and blocked."""
    other = tmp_path / "other"
    answer(make(2), accepted=True)
    make(1, below=other, outcome="FAILED")
    with shut(other / "marquez"):
        found = line(draw(root, other))
    assert found.state is State.BLOCKED
    assert found.last is not None
    assert "cannot be read" in found.blocks[0]


def test_a_root_whose_names_cannot_be_read_is_told(make: Make, draw: Draw, root: Path) -> None:
    """Its words are found by their names; what else lies there is not, and that is said."""
    make(1)
    with shut(root):
        built = draw()
    assert (built.bundles, built.passed) == (1, 1)
    assert "its names cannot be read" in (built.output / "index.html").read_text("utf-8")


def test_a_file_in_a_words_place_is_told(draw: Draw, root: Path) -> None:
    """It is no folder without bundles."""
    (root / "marquez").write_text("")
    assert draw().unreadable == ("../marquez cannot be read: Not a directory",)


def test_the_command_says_so(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The board is written, and what blocks it stands below."""
    (root / "marquez").mkdir()
    with shut(root / "marquez"):
        assert main(["board", "--evidence-root", str(root)]) == Exit.HELD
    said = capsys.readouterr().out
    assert "! ../marquez cannot be read: Permission denied" in said
    assert "✗ marquez" in said
