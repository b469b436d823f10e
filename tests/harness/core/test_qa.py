"""What `hotpass qa` said: read from the simulated command's real output, and from spoilt ones."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.core import errors
from fixtures.core.records import qa
from fixtures.core.records.qa import QaVerdict, Status
from fixtures.simulators.hotpass import cli

SIX = (
    "CLI Integrity",
    "Fitness Functions",
    "Data Quality",
    "Profile Validation",
    "Contract Checks",
    "Documentation Checks",
)
Say = Callable[..., str]
NARROW = """\
       QA Check Results
┏━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━━┓
┃ Check    ┃ Status  ┃ Message  ┃
┡━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━━┩
│ CLI      │ ✗       │ dns      │
│ Integri… │ FAILED  │ error    │
│ Data     │ ✓       │ read │ 3 │
│ Quality  │ PASSED  │          │
└──────────┴─────────┴──────────┘
✗ Some QA checks failed
"""


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Runs the simulated `hotpass qa` in an empty folder; both streams in one."""
    monkeypatch.chdir(tmp_path)

    def run(*, defects: str = "", faults: str = "", columns: str = "", target: str = "all") -> str:
        monkeypatch.setenv("HOTPASS_SIMULATOR_DEFECTS", defects)
        monkeypatch.setenv("HOTPASS_SIMULATOR_FAULTS", faults)
        monkeypatch.setenv("COLUMNS", columns)
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            cli.main(["qa", target])
        return said.getvalue()

    return run


@pytest.mark.parametrize(("defects", "columns"), [("", ""), ("all", ""), ("", "80"), ("", "400")])
def test_six_passed(say: Say, defects: str, columns: str) -> None:
    """All six, however wide the table and whatever progress bars stand before it."""
    verdict = qa.parse(say(defects=defects, columns=columns))
    assert tuple(each.name for each in verdict.checks) == SIX
    assert verdict.passed is True
    assert not verdict.failed
    assert not verdict.environment


def test_wrapped_message_is_whole(say: Say) -> None:
    """A message broken at 80 columns is the one of a wide table."""
    wide, wrapped = (qa.parse(say(columns=columns)).checks for columns in ("400", "80"))
    assert wide == wrapped
    assert any(len(each.message) > 46 for each in wrapped)


def test_one_failed(say: Say) -> None:
    """A failing check is named, and it is the product's own."""
    verdict = qa.parse(say(defects="all", faults="qa-check-fails"))
    assert verdict.passed is False
    assert verdict.failed == ("Documentation Checks",)
    assert not verdict.environment


@pytest.mark.parametrize("columns", ["60", "80", "400"])
def test_offline_uv_is_no_product_failure(say: Say, columns: str) -> None:
    """Words of uv inside the row of a check are the environment's trouble, quoted."""
    verdict = qa.parse(say(faults="qa-without-python", columns=columns))
    assert verdict.passed is False
    assert verdict.failed == ("CLI Integrity",)
    assert verdict.environment.startswith("CLI Integrity: ")
    assert "Failed to fetch a Python download" in verdict.environment


def test_product_failure_beside_is_told(say: Say) -> None:
    """One failure of the product is enough: the environment explains the other alone."""
    text = say(faults="qa-without-python,qa-check-fails", columns="80")
    verdict = qa.parse(text)
    assert len(verdict.failed) == 2
    assert not verdict.environment


def test_gates_are_read_as_well(say: Say) -> None:
    """`qa ta` prints the same table."""
    assert len(qa.parse(say(defects="all", target="ta")).checks) == 5


def test_narrow_table_with_ticks() -> None:
    """Names, words of status and bars inside a message survive a column of ten characters."""
    verdict = qa.parse(NARROW)
    assert [(each.name, each.status) for each in verdict.checks] == [
        ("CLI Integri…", Status.FAILED),
        ("Data Quality", Status.PASSED),
    ]
    assert verdict.checks[1].message == "read │ 3"


def test_colours_and_progress_bars_are_undone() -> None:
    """Escapes, carriage returns and a bar in front of a row are not part of it."""
    text = NARROW.replace("│ Data ", "\r\x1b[2KCalculating: 40%|##  |\r│ \x1b[1mData\x1b[0m ")
    assert qa.parse(text.replace("\n", "\r\n")) == qa.parse(NARROW)


def test_ascii_frame() -> None:
    """Where stdout cannot encode the frame, rich draws it with bars."""
    text = NARROW.translate(str.maketrans("│┃", "||")).replace("read | 3", "read 3  ")
    assert [each.status for each in qa.parse(text).checks] == [Status.FAILED, Status.PASSED]


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        pytest.param("", None, id="nothing"),
        pytest.param("✓ All QA checks passed\n", None, id="no-table"),
        pytest.param(NARROW.rpartition("└")[0], False, id="failed-row-and-no-last-line"),
        pytest.param(
            NARROW.replace("✗ Some QA checks failed", "✓ All QA checks passed"),
            False,
            id="contradicts-itself",
        ),
        pytest.param(
            NARROW.replace("✗       ", "✓       ").replace("FAILED", "PASSED"),
            False,
            id="says-failed",
        ),
        pytest.param("Traceback (most recent call last):\n", None, id="traceback"),
    ],
)
def test_no_pass_without_words_and_rows(text: str, passed: bool | None) -> None:
    """Passed is what both the rows and the last line say; anything less is not."""
    assert qa.parse(text).passed is passed


def test_uv_alone_is_the_environment() -> None:
    """A command that never came to its table, for want of a Python."""
    verdict = qa.parse("error: No interpreter found for Python 3.13 in managed installations\n")
    assert verdict.passed is None
    assert "No interpreter found" in verdict.environment


def test_skipped_check_is_not_passed() -> None:
    """It says that all passed, and one was skipped: the row is kept for what it is."""
    text = NARROW.replace("FAILED", "SKIPPED").replace("✗       ", "-       ")
    verdict = qa.parse(text.replace("✗ Some QA checks failed", "✓ All QA checks passed"))
    assert verdict.passed is True
    assert verdict.not_passed == ("CLI Integri…",)


def test_last_table_counts() -> None:
    """A log that holds two runs tells of the second."""
    better = NARROW.replace("✗       ", "✓       ").replace("FAILED", "PASSED")
    better = better.replace("✗ Some QA checks failed", "✓ All QA checks passed")
    assert qa.parse(NARROW + better).passed is True
    assert qa.parse(better + NARROW).passed is False


def test_reads_back() -> None:
    """What is saved beside a follow-up is what was read."""
    verdict = qa.parse(NARROW)
    assert QaVerdict.from_json(verdict.to_json()) == verdict
    with pytest.raises(errors.PayloadUnreadable):
        QaVerdict.from_json({"checks": [{"name": "x"}]})
