"""Pages told clean by their bytes: masked exactly as the tree would mask them."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from fixtures.core.redaction import Pages, Redactor, mask_json
from fixtures.core.redaction import pages as pages_module
from tests.harness.core.test_redaction_properties import FRAGMENT, KNOWN
from tests.harness.often import often

ROW = {"id": "3f1c", "state": "COMPLETED", "at": "2026-11-22T01:00:00.123Z", "facets": {"n": 12}}
TEXTS = st.lists(FRAGMENT, max_size=3).map("".join)
KEYS = st.sampled_from(("id", "name", "value", "key", "kind", "data", "token", "facets", KNOWN))
VALUES = st.recursive(
    TEXTS | st.sampled_from((12345678, 1.0, 1.5e22, -0.5, None, True)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def redactor() -> Redactor:
    made = Redactor()
    made.register(KNOWN, name="K")
    made.register("12345678", name="N")
    made.register("1.5e+22", name="F")
    return made


def both(value: Any, *, ascii_only: bool = False) -> tuple[Any, Any]:
    """What pages and tree make of a value, their counts beside it."""
    raw = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    quick, slow = Counter[str](), Counter[str]()
    return (
        (Pages(redactor()).mask(raw, value, quick), quick),
        (mask_json(redactor(), value, slow), slow),
    )


@given(value=VALUES, ascii_only=st.booleans())
@often(400, derandomize=True, suppress_health_check=list(HealthCheck))
def test_pages_are_masked_as_trees(value: Any, ascii_only: bool) -> None:
    """Whatever stands in it, however it is spelt: the quick look overlooks nothing."""
    quick, slow = both(value, ascii_only=ascii_only)
    assert quick == slow


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"password": "hunter2"}, id="secret-name"),
        pytest.param({"name": "DB_PASSWORD", "value": "hunter2"}, id="pair"),
        pytest.param(["deploy", "--token", "hunter2"], id="option"),
        pytest.param(["/usr/bin/curl", "-u", "me:hunter2"], id="curl"),
        pytest.param({"kind": "Secret", "data": {"a": "Yg=="}}, id="kubernetes"),
        pytest.param({"x": KNOWN}, id="registered"),
        pytest.param({"x": 12345678}, id="registered-number"),
        pytest.param({"x": "ghp_" + "aB3dE5gH7j" * 4}, id="prefix"),
        pytest.param({"x": "ghp\u0007_" + "aB3dE5gH7j" * 4}, id="control-code"),
        pytest.param({"x": "a" * 5000 + " password=hunter2"}, id="long-text"),
    ],
)
def test_each_kind_of_secret_is_seen_after_clean_pages(value: Any) -> None:
    """A page before that was clean, and what was remembered of it, hides nothing."""
    known = redactor()
    masking = Pages(known)
    clean = json.dumps([ROW] * 3).encode()
    assert masking.mask(clean, [ROW] * 3) == [ROW] * 3
    page = [ROW, value]
    masked = masking.mask(json.dumps(page).encode(), page)
    assert masked != page
    assert masked == mask_json(known, page)


def test_numbers_are_read_as_the_tree_reads_them() -> None:
    """A registered number in another spelling is the same number."""
    raw = b'{"x": 15.0e21, "y": [1.5E22]}'
    assert Pages(redactor()).mask(raw, json.loads(raw)) == mask_json(redactor(), json.loads(raw))
    assert Pages(redactor()).mask(raw, json.loads(raw)) != json.loads(raw)


def test_clean_pages_are_not_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs, URLs of producers among them, pass by their bytes alone: that is what it is for."""

    def walk(*_: object) -> object:
        raise AssertionError("walked")

    monkeypatch.setattr(pages_module, "mask_json", walk)
    row = {**ROW, "_producer": "https://github.com/OpenLineage/OpenLineage/blob/v1-0-0/client"}
    masking = Pages(redactor())
    for _ in range(2):
        assert masking.mask(json.dumps([row]).encode(), [row]) == [row]
