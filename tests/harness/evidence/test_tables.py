"""Self-tests of lists of rows in a manifest: written column by column, to the same bytes.

Not here: every other form of JSON that evidence has (``test_canonical.py``).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.evidence import canonical

TEXTS = st.text(max_size=3) | st.sampled_from(["", "\n", "\ud800", '"', "%s", "},{", "\u2028"])
SINGLE = (
    TEXTS
    | st.none()
    | st.sampled_from([0, False, 0.0, -0.0, 1, True, 1.0, 10**40])
    | st.floats(allow_nan=False, allow_infinity=False)
)


def plain(value: object) -> bytes:
    """What Python's own module writes."""
    text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows of the same keys, few values of which differ from row to row."""
    keys = draw(st.lists(TEXTS, min_size=1, max_size=4, unique=True))
    few = {key: st.sampled_from(draw(st.lists(SINGLE, min_size=1, max_size=3))) for key in keys}
    return draw(st.lists(st.fixed_dictionaries(few), min_size=1, max_size=6))


@settings(max_examples=150, deadline=None, database=None)
@given(rows=tables())
def test_a_table_is_what_json_writes(rows: list[dict[str, Any]]) -> None:
    """Whether a column says one thing or many, and whatever its texts hold."""
    assert canonical.pretty({"artefacts": rows}) == plain({"artefacts": rows})


@pytest.mark.parametrize(
    "column",
    [
        pytest.param([1, True, 1.0], id="equal-and-not-the-same"),
        pytest.param([0.0, -0.0], id="two-noughts"),
        pytest.param(["1", 1], id="text-and-number"),
        pytest.param([None, "null"], id="none-and-its-word"),
        pytest.param([None, None], id="none-alone"),
        pytest.param([{}, 1], id="something-inside"),
    ],
)
def test_equal_values_keep_their_form(column: list[Any]) -> None:
    """What Python takes for the same is still written as what it is."""
    for values in (column, [*reversed(column)]):
        rows = [{"a": each, "b": "same"} for each in values]
        assert canonical.pretty(rows) == plain(rows)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([{1: "a"}, {True: "b"}], id="keys-equal-to-python"),
        pytest.param([{"a": 1}, {"b": 1}], id="another-key"),
        pytest.param([{"a": 1}, {"a": 1, "b": 2}], id="one-key-more"),
        pytest.param([{"a": 1, "b": 2}, {"a": 1}], id="one-key-less"),
        pytest.param([{"a": 1}, {}], id="an-empty-one"),
        pytest.param([{"a": 1}, "a"], id="a-text"),
        pytest.param([{"b": 1, "a": 2}, {"a": 1, "b": 2}], id="another-order"),
    ],
)
def test_rows_that_differ_are_what_json_writes(rows: list[Any]) -> None:
    """Rows of other keys are no table, and written as ever."""
    assert canonical.pretty(rows) == plain(rows)
