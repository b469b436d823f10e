"""Self-tests of redaction: a known secret never reaches the disk."""

from __future__ import annotations

import base64
import html
import json
import shlex
import urllib.parse
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.core import errors
from fixtures.core.redaction import SHORTEST_VALUE, Redactor, encodings, mask_json

SECRET = 'p@ss/wörd&"it\'s" + 1%'
MASK = "[REDACTED:v-1]"

ENCODED = {
    "raw": SECRET,
    "json": json.dumps(SECRET)[1:-1],
    "json-utf8": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "python-repr": repr(SECRET)[1:-1],
    "shell": shlex.quote(SECRET)[1:-1],
    "url": urllib.parse.quote(SECRET, safe=""),
    "url-path": urllib.parse.quote(SECRET),
    "url-form": urllib.parse.quote_plus(SECRET),
    "url-javascript": urllib.parse.quote(SECRET, safe="!'()*"),
    "url-small-hex": "p%40ss%2fw%c3%b6rd%26%22it%27s%22%20%2b%201%25",
    "html": html.escape(SECRET),
    "html-jinja": html.escape(SECRET).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "hex": SECRET.encode().hex(),
    "hex-upper": SECRET.encode().hex().upper(),
}


def a_redactor(*values: str) -> Redactor:
    """A redactor that knows these values."""
    known = Redactor()
    for number, value in enumerate(values):
        known.register(value, name=f"S{number}")
    return known


def streamed(redactor: Redactor, text: bytes, size: int) -> tuple[bytes, Counter[str]]:
    """Mask a text that arrives in pieces of that size."""
    written: list[bytes] = []
    stream = redactor.stream(written.append)
    for start in range(0, len(text), size):
        stream.feed(text[start : start + size])
    stream.finish()
    return b"".join(written), stream.counts


@pytest.mark.parametrize("form", ENCODED)
def test_every_encoding_is_masked(form: str) -> None:
    """However a value turns up, nothing of it stays."""
    masked = a_redactor(SECRET).mask_text(f"before {ENCODED[form]} after")
    assert masked == f"before {MASK} after"


@pytest.mark.parametrize("before", ["", "x", "xy", "user:", "longer-user:"])
@pytest.mark.parametrize("after", ["", "z", "zz", "@host"])
@pytest.mark.parametrize("alphabet", ["standard", "url"])
def test_base64_is_masked_at_any_offset(before: str, after: str, alphabet: str) -> None:
    """Inside a longer base64 text the value is not to be read back."""
    encode = base64.b64encode if alphabet == "standard" else base64.urlsafe_b64encode
    text = encode(f"{before}{SECRET}{after}".encode()).decode()
    masked = a_redactor(SECRET).mask_text(f"Basic {text}")
    assert MASK in masked
    left = masked.removeprefix("Basic ").split(MASK)
    assert sum(map(len, left)) < len(before) * 4 // 3 + len(after) * 4 // 3 + 12


def test_equal_values_have_equal_masks() -> None:
    """Two secrets are told apart, one secret is recognised."""
    known = a_redactor("first-secret", "second-secret")
    known.register("first-secret", name="AGAIN")
    assert known.mask_text("first-secret second-secret first-secret") == (
        "[REDACTED:v-1] [REDACTED:v-2] [REDACTED:v-1]"
    )


def test_masks_are_counted() -> None:
    """What was masked is counted by mask, never by value."""
    counts: Counter[str] = Counter()
    a_redactor("abcdefgh").mask_text("abcdefgh abcdefgh", counts=counts)
    assert counts == {MASK: 2}
    assert Redactor.MASK.fullmatch(MASK)


def test_nothing_known_changes_nothing() -> None:
    """Without a secret every text stays as it is."""
    assert a_redactor().mask_text("anything") == "anything"
    assert a_redactor().mask_bytes(b"\xff\x00") == b"\xff\x00"


@pytest.mark.parametrize("value", ["", "x", "12345"])
def test_short_secrets_are_refused(value: str) -> None:
    """So short a value would blank the evidence; the message does not tell it."""
    with pytest.raises(errors.SettingsInvalid, match="THE_NAME") as caught:
        Redactor().register(value, name="THE_NAME")
    assert not value or value not in str(caught.value)


def test_no_encoding_is_shorter_than_a_secret_may_be() -> None:
    """A variant of a few characters would mask innocent text."""
    assert min(map(len, encodings("a" * SHORTEST_VALUE))) >= SHORTEST_VALUE


