"""The switches: known ones only, and those that touch files, output or the exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.simulators.hotpass import faults
from fixtures.simulators.hotpass.faults import FAULTS, Faults
from fixtures.simulators.hotpass.switchboard import UnknownSwitchError

Refine = Callable[..., int]


def test_unknown_switch_is_refused(
    workspace: Path,
    refine: Refine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A misspelt switch would let a self-test pass for nothing."""
    monkeypatch.setenv(faults.VARIABLE, "hang-up, no-lineage")
    assert refine() == 2
    assert "names hang-up; known are archive-without-sums," in capsys.readouterr().err
    assert not (workspace / "dist").exists()


def test_switches_are_a_comma_list() -> None:
    """Blanks and empty places are forgiven."""
    switches = Faults.from_environment({faults.VARIABLE: " hang,, no-workbook ,"})
    assert switches.names == {"hang", "no-workbook"}
    assert not Faults.from_environment({}).names


def test_asking_for_an_unlisted_switch_is_an_error() -> None:
    """The code may not test for a switch the table does not explain."""
    with pytest.raises(UnknownSwitchError):
        _ = "haang" in Faults()


def test_table_is_sorted_and_explained() -> None:
    """One line each, in alphabetical order."""
    assert list(FAULTS) == sorted(FAULTS)
    assert all(len(line) < 80 and "\n" not in line for line in FAULTS.values())


def test_exit_nonzero_does_all_the_work(
    workspace: Path, refine: Refine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the exit code is wrong."""
    monkeypatch.setenv(faults.VARIABLE, "exit-nonzero")
    assert refine() == 1
    assert len(list((workspace / "dist").iterdir())) == 2


def test_no_workbook_is_silent(
    workspace: Path, refine: Refine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Success is claimed, and only the archive is there."""
    monkeypatch.setenv(faults.VARIABLE, "no-workbook")
    assert refine() == 0
    assert [path.suffix for path in (workspace / "dist").iterdir()] == [".zip"]


def test_stale_workbook_stays(
    workspace: Path, refine: Refine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Success is claimed over the file of an earlier run, byte for byte and of its time."""
    old = workspace / "old.xlsx"
    old.write_bytes(b"from an earlier run")
    before = old.stat()
    monkeypatch.setenv(faults.VARIABLE, "stale-workbook")
    assert refine("--output-path", "old.xlsx") == 0
    assert old.read_bytes() == b"from an earlier run"
    assert old.stat().st_mtime_ns == before.st_mtime_ns


def test_chatter_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """It prints until somebody stops it; here the reader closes the pipe."""

    class ClosedAfter:
        lines = 0

        def write(self, text: str) -> None:
            self.lines += text.count("\n")
            if self.lines > 5_000:
                raise BrokenPipeError

    sink = ClosedAfter()
    monkeypatch.setattr(sys, "stdout", sink)
    with pytest.raises(BrokenPipeError):
        Faults(frozenset({"chatter"})).strike_after_start()
    assert sink.lines == 5_001


def test_honest_run_comes_back() -> None:
    """Without a switch nothing strikes."""
    Faults().strike_after_start()
