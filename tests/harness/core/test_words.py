"""Self-tests of the four words and the names that hang on them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from fixtures.core import words


def test_test_and_guardrail_pair_by_name() -> None:
    """``test_run_completed`` is ``marquez.run-completed``, and so is ``run_completed``."""
    assert words.guardrail_id("marquez", "test_run_completed") == "marquez.run-completed"
    assert words.guardrail_id("marquez", "run_completed") == "marquez.run-completed"


def test_a_stamp_is_utc() -> None:
    """A directory is named for the moment, not for the clock on the wall."""
    local = datetime(2025, 12, 3, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))
    assert words.stamp(local) == "20251202T230203Z"


def test_a_stamp_reads_back() -> None:
    """Reading a stamp gives its moment, aware."""
    moment = datetime(2025, 12, 3, 23, 59, 58, tzinfo=UTC)
    assert words.moment_of(words.stamp(moment)) == moment


@pytest.mark.parametrize(
    "name",
    [
        "",
        "20251203T235958",
        "20251203 235958Z",
        "2025123T235958Z",
        "20251203T23595Z",
        "20251303T000000Z",
        "20251203T240000Z",
        "20251203T235958Z ",
        "20251203T235958Z.interrupted",
        "20251203t235958z",
        "latest",
    ],
)
def test_what_is_no_stamp_is_refused(name: str) -> None:
    """Only the names we write are read."""
    with pytest.raises(ValueError, match=r"."):
        words.moment_of(name)