@pytest.mark.parametrize(
    ("values", "text", "masked"),
    [
        (("secret-one", "secret-one-longer"), "secret-one-longer", "[REDACTED:v-2]"),
        (("secret-one-longer", "secret-one"), "secret-one-longe", "[REDACTED:v-2]-longe"),
        (("abcdef", "cdefghij"), "abcdefghijk", "[REDACTED:v-2]k"),
        (("cdefgh", "abcdefghij"), "xabcdefghijx", "x[REDACTED:v-2]x"),
        (("aaaaaa",), "aaaaaaaaaaaaab", "[REDACTED:v-1]b"),
    ],
    ids=["longer-wins", "longer-cut-off", "crossing", "one-inside-another", "repeating"],
)
def test_overlapping_values(values: tuple[str, ...], text: str, masked: str) -> None:
    """Of values that overlap nothing is left, and the longest names the mask; in pieces too."""
    known = a_redactor(*values)
    assert known.mask_text(text) == masked
    for size in range(1, len(text) + 1):
        assert streamed(known, text.encode(), size)[0] == masked.encode()


PARTS = st.sampled_from(
    [
        *("abcdef", "cdefghij", "abcdefabcdeg", "abc", "def", "a", "gh", "\n", "\r\n", "é"),
        *("\x1b[31m", "\x1b[0m", "\x1b[", "\x1b", "\x1b]8;;http://a\x1b\\", "\x1b]", "\x07", "m"),
        *("\x1b(B", "31", ";", "YWJjZGVm", "616263646566", "[REDACTED:v-1]"),
    ]
)


@settings(max_examples=100, deadline=None, database=None)
@given(parts=st.lists(PARTS, max_size=14), cuts=st.lists(st.integers(1, 9), min_size=1))
def test_pieces_and_whole_are_masked_alike(parts: list[str], cuts: list[int]) -> None:
    """Wherever a text is cut, what is written is the same."""
    known = a_redactor("abcdef", "cdefghij", "abcdefabcdeg")
    text = "".join(parts).encode()
    whole, counted = streamed(known, text, max(len(text), 1))
    written: list[bytes] = []
    stream = known.stream(written.append)
    start = 0
    for number in range(len(text)):
        if start >= len(text):
            break
        size = cuts[number % len(cuts)]
        stream.feed(text[start : start + size])
        start += size
    stream.finish()
    assert b"".join(written) == whole
    assert stream.counts == counted


@settings(max_examples=40, deadline=None, database=None)
@given(
    text=st.text("abcdefgh\x1b[m]0", max_size=40),
    values=st.lists(st.text("abcdefgh", min_size=6, max_size=9), min_size=1, max_size=3),
)
def test_every_piece_size_gives_the_same(text: str, values: list[str]) -> None:
    """Byte by byte or at once: the same is written, and no value is in it."""
    known = a_redactor(*dict.fromkeys(values))
    raw = text.encode()
    whole = streamed(known, raw, max(len(raw), 1))
    for size in range(1, len(raw) + 1):
        assert streamed(known, raw, size) == whole
    if "\x1b" not in text:
        assert whole[0] == known.mask_bytes(raw)


@pytest.mark.parametrize(
    "code",
    [
        "\x1b[31m",
        "\x1b[1;38;5;208m",
        "\x1b[2K",
        "\x1b[?25l",
        "\x1b]0;title\x07",
        "\x1b]8;;https://example.org/" + "x" * 1500 + "\x1b\\",
        "\x1b(B",
        "\x1b7",
        "\x1bM",
        "\x1b=",
    ],
    ids=["colour", "256-colours", "erase", "cursor", "title", "link", "charset", "7", "M", "="],
)
def test_codes_are_taken_out_wherever_they_are_cut(code: str) -> None:
    """A log holds no terminal codes, and a value is found through them."""
    known = a_redactor("secret-value")
    text = f"one {code}two sec{code}ret-value".encode()
    sizes = range(1, len(text) + 1) if len(text) < 200 else (1, 7, 255, 1400, len(text))
    for size in sizes:
        assert streamed(known, text, size)[0] == b"one two [REDACTED:v-1]"


HIDDEN = {
    "utf-16-le": "secret-value".encode("utf-16-le"),
    "utf-16-be": "secret-value".encode("utf-16-be"),
    "utf-16-bom": "secret-value".encode("utf-16"),
    "zeros": b"s\0\0e\0cret-va\0lue",
    "return": b"secret-va\rlue",
    "returns": b"s\r\re\rcret-va\rlue",
    "overstrike": b"x\bs\bsecrex\bt-value",
    "typed-over": b"secret-vexy\b\b\balue",
    "long-colour": b"secret\x1b[" + b"38;5;208;" * 40 + b"m-value",
    "c1-csi": b"secret\x9b31m-value",
    "c1-csi-utf-8": "secret\x9b31m-value".encode(),
    "dcs": b"secret\x1bP1$r0m\x1b\\-value",
    "apc": b"secret\x1b_Gi=1;x\x1b\\-value",
    "pm": b"secret\x1b^note\x1b\\-value",
    "sos": b"secret\x1bXnote\x1b\\-value",
    "c1-dcs": b"secret\x90q\x9c-value",
    "c1-osc-utf-8": "secret\x9d0;title\x9c-value".encode(),
    "control-bytes": b"se\x01c\x0bret\x7f-v\x1aalue",
    "code-within-utf-16": "secret\x1b[1m-value".encode("utf-16-le"),
}


