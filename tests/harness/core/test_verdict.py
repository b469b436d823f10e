"""Self-tests of verdicts."""

from __future__ import annotations

import dataclasses

import pytest

from fixtures.core.verdict import Promise, Ruling

PROMISE = Promise("marquez.run-completed", "runs.json", "exactly one run and it is COMPLETED")


def test_only_held_is_true() -> None:
    """A verdict that broke, or could not be reached, is false."""
    assert PROMISE.held("1 run")
    assert not PROMISE.broke("2 runs")
    assert not PROMISE.not_established("no run")


@pytest.mark.parametrize(
    ("make", "ruling", "first"),
    [
        ("held", Ruling.HELD, "guardrail marquez.run-completed held"),
        ("broke", Ruling.BROKE, "guardrail marquez.run-completed broke"),
        (
            "not_established",
            Ruling.NOT_ESTABLISHED,
            "guardrail marquez.run-completed is not established",
        ),
    ],
)
def test_the_story_has_four_lines(make: str, ruling: Ruling, first: str) -> None:
    """What, expected, observed, evidence: one line each."""
    verdict = getattr(PROMISE, make)("212 runs")
    assert verdict.ruling is ruling
    assert verdict.story.splitlines() == [
        first,
        "    expected: exactly one run and it is COMPLETED",
        "    observed: 212 runs",
        "    evidence: runs.json",
    ]


def test_without_an_artefact_the_ledger_is_the_evidence() -> None:
    """There is always a file to open."""
    verdict = dataclasses.replace(PROMISE, artefact=None).broke("nothing")
    assert verdict.story.endswith("evidence: ledger.jsonl")


def test_repr_is_short() -> None:
    """Pytest prints the repr of what was asserted: one glance, no payload."""
    assert repr(PROMISE.broke("x" * 500)) == "<marquez.run-completed: broke>"


def test_a_verdict_does_not_change() -> None:
    """What was said stays said."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        PROMISE.broke("2 runs").ruling = Ruling.HELD  # type: ignore[misc]  # the point
