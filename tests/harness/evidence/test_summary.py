"""Self-tests of what a ledger adds up to."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from fixtures.core import errors
from fixtures.core.outcome import Outcome
from fixtures.evidence.summary import fold

Entries = list[dict[str, Any]]


def lines() -> Entries:
    """A small ledger in which one guardrail held."""
    told: Entries = [
        {
            "kind": "opened",
            "started_at": "2025-12-03T12:00:00.000Z",
            "strict": False,
            "registry": {
                "version": 1,
                "guardrails": [
                    a_guardrail("marquez.a", step="1"),
                    a_guardrail("marquez.b", step="3", optional=True),
                ],
            },
        },
        {"kind": "step", "step": "1", "title": "Look", "state": "started", "reason": ""},
        {"kind": "artefact", "path": "a.json", "size_bytes": 1, "sha256": "0" * 64, "note": ""},
        {"kind": "command", "step": "1", "argv": ["x"]},
        {"kind": "deviation", "step": "1", "text": "another port"},
        {"kind": "step", "step": "1", "title": "Look", "state": "done", "reason": ""},
        {"kind": "step", "step": "3", "title": "Ask", "state": "not exercised", "reason": "none"},
        a_verdict("marquez.a"),
        {"kind": "test", "node": "t::a", "when": "call", "outcome": "passed", "duration_s": 0.1},
        {"kind": "closing", "outcome": "PASSED", "would_be": None, "reasons": []},
    ]
    for number, line in enumerate(told, 1):
        line.update(n=number, at=f"2025-12-03T12:00:{number:02}.000Z")
    return told


def a_guardrail(name: str, *, step: str, optional: bool = False) -> dict[str, Any]:
    """A guardrail as the first line tells it."""
    return {
        "id": name,
        "rank": "must",
        "step": step,
        "promise": "p",
        "artefact": None,
        "optional": optional,
    }


def a_verdict(name: str, ruling: str = "held") -> dict[str, Any]:
    """A verdict line."""
    return {
        "kind": "verdict",
        "guardrail": name,
        "ruling": ruling,
        "expected": "e",
        "observed": "o",
        "artefact": None,
        "waiver": None,
    }


def test_it_adds_up() -> None:
    """Every kind of line finds its place."""
    summary = fold(lines())
    assert summary.decide().outcome is Outcome.PASSED
    assert list(summary.artefacts) == ["a.json"]
    assert [each["text"] for each in summary.deviations] == ["another port"]
    assert len(summary.commands) == 1
    assert summary.closing is not None
    assert summary.test_counts() == {"passed": 1}


def test_a_step_keeps_begin_and_end() -> None:
    """The last state counts, with the moments of the first and the last."""
    step = fold(lines()).steps["1"]
    assert (step["state"], step["began_at"][-6:], step["ended_at"][-6:]) == (
        "done",
        "2.000Z",
        "6.000Z",
    )


def test_an_optional_step_that_did_not_run() -> None:
    """Its guardrails are listed as not exercised, and nobody misses their verdict."""
    summary = fold(lines())
    assert [each.id for each in summary.expected] == ["marquez.a"]
    assert [each.id for each in summary.not_exercised] == ["marquez.b"]
    assert summary.steps_run == {"1"}


def test_an_optional_step_that_started() -> None:
    """Once it has started, its guardrails owe a verdict, whatever became of the step."""
    told = lines()
    told[6].update(state="failed")
    decision = fold(told).decide()
    assert decision.outcome is Outcome.INTERRUPTED
    assert decision.reasons == ("marquez.b ended in no verdict",)


def test_a_judge_does_not_survive_the_ledger() -> None:
    """A guardrail read back has a name and no function: nobody judges by accident."""
    with pytest.raises(AssertionError, match="a name, not a judge"):
        fold(lines()).guardrails[0].over({})


def test_interrupted_after_closing() -> None:
    """Killed between the last line and the rename: the closing no longer counts."""
    told = [*lines(), {"n": 11, "at": "", "kind": "interrupted", "reason": "killed"}]
    summary = fold(told)
    assert summary.closing is None
    assert summary.decide().outcome is Outcome.INTERRUPTED


def test_the_same_interruption_is_told_once() -> None:
    """Recovering twice is one interruption."""
    stop = {"n": 11, "at": "", "kind": "interrupted", "reason": "killed"}
    assert fold([*lines(), stop, dict(stop)]).interruptions == ["killed"]


def test_absence_blocks() -> None:
    """A required artefact that is accounted for as absent decides."""
    told = lines()
    told.insert(-1, {"kind": "absent", "path": "b.json", "reason": "step 2 failed", "at": ""})
    decision = fold(told).decide()
    assert decision.outcome is Outcome.BLOCKED
    assert decision.reasons == ("required artefact b.json: step 2 failed",)


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        pytest.param([("call", "passed")], {"passed": 1}, id="passed"),
        pytest.param([("call", "failed")], {"failed": 1}, id="failed"),
        pytest.param([("setup", "failed")], {"error": 1}, id="error-in-setup"),
        pytest.param([("call", "passed"), ("teardown", "failed")], {"error": 1}, id="teardown"),
        pytest.param([("call", "failed"), ("teardown", "failed")], {"failed": 1}, id="both"),
        pytest.param([("call", "xfailed")], {"xfailed": 1}, id="amber"),
        pytest.param([("setup", "skipped")], {"skipped": 1}, id="skipped"),
        pytest.param([], {}, id="none"),
    ],
)
def test_tests_are_counted_once(phases: list[tuple[str, str]], expected: dict[str, int]) -> None:
    """One outcome per test, the worst of its phases."""
    told = [line for line in lines() if line["kind"] != "test"]
    for when, outcome in phases:
        test = {"kind": "test", "node": "t::a", "when": when, "outcome": outcome}
        told.insert(-1, test | {"at": "", "duration_s": 0})
    assert fold(told).test_counts() == expected


def _delete(index: int, key: str) -> Callable[[Entries], object]:
    return lambda told: told[index].pop(key)


def _set(index: int, **values: object) -> Callable[[Entries], object]:
    return lambda told: told[index].update(values)


MALFORMED: dict[str, Callable[[Entries], object]] = {
    "empty": lambda told: told.clear(),
    "opened-missing": lambda told: told.pop(0),
    "opened-twice": lambda told: told.insert(1, copy.deepcopy(told[0])),
    "opened-last": lambda told: told.append(told.pop(0)),
    "no-kind": _delete(1, "kind"),
    "unknown-kind": _set(1, kind="remark"),
    "kind-a-list": _set(1, kind=[]),
    "registry-missing": _delete(0, "registry"),
    "registry-a-list": _set(0, registry=[]),
    "guardrails-a-number": _set(0, registry={"version": 1, "guardrails": 3}),
    "guardrail-a-text": _set(0, registry={"version": 1, "guardrails": ["marquez.a"]}),
    "guardrail-without-rank": lambda told: told[0]["registry"]["guardrails"][0].pop("rank"),
    "guardrail-of-unknown-rank": (
        lambda told: told[0]["registry"]["guardrails"][0].update(rank="may")
    ),
    "step-without-number": _delete(1, "step"),
    "step-without-state": _delete(1, "state"),
    "step-a-list": _set(1, step=[]),
    "artefact-without-path": _delete(2, "path"),
    "artefact-twice": lambda told: told.insert(3, dict(told[2])),
    "verdict-of-nobody": _delete(7, "guardrail"),
    "verdict-of-unknown-ruling": _set(7, ruling="fine"),
    "verdict-without-expected": _delete(7, "expected"),
    "verdict-without-waiver-key": _delete(7, "waiver"),
    "verdict-twice": lambda told: told.insert(8, dict(told[7])),
    "waiver-a-text": _set(7, waiver="waived"),
    "waiver-without-expiry": _set(7, waiver={"guardrail": "x", "reason": "r", "owner": "o"}),
    "waiver-of-no-date": _set(
        7, waiver={"guardrail": "x", "reason": "r", "owner": "o", "expires": "soon"}
    ),
    "waiver-with-more": _set(
        7,
        waiver={"guardrail": "x", "reason": "r", "owner": "o", "expires": "2026-01-01", "x": 1},
    ),
    "absent-without-reason": lambda told: told.insert(2, {"kind": "absent", "path": "x"}),
    "interrupted-without-reason": lambda told: told.insert(2, {"kind": "interrupted"}),
    "line-after-closing": lambda told: told.append(dict(told[4])),
    "closing-twice": lambda told: told.append(dict(told[-1])),
}


@pytest.mark.parametrize("flaw", MALFORMED)
def test_what_does_not_add_up_is_refused(flaw: str) -> None:
    """A ledger that is not ours is unreadable, with one error and a hint."""
    told = lines()
    MALFORMED[flaw](told)
    with pytest.raises(errors.BundleUnreadable, match="does not add up"):
        fold(told)
