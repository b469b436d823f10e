"""Shapes: fields and types, never values, and no key that is a value."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.publishing.diff import shapes
from fixtures.publishing.diff.shapes import Change
from tests.harness.often import often

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)

LETTERS = list(itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=2))
"""More names than a field may have here."""


def told(value: Any) -> dict[str, str]:
    return {path: "|".join(sorted(types)) for path, types in shapes.of(value).items()}


def test_elements_are_merged() -> None:
    """A list of things is one thing, with every field any of them has."""
    assert told({"runs": [{"id": "a"}, {"id": None, "n": 1.5}, 3]}) == {
        "runs": "array",
        "runs[]": "number|object",
        "runs[].id": "null|string",
        "runs[].n": "number",
    }


@pytest.mark.parametrize(
    "key",
    [
        "3f1c2a7e-91d4-4c55-b1f0-7f6a2d9e8c10",
        "job:hotpass.local:pipeline",
        "/data/customers.xlsx",
        "ann@example.org",
        "0123456789abcdef",
        "run 12",
        "x" * 61,
        "arc-eph-12345",
        "",
    ],
)
def test_keys_that_are_values_are_not_shown(key: str) -> None:
    """A map by id, name or path: its keys are as private as its values."""
    assert told({"by": {key: {"size": 1}}}) == {
        "by": "object",
        "by.*": "object",
        "by.*.size": "number",
    }


@pytest.mark.parametrize("key", ["latestRun", "_links", "@type", "in-edges", "sha256", "$ref"])
def test_names_of_fields_are_shown(key: str) -> None:
    """What an API calls a field is what a reader looks for."""
    assert key in told({key: 1})


def test_our_own_mark_is_no_part_of_it(tmp_path: Path) -> None:
    """What we put beside a payload is not what a system answered; below the top it is theirs."""
    assert told({"_rehearsal": {"mode": "x"}, "a": 1}) == {"a": "number"}
    assert "a._rehearsal" in told({"a": {"_rehearsal": 1}})
    lines = tmp_path / "events.ndjson"
    lines.write_text('{"_rehearsal":{"mode":"x"}}\n{"a":1}\n{"a":"b"}\n')
    assert {k: set(v) for k, v in shapes.read(lines).items()} == {
        "[]": {"object"},
        "[].a": {"number", "string"},
    }


@often(100)
@given(JSON, JSON)
def test_comparing_is_sound(one: Any, other: Any) -> None:
    """Nothing differs from itself; new one way is gone the other; no string value is ever told."""
    before, after = shapes.of(one), shapes.of(other)
    assert shapes.compare(before, before) == []
    there, back = shapes.compare(before, after), shapes.compare(after, before)
    assert [(each.path, each.before, each.after) for each in there] == [
        (each.path, each.after, each.before) for each in back
    ]
    assert bool(there) == (before != after)


@often(100)
@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.text(min_size=4)))
def test_values_are_never_told(value: dict[str, str]) -> None:
    """Whatever a payload holds, a shape is made of names of fields and of types."""
    assert set(told(value)) == set(value)
    assert set(told(value).values()) <= {"string"}


def test_kinds_of_change() -> None:
    """New, gone, and of another type."""
    before, after = shapes.of({"a": 1, "b": 1}), shapes.of({"b": None, "c": []})
    assert shapes.compare(before, after) == [
        Change(path="a", before=("number",), after=()),
        Change(path="b", before=("number",), after=("null",)),
        Change(path="c", before=(), after=("array",)),
    ]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(lambda at: at.write_text("{"), "Expecting", id="no-json"),
        pytest.param(lambda at: at.write_text('{"a":1,"a":2}'), "twice", id="key-twice"),
        pytest.param(lambda at: os.mkfifo(at), "no regular file", id="pipe"),
        pytest.param(lambda at: at.symlink_to("/dev/zero"), "no regular file", id="link"),
        pytest.param(Path.exists, "No such file", id="gone"),
        pytest.param(lambda at: at.write_text("[" * 100_000), "too deep", id="deep"),
        pytest.param(
            lambda at: at.write_text(json.dumps(dict.fromkeys(map("".join, LETTERS), 1))),
            "different fields",
            id="too-many-fields",
        ),
    ],
)
def test_what_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], object], why: str
) -> None:
    """No payload of its own can stop a comparison, or make it endless."""
    monkeypatch.setattr(shapes, "MOST_PATHS", 400)
    path = tmp_path / "runs.json"
    spoil(path)
    with pytest.raises(ValueError, match=why):
        shapes.read(path)


def test_too_large_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would fill the memory is not compared, and that is told."""
    monkeypatch.setattr(shapes, "LARGEST_BYTES", 10)
    path = tmp_path / "runs.json"
    path.write_text('{"runs": []}')
    with pytest.raises(ValueError, match="at most 10"):
        shapes.read(path)
