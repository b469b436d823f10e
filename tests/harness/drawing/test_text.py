"""Self-tests of what may be drawn."""

from __future__ import annotations

import pytest

from fixtures.drawing import text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        pytest.param("a\x00b", "a␀b", id="nul"),
        pytest.param("\x1b[31mred", "␛[31mred", id="terminal-colour"),
        pytest.param("\ud800", "\ufffd", id="lone-surrogate"),
        pytest.param("\uffff", "\ufffd", id="non-character"),
        pytest.param("safe\u202egnp.exe", "safe\ufffdgnp.exe", id="direction-override"),
        pytest.param("two\nlines", "two\nlines", id="line-break-stays"),
        pytest.param("naïve 漢字 😀", "naïve 漢字 😀", id="letters-of-the-world-stay"),
    ],
)
def test_visible(given: str, shown: str) -> None:
    """What cannot be held or would deceive is replaced by something that can be seen."""
    assert text.visible(given) == shown


def test_one_line_draws_breaks() -> None:
    """A label has one line, and its breaks are not lost."""
    assert text.one_line("a\r\nb\tc") == "a␍␊b␉c"


def test_middle_keeps_both_ends() -> None:
    """A shortened path still shows where it begins and which file it is."""
    shown = text.middle("/srv/hotpass/" + "deep/" * 60 + "refined.xlsx", limit_em=15)
    assert shown.startswith("/srv/")
    assert shown.endswith(".xlsx")
    assert "…" in shown
    assert text.width_em(shown) <= 15


def test_short_text_is_left_alone() -> None:
    """What fits is not touched."""
    assert text.middle("refined.xlsx", limit_em=15) == "refined.xlsx"
    assert text.end("refined.xlsx", limit_em=15) == "refined.xlsx"
