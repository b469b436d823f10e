"""Self-tests of JSON as evidence writes and reads it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.evidence import canonical

WRITERS: dict[str, Callable[[object], bytes]] = {
    "pretty": canonical.pretty,
    "line": canonical.line,
    "payload": canonical.payload,
}
TEXT = st.text() | st.sampled_from(["\ud800", "a\udfffb", "\u2028", '"\\', "\x00"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("form", WRITERS)
@settings(max_examples=40, deadline=None, database=None)
@given(value=VALUES)
def test_what_is_written_reads_back(form: str, value: object) -> None:
    """Every value survives, and is written the same way again: even text that is no UTF-8."""
    data = WRITERS[form](value)
    assert canonical.read(data) == value
    assert WRITERS[form](canonical.read(data)) == data
    assert data.endswith(b"\n")


@settings(max_examples=100, deadline=None, database=None)
@given(value=VALUES)
def test_pretty_is_what_json_writes(value: object) -> None:
    """Byte by byte: whoever has only Python's own module can check a manifest's form."""
    text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    assert canonical.pretty(value) == text.encode("utf-8", "backslashreplace") + b"\n"


@pytest.mark.parametrize("value", [{1: {2: []}}, {True: ()}, {None: {}}, {1.5: (1, "é")}])
def test_pretty_makes_texts_of_keys(value: object) -> None:
    """Keys that are none become texts, as Python's own module has it."""
    assert canonical.pretty(value) == (
        json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False).encode() + b"\n"
    )


def test_a_row_keeps_its_order_on_one_line() -> None:
    """One of many rows: no blanks, no end of line, what is no UTF-8 escaped."""
    assert canonical.row({"b": 1, "a": "é\ud800"}) == '{"b":1,"a":"é\\ud800"}'.encode()
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical.row({"b": float("nan")})


def test_a_line_is_one_line() -> None:
    """Whatever is in it, a ledger line has one end of line: its own."""
    assert canonical.line({"b": "1\n2\u2028\r", "a": 1}).count(b"\n") == 1
    assert canonical.line({"b": 1, "a": 2}) == b'{"a":2,"b":1}\n'


def test_a_payload_keeps_its_order() -> None:
    """What an API answered is written in its own order."""
    assert canonical.payload({"b": 1, "a": "é"}) == '{\n  "b": 1,\n  "a": "é"\n}\n'.encode()


def test_pretty_sorts() -> None:
    """What we say ourselves is sorted: equal content, equal bytes."""
    assert canonical.pretty({"b": 1, "a": 2}) == canonical.pretty({"a": 2, "b": 1})


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")], ids=str)
def test_no_number_is_no_json(form: str, value: float) -> None:
    """What no other reader takes is not written."""
    with pytest.raises(ValueError, match="float"):
        WRITERS[form]({"a": [value]})


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"a": 1, "a": 2}', id="key-twice"),
        pytest.param(b'{"a": {"b": 1, "b": 1}}', id="inner-key-twice"),
        pytest.param(b'{"a": 1, "\\u0061": 2}', id="key-twice-escaped"),
        pytest.param(b"NaN", id="nan"),
        pytest.param(b"[Infinity]", id="infinity"),
        pytest.param(b"[-Infinity]", id="minus-infinity"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte-order-mark"),
        pytest.param(json.dumps({}).encode("utf-16"), id="utf-16"),
        pytest.param(b'"\xff"', id="no-utf-8"),
        pytest.param(b'"\xed\xa0\x80"', id="surrogate-as-bytes"),
        pytest.param(b"", id="empty"),
        pytest.param(b"{} {}", id="two"),
        pytest.param(b"{'a': 1}", id="python"),
        pytest.param(b'{"a": 1,}', id="trailing-comma"),
        pytest.param(b'"a\nb"', id="raw-newline"),
    ],
)
def test_what_another_reader_might_read_otherwise_is_refused(data: bytes) -> None:
    """Reading is strict: one text, one meaning."""
    with pytest.raises(ValueError, match=r"."):
        canonical.read(data)
