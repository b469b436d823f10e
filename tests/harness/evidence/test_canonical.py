"""Self-tests of JSON as evidence writes and reads it."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.evidence import canonical
from tests.harness.often import often

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
@often(40)
@given(value=VALUES)
def test_what_is_written_reads_back(form: str, value: object) -> None:
    """Every value survives, and is written the same way again: even text that is no UTF-8."""
    data = WRITERS[form](value)
    assert canonical.read(data) == value
    assert WRITERS[form](canonical.read(data)) == data
    assert data.endswith(b"\n")


@often(100)
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


BRACES = ["},{", "},\n    {", "}", "{", "[", '"},\n  {"', "\n", "\\"]
ROWS = st.lists(
    st.dictionaries(
        TEXT | st.sampled_from(BRACES),
        st.none() | st.booleans() | st.integers() | TEXT | st.sampled_from(BRACES),
        max_size=3,
    ),
    max_size=5,
)


@often(100)
@given(rows=ROWS, beside=VALUES)
def test_rows_are_what_json_writes(rows: list[dict[str, Any]], beside: object) -> None:
    """Lists of flat mappings go another way, to the same bytes: whatever their texts look like."""
    for value in (rows, {"a": rows, "b": [rows, beside]}, [*rows, beside]):
        text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
        assert canonical.pretty(value) == text.encode("utf-8", "backslashreplace") + b"\n"


@pytest.mark.parametrize("short", [-1, 0, 1], ids=["one-less", "as-many", "one-more"])
@pytest.mark.parametrize("times", [1, 2])
def test_many_rows_are_what_json_writes(times: int, short: int) -> None:
    """At the seams between those that are written together, too."""
    rows = [{"path": f"{n}.log", "n": n} for n in range(times * canonical.TOGETHER + short)]
    body = {"artefacts": rows}
    assert canonical.pretty(body) == json.dumps(body, sort_keys=True, indent=2).encode() + b"\n"
    lines = [canonical.line(row) for row in rows]
    assert canonical.read_lines([each.rstrip(b"\n") for each in lines]) == rows


class Kind(enum.IntEnum):
    """A number with a name."""

    ONE = 1


@pytest.mark.parametrize(
    "row", [{"a": Kind.ONE}, {1: "a"}, {"a": ()}, {"a": {}}, {}, {"a": 1e300}]
)
def test_odd_rows_are_what_json_writes(row: dict[Any, Any]) -> None:
    """Only plain values go the quick way; the rest is written as ever."""
    for value in ([row], [{"a": 1}, row], [row, row]):
        text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False)
        assert canonical.pretty(value) == text.encode() + b"\n"


@often(60)
@given(values=st.lists(VALUES, max_size=4))
def test_lines_read_back(values: list[object]) -> None:
    """Many lines at once: each comes back as it was written."""
    lines = [canonical.line(each).removesuffix(b"\n") for each in values]
    assert canonical.read_lines(lines) == values


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([b'{"a":1},{"b":2', b'"c":3}'], id="an-end-of-line-elsewhere"),
        pytest.param([b'{"a":[{"b":1}', b'{"b":2}]},{"a":3}'], id="an-end-of-line-within"),
        pytest.param([b'{"a":1},{"b":2}'], id="two-in-one"),
        pytest.param([b'{"a":1}', b""], id="none-in-one"),
        pytest.param([b'{"a":1}', b' {"a":1}'], id="blank-before"),
        pytest.param([b'{"a":1} '], id="blank-after"),
        pytest.param([b'{"a":1}\r'], id="carriage-return"),
        pytest.param([b'{"a":1,"a":1}'], id="key-twice"),
        pytest.param([b'{"a":{"b":1,"b":2}}'], id="inner-key-twice"),
        pytest.param([b'{"b":1,"a":1}'], id="another-order"),
        pytest.param([b'{"\\u0061":1}'], id="escaped"),
        pytest.param([b'{"a":"\\ud83d\\ude00"}'], id="escaped-pair"),
        pytest.param([b'{"a":1.50}'], id="a-number-written-otherwise"),
        pytest.param([b'{"a":1e999}'], id="beyond-numbers"),
        pytest.param([b'{"a":NaN}'], id="nan"),
        pytest.param([b"\xef\xbb\xbf{}"], id="byte-order-mark"),
        pytest.param([b'{"a":"\xff"}'], id="no-utf-8"),
    ],
)
def test_lines_have_one_form(lines: list[bytes]) -> None:
    """What is compared together is refused as it would be line by line, wherever it stands."""
    for before in (0, 1, canonical.TOGETHER - 1, canonical.TOGETHER):
        with pytest.raises(ValueError, match=r"."):
            canonical.read_lines([b'{"a":1}'] * before + lines + [b'{"a":1}'])


@often(150)
@given(
    values=st.lists(st.dictionaries(st.sampled_from("ab"), VALUES), min_size=1, max_size=4),
    place=st.integers(0, 10_000),
    piece=st.sampled_from([b",", b"\n", b"},{", b" ", b'"', b"}", b"1", b"\\", b""]),
    taken=st.integers(0, 2),
)
def test_together_is_one_by_one(
    values: list[object], place: int, piece: bytes, taken: int
) -> None:
    """Whatever somebody does to a byte: taken is exactly what line by line would be."""
    text = b"".join(map(canonical.line, values)).removesuffix(b"\n")
    place %= len(text) + 1
    lines = (text[:place] + piece + text[place + taken :]).split(b"\n")

    def one_by_one() -> list[object] | None:
        try:
            found = [canonical.read(each) for each in lines]
            fits = [canonical.line(each).removesuffix(b"\n") for each in found] == lines
        except ValueError:
            return None
        return found if fits else None

    try:
        together = canonical.read_lines(lines)
    except ValueError:
        assert one_by_one() is None
    else:
        assert together == one_by_one()


def test_a_line_of_another_form_is_named() -> None:
    """Which line it is says the error, however many stand before it."""
    lines = [b"{}"] * (canonical.TOGETHER + 7) + [b"{ }"]
    with pytest.raises(ValueError, match=f"line {len(lines)} is not written"):
        canonical.read_lines(lines)


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
