"""The booked window, as preflight shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures.core import errors
from fixtures.procedures import schedule
from fixtures.procedures.opening import Wanted
from fixtures.procedures.preflight import common, window
from fixtures.procedures.preflight.finding import Look, State
from tests.harness.publishing.documents.made import PLAN


@pytest.fixture(params=[False, True], ids=["told", "required"])
def live(look: Look, tmp_path: Path, request: pytest.FixtureRequest) -> Look:
    """A live run of a checkout whose plan books 12 November, 14:00; a window may be required."""
    path = tmp_path / "hotpass" / schedule.PLAN
    path.parent.mkdir(parents=True)
    path.write_text(PLAN, "utf-8")
    settings = look.settings.model_copy(update={"require_window": request.param})
    return replace(look, staging=True, hotpass_root=tmp_path / "hotpass", settings=settings)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_inside_is_ready(live: Look) -> None:
    """Which window, whose it is, and how much of it is left."""
    found = window.finding(live, now=at(12, 14, 48))
    assert found.state is State.READY
    assert found.found == (
        "inside 2026-11-12 14:00 – 15:00 UTC, booked for QA (primary), Engineering (support), "
        "12 min left"
    )


@pytest.mark.parametrize(
    ("now", "word", "told", "fix"),
    [
        pytest.param(
            at(11, 9), "marquez", "the next is 2026-11-12 14:00 – 15:00 UTC", "Wait", id="before"
        ),
        pytest.param(
            at(12, 15), "marquez", "the last was 2026-11-12 14:00 – 15:00 UTC", "Book", id="after"
        ),
        pytest.param(at(12, 14), "e2e", "none for e2e on hotpass-staging", "Book", id="none"),
    ],
)
def test_outside_blocks_who_requires_a_window(
    live: Look, now: datetime, word: str, told: str, fix: str
) -> None:
    """As a run would be; for anybody else it is worth knowing."""
    found = window.finding(replace(live, word=word), now=now)
    required = live.settings.require_window
    assert found.state is (State.MISSING if required else State.ATTENTION)
    assert told in found.found
    assert ("require_window is set" in found.expected) is required
    assert found.fix.startswith(fix)
    assert schedule.PLAN in found.fix


def test_a_plan_that_cannot_be_read_books_nothing(live: Look) -> None:
    """It says which, why, and what to look at."""
    assert live.hotpass_root is not None
    (live.hotpass_root / schedule.PLAN).unlink()
    found = window.finding(live)
    assert found.state is (State.MISSING if live.settings.require_window else State.ATTENTION)
    assert found.found == f"{schedule.PLAN} cannot be read: it is not there, or a link"
    assert str(live.hotpass_root) in found.fix


def test_without_a_checkout_nobody_looks(live: Look) -> None:
    """There is no plan to read; who requires a window is blocked."""
    found = window.finding(replace(live, hotpass_root=None))
    assert found.state is (State.MISSING if live.settings.require_window else State.UNSEEN)
    assert "--hotpass-root" in found.fix


@pytest.mark.parametrize("now", [at(12, 14), at(12, 15)])
def test_preflight_blocks_when_a_run_would(live: Look, now: datetime) -> None:
    """The same moment, asked of both: what preflight calls missing is what the gate refuses."""
    found = window.finding(live, now=now)
    wanted = Wanted(
        known=live.settings,
        staging=True,
        environment="",
        stack="",
        hotpass_root=live.hotpass_root,
        logs=Path("unused"),
    )
    refused = False
    try:
        schedule.refuse_unbooked(wanted, live.word, now=now)
    except errors.PrerequisitesMissing:
        refused = True
    assert refused is (found.state is State.MISSING)


@pytest.mark.parametrize("word", ["arc", "backfill", "e2e", "marquez"])
def test_only_a_live_preflight_shows_it(look: Look, tmp_path: Path, word: str) -> None:
    """Of every word; a dry run books nothing."""
    for staging in (True, False):
        asked = replace(look, word=word, staging=staging, hotpass_root=tmp_path)
        names = [each.name for each in common.after(asked)]
        assert names.count(window.NAME) == staging
