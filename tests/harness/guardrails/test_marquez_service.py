"""Guardrails over the service itself: its health and its log."""

from __future__ import annotations

import pytest

from fixtures.core.records.service import Health, LogFacts
from fixtures.core.verdict import Ruling
from fixtures.guardrails import marquez

WELL = {"deadlocks": True, "postgresql": True}


def test_healthy_stack_holds(health: Health) -> None:
    """Every check healthy and `default` listed: held, with the checks named."""
    verdict = marquez.stack_healthy(health)
    assert verdict, verdict.story
    assert verdict.observed == "deadlocks, postgresql healthy; 2 namespaces"


@pytest.mark.parametrize(
    ("health", "ruling", "observed"),
    [
        pytest.param(
            Health({}, frozenset({"default"})),
            "not established",
            "no health check",
            id="no-checks",
        ),
        pytest.param(Health({}, frozenset()), "not established", "no health check", id="nothing"),
        pytest.param(
            Health({**WELL, "postgresql": False}, frozenset({"default"})),
            "broke",
            "unhealthy: postgresql",
            id="database-gone",
        ),
        pytest.param(
            Health(dict.fromkeys(WELL, False), frozenset({"default"})),
            "broke",
            "unhealthy: deadlocks, postgresql",
            id="all-ill",
        ),
        pytest.param(Health(WELL, frozenset()), "broke", "0 namespaces", id="no-namespaces"),
        pytest.param(
            Health(WELL, frozenset({"hotpass.local"})),
            "broke",
            "of 1 namespace none is",
            id="no-default",
        ),
    ],
)
def test_stack_healthy_never_holds(health: Health, ruling: str, observed: str) -> None:
    """An ill check, no check, or an API that lists no `default` never holds."""
    verdict = marquez.stack_healthy(health)
    assert verdict.ruling == Ruling(ruling)
    assert observed in verdict.observed


@pytest.mark.parametrize("lines", [1, 40])
def test_clean_log_holds(lines: int) -> None:
    """A log of at least one line without trouble holds."""
    verdict = marquez.service_log_clean(LogFacts(lines, (), 0))
    assert verdict, verdict.story
    assert f"{lines} lines" in verdict.observed


def test_empty_log_is_not_established() -> None:
    """No trouble in no line proves nothing."""
    verdict = marquez.service_log_clean(LogFacts(0, (), 0))
    assert verdict.ruling is Ruling.NOT_ESTABLISHED


@pytest.mark.parametrize(
    ("log", "told"),
    [
        pytest.param(
            LogFacts(40, ("ERROR boom",), 1), "1 of 40 lines tell of errors: ERROR boom", id="one"
        ),
        pytest.param(
            LogFacts(40, ("ERROR boom", "Caused by: x"), 9),
            "9 of 40 lines tell of errors: ERROR boom | Caused by: x",
            id="more-than-quoted",
        ),
        pytest.param(LogFacts(1, ("ERROR boom",), 1), "1 of 1 lines", id="nothing-but-trouble"),
    ],
)
def test_troubled_log_breaks(log: LogFacts, told: str) -> None:
    """A single line of trouble breaks it, and the first ones are quoted."""
    verdict = marquez.service_log_clean(log)
    assert verdict.ruling is Ruling.BROKE
    assert told in verdict.observed