@pytest.mark.parametrize("form", HIDDEN)
def test_control_codes_hide_nothing(form: str) -> None:
    """In a stream however it is cut, and in a whole text: the value is gone, so are the codes."""
    known = a_redactor("secret-value")
    text = b"one " + HIDDEN[form] + b" two\n"
    whole = streamed(known, text, len(text))[0].removeprefix(b"one ")
    assert whole.strip(b"\xff\xfe") == b"[REDACTED:v-1] two\n"
    for size in (1, 2, 3, 7):
        assert streamed(known, text, size)[0].removeprefix(b"one ") == whole
    masked = known.mask_bytes(text)
    assert b"[REDACTED:v-1]" in masked
    assert b"ret" not in masked


def test_wide_letters_hide_nothing() -> None:
    """A value that is not ASCII is found in UTF-16, too."""
    known = a_redactor("gehéim-ü-✓-ą")
    for form in ("utf-16-le", "utf-16-be"):
        text = "one gehéim-ü-✓-ą two".encode(form)
        assert b"[REDACTED:v-1]" in known.mask_bytes(text)
        for size in (1, 5, len(text)):
            assert b"[REDACTED:v-1]" in streamed(known, text, size)[0]


def test_letters_are_no_codes() -> None:
    """Bytes of letters that would be codes on their own stay, wherever a text is cut."""
    text = "“é” › 日本 😀 ě\tend\n".encode()
    for size in range(1, len(text) + 1):
        assert streamed(a_redactor("secret-value"), text, size)[0] == text


@pytest.mark.parametrize("dash", ["\\u005f", "\\u005F", "\\x5f", "\\\\u005f"])
def test_escaped_tokens_are_masked(dash: str) -> None:
    """A known format is known with its punctuation escaped, at once and in pieces."""
    text = f'{{"a": "ghp{dash}{"aB3dE5gH7j" * 4}", "b": "x{dash}y"}}\n'
    masked = a_redactor().mask_text(text)
    assert masked == f'{{"a": "[REDACTED:p-1]", "b": "x{dash}y"}}\n'
    assert streamed(a_redactor(), text.encode(), 5)[0] == masked.encode()


@pytest.mark.parametrize("begin", [b"\x1b[", b"\x1b]", b"\x1b"], ids=["csi", "osc", "escape"])
def test_a_code_without_end_does_not_hold_the_stream(begin: bytes) -> None:
    """What only begins like a code is written in the end; memory does not grow with it."""
    written: list[bytes] = []
    stream = a_redactor("secret-value").stream(written.append)
    stream.feed(begin)
    for _ in range(500):
        stream.feed(b"0" * 1000)
    assert sum(map(len, written)) > 400_000


def test_a_line_is_not_held_back() -> None:
    """What cannot begin a value is written at once: a reader follows a log as it grows."""
    written: list[bytes] = []
    stream = a_redactor("secret-value").stream(written.append)
    stream.feed(b"step 1 done\n")
    assert written == [b"step 1 done\n"]


def test_json_is_masked_string_by_string() -> None:
    """Texts, keys, and numbers that are a secret; what is written is JSON again."""
    known = a_redactor("quiet-word", "12345678")
    counts: Counter[str] = Counter()
    value = {
        "quiet-word": ["a quiet-word", {"deep": ("quiet-word",)}],
        "number": 12345678,
        "float": 1.5,
        "flag": True,
        "none": None,
        "other": 42,
    }
    masked = mask_json(known, value, counts)
    assert masked == {
        "[REDACTED:v-1]": ["a [REDACTED:v-1]", {"deep": ["[REDACTED:v-1]"]}],
        "number": "[REDACTED:v-2]",
        "float": 1.5,
        "flag": True,
        "none": None,
        "other": 42,
    }
    assert counts == {"[REDACTED:v-1]": 3, "[REDACTED:v-2]": 1}
    assert json.loads(json.dumps(masked)) == masked


def test_what_repeats_is_masked_each_time() -> None:
    """Rows say the same again and again: what is remembered of the first is no way through."""
    counts: Counter[str] = Counter()
    rows = [{"state": "fine", "note": "a quiet-word"}] * 3
    masked = mask_json(a_redactor("quiet-word"), rows, counts)
    assert masked == [{"state": "fine", "note": "a [REDACTED:v-1]"}] * 3
    assert counts == {"[REDACTED:v-1]": 3}


def test_lone_surrogates_pass() -> None:
    """A file name that is no UTF-8 neither breaks masking nor hides a value."""
    known = a_redactor("secret-\udcff-value")
    assert known.mask_text("a \udcfe secret-\udcff-value") == "a \udcfe [REDACTED:v-1]"
