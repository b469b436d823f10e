"""Texts, objects, values and pages lose their secrets, and nothing else."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import Any

import pytest

from fixtures.core.redaction import Redactor
from fixtures.evidence import reconcile
from fixtures.procedures.masking import Mask

SECRET = "p@ss w0rd/\"q'+é%x<&>"


@pytest.fixture
def mask() -> Mask:
    """A mask that knows one value."""
    redactor = Redactor()
    redactor.register(SECRET, name="x")
    return Mask(redactor)


@dataclass(frozen=True)
class Shown:
    """Frozen, as a subtest's context is."""

    text: str
    inner: Any = None


class Unknown:
    """Neither a dataclass nor a thing for the terminal."""

    def __init__(self) -> None:
        self.text = SECRET


def test_colour_codes_hide_nothing(mask: Mask) -> None:
    """A value cut by colour codes is masked; a text without one keeps its colours."""
    assert mask.text(f"\x1b[31m{SECRET[:4]}\x1b[0m{SECRET[4:]} end") == "[REDACTED:v-1] end"
    assert mask.text("\x1b[31mred\x1b[0m") == "\x1b[31mred\x1b[0m"


def test_masking_twice_is_masking_once(mask: Mask) -> None:
    """A mask is no secret."""
    once = mask.text(f"a {SECRET} b")
    assert mask.text(once) == once == "a [REDACTED:v-1] b"


def test_objects_are_masked_where_they_stand(mask: Mask) -> None:
    """Frozen, nested, shared and circular ones too; containers are made anew."""
    inner = Shown(SECRET)
    outer = Shown("plain", inner=[("name", inner), {SECRET: inner}])
    object.__setattr__(inner, "inner", outer)
    masked = mask.tree([outer])
    assert masked == [outer]
    assert inner.text == "[REDACTED:v-1]"
    assert list(outer.inner[1]) == ["[REDACTED:v-1]"]


def test_unknown_objects_are_left_alone(mask: Mask) -> None:
    """What shows itself nowhere is not ours to change."""
    unknown = Unknown()
    assert mask.tree(unknown) is unknown
    assert unknown.text == SECRET


def test_plain_values_can_travel(mask: Mask) -> None:
    """Anything becomes JSON, masked; an object as the text it shows."""
    value = {1: (SECRET, Shown("a")), "b": [None, True, 2.5, SECRET.encode()]}
    plain = mask.plain(value)
    assert plain["1"][0] == "[REDACTED:v-1]"
    assert plain["b"][:3] == [None, True, 2.5]
    assert SECRET not in json.dumps(plain, ensure_ascii=False)


def test_xml_is_masked_as_it_reads(mask: Mask) -> None:
    """Whatever XML made of a value, in an attribute or a text; untouched without one."""
    quoted = html.escape(SECRET)
    spaced = "".join(f"&#{ord(each)};" for each in SECRET)
    junit = f'<testsuites><testsuite a="{spaced}">{quoted}</testsuite></testsuites>'
    root = reconcile.read(mask.xml(junit.encode()))
    (suite,) = root
    assert (suite.get("a"), suite.text) == ("[REDACTED:v-1]", "[REDACTED:v-1]")
    plain = b"<testsuites  ><testsuite/></testsuites>"
    assert mask.xml(plain) == plain


def test_rows_of_a_page_are_masked(mask: Mask) -> None:
    """A page's rows are JSON in an attribute; the page around it is a text."""
    row = html.escape(json.dumps({"tests": {"a": [html.escape(SECRET)]}}))
    page = f'<p>{html.escape(SECRET)}</p><div data-jsonblob="{row}"></div>'
    masked = mask.page(page)
    assert masked.count("[REDACTED:v-1]") == 2
    assert html.unescape(html.unescape(masked)).count(SECRET) == 0
    assert (
        mask.page('<div data-jsonblob="{no JSON"></div>') == '<div data-jsonblob="{no JSON"></div>'
    )
