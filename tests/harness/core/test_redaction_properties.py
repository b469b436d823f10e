"""Self-tests of redaction over texts nobody thought of: pieces, again, JSON, every encoding."""

from __future__ import annotations

import base64
import html
import json
import random
import shlex
import urllib.parse
from collections.abc import Iterable
from pathlib import Path
from xml.sax import saxutils

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fixtures.core.redaction import Redactor, mask_json, rules
from fixtures.evidence import scan

KNOWN = "s3cr3t/Value+1é"
LINES = "first-line-0\nsecond-line"
MIXED = "aB3dE5gH7j" * 8

FRAGMENTS = (
    *(
        "password",
        "token",
        "api_key",
        "Authorization",
        "Cookie",
        "secret",
        "value",
        "name",
        "data",
    ),
    *("kind", "Secret", "--token", "curl -u a", "primary key", "Bearer ", "Basic ", "http", "://"),
    *("=", ":", ": ", " ", "  ", "\n", "\r\n", "\r", ",", ";", "&", "?", "@", "/", ".", "-", "_"),
    *('"', "'", '\\"', "\\\\", "\\n", "\\", "&quot;", "&amp;", "{", "}", "[", "]", "<", ">", "|"),
    *("abc", "hunter2", "1", "12345", "é", "null", "$TOKEN", "x", "[REDACTED:s-1]", "[REDACTED:"),
    *("ghp_" + MIXED[:36], "AKIA" + "ABCDEFGH23456723", "eyJ" + MIXED[:9] + "." + MIXED[:12]),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "MIIE\n",
        "data:\n",
        "  a: Yg==\n",
    ),
    *(
        "kind: Secret\n",
        "- name: DB_PASSWORD\n",
        "  value: hunter2\n",
        "---\n",
        "xoxb-" + MIXED[:20],
    ),
    *(
        KNOWN,
        KNOWN[:7],
        KNOWN[7:],
        LINES,
        "first-line-0",
        base64.b64encode(KNOWN.encode()).decode(),
    ),
)
# By its number: Hypothesis writes what a strategy is made of into JUnit reports, where made-up
# secrets are secrets to whoever looks for such.
FRAGMENT = st.sampled_from(range(len(FRAGMENTS))).map(lambda number: FRAGMENTS[number])
TEXTS = st.lists(FRAGMENT, max_size=24).map("".join)
BYTES = (
    *(each.encode() for each in FRAGMENTS),
    *(
        b"\x1b[31m",
        b"\x1b[0m",
        b"\x1b[",
        b"\x1b]0;t\x07",
        b"\x1b",
        b"\x1b\\",
        b"\x9c",
        b"\x07",
    ),
    *(b"\x9b1m", b"\xc2\x9b1m", b"\x9b", b"\xc2", b"\xe2\x82", b"\x9d", b"\x90q", b"\xf0"),
    *(b"\x1bP1q", b"\x1b_x", b"\x1b^y", b"\x1bXz", b"\x1b[" + b"1;" * 90 + b"m"),
    *(b"\b", b"x\b", b"\xc3\xa9\b", b"\b\b\b", b"\0", b"\x7f", b"\x0e", b"\r"),
    *(KNOWN.encode("utf-16-le"), KNOWN[:7].encode("utf-16-be"), "\r".join(KNOWN).encode()),
    b"ghp\\u005f" + MIXED[:36].encode(),
)
CODES = st.lists(
    st.sampled_from(range(len(BYTES))).map(lambda number: BYTES[number]), max_size=20
).map(b"".join)
thorough = settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)


def a_redactor() -> Redactor:
    """A redactor that knows two values."""
    known = Redactor()
    known.register(KNOWN, name="ONE")
    known.register(LINES, name="TWO")
    return known


def streamed(redactor: Redactor, pieces: Iterable[bytes]) -> bytes:
    """What a stream writes of these pieces."""
    written: list[bytes] = []
    stream = redactor.stream(written.append)
    for piece in pieces:
        stream.feed(piece)
    stream.finish()
    return b"".join(written)


