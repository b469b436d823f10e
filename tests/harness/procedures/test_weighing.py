"""Scales: each test weighs its own guardrail, and learns whether it decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from fixtures.core import errors
from fixtures.core.outcome import Waiver
from fixtures.core.verdict import Promise, Verdict
from fixtures.guardrails import marquez as guardrails
from fixtures.procedures import weighing
from fixtures.procedures.weighing import Weigh

if TYPE_CHECKING:
    from tests.harness.procedures.conftest import Staged

MUST, SHOULD = "marquez.run-completed", "marquez.service-log-clean"
DAY = date(2026, 11, 22)


class AmberError(Exception):
    """What `amber` does in these tests: it does not return."""


def amber(story: str) -> None:
    raise AmberError(story)


def a_waiver(guardrail: str = MUST, *, expires: date = DAY) -> Waiver:
    return Waiver(guardrail=guardrail, reason="known defect", owner="QA", expires=expires)


@pytest.fixture
def scales(quick_stage: Staged) -> Callable[..., Weigh]:
    """Scales of one guardrail over an open bundle."""

    def made(guardrail: str, *, strict: bool = False, waiver: Waiver | None = None) -> Weigh:
        return Weigh(
            bundle=quick_stage.bundle,
            registry=guardrails.REGISTRY,
            guardrail=guardrail,
            waivers={waiver.guardrail: waiver} if waiver else {},
            strict=strict,
            amber=amber,
        )

    return made


def ruled(guardrail: str, ruling: str) -> Verdict:
    promise = Promise(guardrail, "runs.json", "a promise")
    made: Verdict = getattr(promise, ruling)("what was seen")
    return made


@pytest.mark.parametrize("ruling", ["held", "broke", "not_established"])
@pytest.mark.parametrize(
    ("guardrail", "strict", "waived", "decides"),
    [
        pytest.param(MUST, False, False, True, id="must"),
        pytest.param(MUST, False, True, False, id="must-waived"),
        pytest.param(SHOULD, False, False, False, id="should"),
        pytest.param(SHOULD, True, False, True, id="should-when-strict"),
        pytest.param(SHOULD, True, True, False, id="should-waived-though-strict"),
        pytest.param(MUST, True, False, True, id="must-when-strict"),
    ],
)
def test_who_decides(
    scales: Callable[..., Weigh],
    quick_stage: Staged,
    ruling: str,
    guardrail: str,
    strict: bool,
    waived: bool,
    decides: bool,
) -> None:
    """A verdict that does not hold fails its test or turns it amber; either way it is recorded."""
    weigh = scales(guardrail, strict=strict, waiver=a_waiver(guardrail) if waived else None)
    verdict = ruled(guardrail, ruling)
    if decides or ruling == "held":
        assert weigh(verdict) is verdict
    else:
        with pytest.raises(AmberError, match="a promise"):
            weigh(verdict)
    summary = quick_stage.bundle.summary()
    assert summary.verdicts[guardrail] == verdict
    assert (guardrail in summary.waivers) is waived


def test_waived_story_names_who_and_until_when(scales: Callable[..., Weigh]) -> None:
    """A reader of the amber row learns who set it aside, why and until when."""
    with pytest.raises(AmberError, match="waived until 2026-11-22 by QA: known defect"):
        scales(MUST, waiver=a_waiver())(ruled(MUST, "broke"))


@pytest.mark.parametrize(
    ("paired", "weighed"),
    [
        pytest.param(MUST, SHOULD, id="anothers-verdict"),
        pytest.param("marquez.unheard-of", "marquez.unheard-of", id="no-guardrail"),
        pytest.param(MUST, "arc.run-completed", id="another-word"),
    ],
)
def test_unpaired_verdict_is_refused(
    scales: Callable[..., Weigh], quick_stage: Staged, paired: str, weighed: str
) -> None:
    """A test that weighs what it is not named for records nothing."""
    with pytest.raises(errors.GuardrailUnknown, match=f"the test of {paired} weighed {weighed}"):
        scales(paired)(ruled(weighed, "held"))
    assert not quick_stage.bundle.summary().verdicts


@pytest.mark.parametrize(
    ("expires", "applies"),
    [
        pytest.param(DAY, True, id="last-day"),
        pytest.param(DAY - timedelta(days=1), False, id="expired-yesterday"),
        pytest.param(DAY + timedelta(days=1), True, id="tomorrow"),
    ],
)
def test_waivers_end_after_their_last_day(expires: date, applies: bool) -> None:
    """A waiver applies to the end of the day it names, in UTC."""
    found = weighing.in_force((a_waiver(expires=expires),), today=DAY)
    assert list(found) == ([MUST] if applies else [])


def test_today_is_that_of_utc() -> None:
    """Without a day given, today is today everywhere the same."""
    today = datetime.now(UTC).date()
    waivers = (a_waiver(expires=today), a_waiver(SHOULD, expires=today - timedelta(days=1)))
    assert list(weighing.in_force(waivers)) == [MUST]


def test_waiver_of_a_stranger_is_refused() -> None:
    """A misspelt waiver would set nothing aside: it is named instead."""
    weighing.check_known((a_waiver(),), guardrails.REGISTRY)
    waivers = (a_waiver(), a_waiver("marquez.run-complete"))
    with pytest.raises(errors.SettingsInvalid, match=r"a waiver for marquez\.run-complete, which"):
        weighing.check_known(waivers, guardrails.REGISTRY)
