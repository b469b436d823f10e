"""How measured defects are turned on: the table, the option and the variable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.simulators.hotpass.defects import DEFECTS, Defects
from fixtures.simulators.hotpass.switchboard import UnknownSwitchError

if TYPE_CHECKING:
    from tests.harness.simulators.hotpass.conftest import Bench


def test_table_is_sorted_and_explained() -> None:
    """One line each in alphabetical order, and where it was measured."""
    assert list(DEFECTS) == sorted(DEFECTS)
    for defect in DEFECTS.values():
        assert 0 < len(defect.line) < 80
        assert "\n" not in defect.line
        assert defect.measured


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param(["--measured", "refine", "--profile", "staging"], id="before-the-verb"),
        pytest.param(["refine", "--measured", "--profile", "staging"], id="after-the-verb"),
        pytest.param(["refine", "--profile", "staging", "--measured"], id="at-the-end"),
    ],
)
def test_measured_turns_everything_on(bench: Bench, argv: list[str]) -> None:
    """Wherever it stands, the run-book's own command fails as it was measured to."""
    assert bench.run(*argv).code == 2


def test_measured_is_every_switch(bench: Bench) -> None:
    """The option and ``all`` are the whole table, whatever single switches say."""
    assert Defects.every().names == DEFECTS.keys()
    assert Defects.from_environment({Defects.VARIABLE: "all"}).names == DEFECTS.keys()
    outcome = bench.run("refine", "--archive", "--measured", defects="hex-run-id")
    assert (outcome.code, bench.received) == (0, [])
    assert "PII redaction unavailable" in outcome.err
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_measured_must_be_written_in_full(bench: Bench) -> None:
    """An abbreviation argparse would take for it is refused: it would turn nothing on."""
    outcome = bench.run("refine", "--measure")
    assert outcome.code == 2
    assert "unrecognized arguments: --measure" in outcome.err


@pytest.mark.parametrize("listed", ["hex-runid", "all,hex-run-id"])
def test_unknown_defect_is_refused(bench: Bench, listed: str) -> None:
    """A misspelt switch would make a self-test pass for nothing."""
    outcome = bench.run("refine", defects=listed)
    assert outcome.code == 2
    assert "HOTPASS_SIMULATOR_DEFECTS names" in outcome.err
    assert not Path("dist").exists()


def test_asking_for_an_unlisted_defect_is_an_error() -> None:
    """The code may not test for a switch the table does not explain."""
    with pytest.raises(UnknownSwitchError):
        _ = "hexrunid" in Defects()