def cut_up(data: bytes, sizes: list[int]) -> Iterable[bytes]:
    """The same bytes in pieces of these sizes, again and again."""
    at, number = 0, 0
    while at < len(data):
        yield data[at : at + sizes[number % len(sizes)]]
        at += sizes[number % len(sizes)]
        number += 1


@thorough
@given(text=TEXTS, sizes=st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_pieces_are_masked_as_the_whole(text: str, sizes: list[int]) -> None:
    """Wherever a text is cut, what is written is what masking it at once gives."""
    # A stream ends every line with a line feed, and sees a value on both sides of a return.
    data = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    assert streamed(a_redactor(), cut_up(data, sizes)) == a_redactor().mask_bytes(data)


@thorough
@given(data=CODES, sizes=st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_codes_change_nothing(data: bytes, sizes: list[int]) -> None:
    """With control codes in it, too: pieces and whole are one, and no code is left."""
    whole = streamed(a_redactor(), [data])
    assert streamed(a_redactor(), cut_up(data, sizes)) == whole
    assert not [byte for byte in whole if byte == 127 or (byte < 32 and byte not in b"\t\n")]
    assert "\x9b" not in whole.decode("utf-8", "replace")


@thorough
@given(text=TEXTS)
def test_masked_text_is_not_masked_again(text: str) -> None:
    """A report is made from ledger lines that were masked before."""
    known = a_redactor()
    once = known.mask_text(text)
    assert known.mask_text(once) == once


@thorough
@given(text=TEXTS)
def test_a_masked_text_stays_masked_in_other_clothes(text: str) -> None:
    """Quoted for HTML, for a shell or as JSON, masked text is still masked text."""
    known = a_redactor()
    once = known.mask_text(text)
    for dress in (html.escape(once), json.dumps(once)[1:-1]):
        # What quoting puts in may read as a value: `password="` has none, `password=&quot;` has.
        put_in = len(dress) - len(once)
        again = known.mask_text(dress)
        assert again.count("[REDACTED:") <= dress.count("[REDACTED:") + put_in


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**9) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(FRAGMENT | TEXTS, inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("strategy", [TEXTS, CODES, VALUES], ids=["texts", "codes", "values"])
def test_what_is_said_of_a_strategy_is_no_secret(
    strategy: st.SearchStrategy[object], tmp_path: Path
) -> None:
    """Hypothesis writes it into JUnit reports, which are withheld where a secret is found."""
    (tmp_path / "told").write_text(str(strategy), "utf-8")
    assert scan.leaks_of(tmp_path / "told", values=()) == ()


@thorough
@given(value=VALUES)
def test_a_masked_tree_is_json_and_is_not_masked_again(value: object) -> None:
    """What the sink writes of a payload can be read, and saved again."""
    known = a_redactor()
    once = mask_json(known, value)
    assert json.loads(json.dumps(once)) == once
    assert mask_json(known, once) == once


@thorough
@given(value=VALUES, indent=st.sampled_from([None, 2]), ascii_only=st.booleans())
def test_json_masked_as_text_is_json(value: object, indent: int | None, ascii_only: bool) -> None:
    """Lines of JSON, and JSON in a log, are masked without being read."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    json.loads(a_redactor().mask_text(text))


SECRETS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]),
    min_size=8,
    max_size=40,
)


def outputs(text: str) -> dict[str, bytes]:
    """A text as each file of a bundle would hold it."""
    return {
        "log": text.encode(),
        "json": json.dumps({"a": text}).encode(),
        "json-utf8": json.dumps({"a": text}, ensure_ascii=False).encode(),
        "junit": saxutils.quoteattr(text).encode(),
        "html": html.escape(text).encode(),
        "ledger": json.dumps({"argv": [text], "b": json.dumps(text)}).encode(),
        "shell": shlex.join(["x", text]).encode(),
    }


def encoded(value: str) -> dict[str, str]:
    """A value in every encoding it may turn up in, made with the means of others."""
    raw = value.encode()
    return {
        "raw": value,
        "json": json.dumps(value)[1:-1],
        "json-utf8": json.dumps(value, ensure_ascii=False)[1:-1],
        "url": urllib.parse.quote(value, safe=""),
        "url-path": urllib.parse.quote(value),
        "form": urllib.parse.quote_plus(value),
        "html": html.escape(value),
        "shell": shlex.quote(value),
        "repr": repr(value),
        "hex": raw.hex(),
        "hex-upper": raw.hex().upper(),
        "base64": base64.b64encode(raw).decode(),
        "base64-2": base64.b64encode(b"x" + raw + b"y").decode(),
        "base64-3": base64.b64encode(b"xy" + raw + b"yz").decode(),
        "base64url": base64.urlsafe_b64encode(raw).decode(),
        "base64url-2": base64.urlsafe_b64encode(b"x" + raw + b"y").decode(),
        "base64url-3": base64.urlsafe_b64encode(b"xy" + raw + b"yz").decode(),
        "unicode": "".join(f"\\u{ord(each):04x}" for each in value if ord(each) < 0x10000),
        "unicode-upper": "".join(f"\\u{ord(each):04X}" for each in value if ord(each) < 0x10000),
        "percent": "".join(f"%{byte:02X}" for byte in raw),
    }


def readable(data: bytes) -> str:
    """What a reader could get out of a text: every decoding, one after the other."""
    text = data.decode()
    found = [text, html.unescape(text), urllib.parse.unquote_plus(text)]
    found += [each.replace("\\\\", "\\").replace('\\"', '"').replace("\\'", "'") for each in found]
    return "\0".join(found)


FIXED = (
    "p@ss w0rd/\"q'+é%x",
    "hunter2hunter2",
    "a+b/c=d&e<f>g",
    "Ünïcødé-geheim-✓",
    "x" * 8 + "~`$!",
)


@pytest.mark.parametrize("secret", FIXED, ids=range(len(FIXED)))
def test_every_encoding_in_every_output(secret: str) -> None:
    """Of a registered value no encoding is left in any kind of file."""
    for form, text in encoded(secret).items():
        # What JSON or HTML makes of a backslash or a quote is another encoding again.
        for kind, data in outputs(f"before {text} after").items():
            if form != "raw" and text.replace("\\", "\\\\").encode() not in data:
                continue
            known = Redactor()
            known.register(secret, name="S")
            shown = known.mask_bytes(data)
            assert b"[REDACTED:v-1]" in shown, (form, kind)
            assert secret not in readable(shown), (form, kind)
            assert text.encode() not in shown or text == "x", (form, kind)
            pieces = streamed(known, cut_up(data, [3]))
            assert pieces == shown, (form, kind)


@settings(max_examples=60, deadline=None, database=None)
@given(secret=SECRETS)
def test_no_registered_value_survives(secret: str) -> None:
    """Whatever the value: raw, in JSON, in a URL, in HTML, in base64, it is gone."""
    assume(secret.strip() == secret and secret not in "[REDACTED:v-1]")
    known = Redactor()
    known.register(secret, name="S")
    for text in encoded(secret).values():
        assert secret not in known.mask_text(f"a {text} b")


def test_long_lines_are_cut_where_nothing_is_masked() -> None:
    """One endless line is written as it goes, and masked as if it were whole."""
    dice = random.Random(11)
    words = [
        "abc",
        "token=" + MIXED[:30],
        "ghp_" + MIXED[:36],
        "key",
        "x.y",
        KNOWN,
        "https://u:pw@h",
    ]
    line = " ".join(dice.choice(words) for _ in range(20_000)).encode()
    assert len(line) > 4 * rules.HOLD_BYTES
    whole = a_redactor().mask_bytes(line)
    for size in (997, 65_536):
        written: list[bytes] = []
        stream = a_redactor().stream(written.append)
        for piece in cut_up(line, [size]):
            stream.feed(piece)
        assert sum(map(len, written)) > len(whole) - 3 * rules.HOLD_BYTES - size
        stream.finish()
        assert b"".join(written) == whole
