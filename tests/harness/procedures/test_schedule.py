"""Rehearsal windows: what a schedule books, and the gate for who wants one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fixtures.core import errors, settings
from fixtures.drawing import booking
from fixtures.evidence.audit import documents
from fixtures.procedures import schedule
from fixtures.procedures.opening import Wanted
from tests.harness.publishing.documents.made import PLAN

HEAD = "| Rehearsal | Date & Time (UTC) | Owner(s) | Environment | Notes |\n|-|-|-|-|-|\n"
BEGIN = datetime(2026, 11, 12, 14, tzinfo=UTC)
WINDOW = {"begin": "2026-11-12T14:00:00.000Z", "end": "2026-11-12T15:00:00.000Z", "owners": "QA"}


def booked(*rows: str, head: str = HEAD) -> tuple[schedule.Window, ...]:
    text = head + "".join(f"| {row} |\n" for row in rows)
    return schedule.windows_of(documents.parse(schedule.PLAN, text.encode()))


def a_row(date: str = "2026-11-12 14:00 – 15:00", notes: str = "Scheduled.") -> str:
    return f"Marquez lineage smoke | {date} | QA | `hotpass-staging` | {notes}"


@pytest.mark.parametrize(
    ("cell", "end"),
    [
        pytest.param("2026-11-12 14:00 – 15:00", "2026-11-12 15:00", id="en-dash"),
        pytest.param("2026-11-12 14:00 — 15:00", "2026-11-12 15:00", id="em-dash"),
        pytest.param("2026-11-12 14:00-15:00", "2026-11-12 15:00", id="hyphen"),
        pytest.param("**2026-11-12 14:00 to 15:00 UTC**", "2026-11-12 15:00", id="in-words"),
        pytest.param("2026-11-12T14:00Z – 15:00Z", "2026-11-12 15:00", id="zulu"),
        pytest.param("2026-11-12 14:00 – 00:30", "2026-11-13 00:30", id="past-midnight"),
        pytest.param("2026-11-12 14:00 – 2026-11-14 09:00", "2026-11-14 09:00", id="days"),
    ],
)
def test_ranges_are_read(cell: str, end: str) -> None:
    """Every way people write a range of times, UTC."""
    (window,) = booked(a_row(cell))
    assert window.begin == BEGIN
    assert f"{window.end:%Y-%m-%d %H:%M}" == end
    assert (window.word, window.owners) == ("marquez", "QA")


@pytest.mark.parametrize(
    "cell",
    [
        "2026-11-12",
        "2026-11-12 14:00",
        "2026-11-31 14:00 – 15:00",
        "2026-11-12 14:00 – 25:00",
        "2026-11-12 14:00 – 14:00",
        "2026-11-12 14:00 – 2026-11-12 13:00",
        "2026-11-12 14:00 – 15:00 CET",
        "some day, 14:00 – 15:00",
        "",
    ],
)
def test_what_is_no_range_books_nothing(cell: str) -> None:
    """A date alone, a day that is none, another clock: no booking."""
    assert booked(a_row(cell)) == ()


@pytest.mark.parametrize(
    "notes",
    [
        "Completed.",
        "Completed. Artefacts: `dist/staging/marquez/20261112T140000Z/cli.log`.",
        "See `dist/staging/marquez/20261112T140000Z/`.",
        "Dry-run rehearsal captured at `dist/staging/marquez/20261112T140000Z/`.",
        "Dry run.",
        "Cancelled.",
        "Postponed to December.",
    ],
)
def test_row_written_after_the_fact_books_nothing(notes: str) -> None:
    """Whoever writes "Completed" in has not booked anything by that."""
    assert booked(a_row(notes=notes)) == ()


def test_booked_row_stays_booked_once_a_run_is_in_it() -> None:
    """A second attempt within the same window finds it booked."""
    notes = (
        f"Blocked: no cluster. Evidence: `dist/staging/marquez/20261112T140000Z/`. {schedule.KEPT}"
    )
    assert len(booked(a_row(notes=notes))) == 1


def test_another_clock_in_the_head_books_nothing() -> None:
    """Times of another zone are not read as UTC."""
    assert booked(a_row(), head=HEAD.replace("UTC", "CET")) == ()
    assert len(booked(a_row(), head=HEAD.replace(" (UTC)", ""))) == 1


def test_schedule_in_a_fence_books_nothing() -> None:
    """An example is no plan."""
    text = f"```\n{HEAD}| {a_row()} |\n```\n"
    assert schedule.windows_of(documents.parse(schedule.PLAN, text.encode())) == ()


def test_other_tables_book_nothing() -> None:
    """The evidence layout has rehearsals too, and no dates."""
    windows = schedule.windows_of(documents.parse(schedule.PLAN, PLAN.encode()))
    assert [(each.word, f"{each.begin:%d %H:%M}") for each in windows] == [
        ("marquez", "12 14:00"),
        ("arc", "13 16:00"),
    ]


@pytest.mark.parametrize(
    ("word", "begin", "minutes", "environment", "expected"),
    [
        ("marquez", BEGIN, 60, "", True),
        ("marquez", BEGIN, 61, "", False),
        ("marquez", BEGIN - timedelta(seconds=1), 10, "", False),
        ("marquez", BEGIN + timedelta(hours=1), 1, "", False),
        ("arc", BEGIN, 10, "", False),
        ("marquez", BEGIN, 10, "hotpass-staging", True),
        ("marquez", BEGIN, 10, "arc-staging", False),
    ],
)
def test_inside(
    word: str, begin: datetime, minutes: int, environment: str, expected: bool
) -> None:
    """From begin to end, of the same rehearsal in the same environment; the end is outside."""
    end = begin + timedelta(minutes=minutes)
    found = schedule.inside(booked(a_row()), word, begin, end, environment=environment)
    assert (found is not None) is expected


@pytest.mark.parametrize(
    ("noted", "end_minutes", "said"),
    [
        (None, 0, ""),
        ({"window": None}, 0, "It began outside any booked window."),
        (
            {"window": WINDOW},
            20,
            "It was inside its booked window, 2026-11-12 14:00 – 15:00 UTC.",
        ),
        (
            {"window": WINDOW},
            75,
            (
                "It began inside its booked window, 2026-11-12 14:00 – 15:00 UTC, and ended "
                "15 min after it."
            ),
        ),
    ],
)
def test_what_the_report_says(
    noted: dict[str, object] | None, end_minutes: int, said: str
) -> None:
    """Inside, overrun, outside, and nothing where nothing is known."""
    assert booking.said(noted, BEGIN + timedelta(minutes=end_minutes)) == said


@pytest.fixture
def known() -> settings.Settings:
    """Our settings, with the gate."""
    own = settings.load(Path(settings.__file__).parents[3] / "pyproject.toml")
    return own.model_copy(update={"require_window": True})


@pytest.fixture
def hotpass(tmp_path: Path) -> Path:
    """A checkout whose plan books 12 November, 14:00."""
    path = tmp_path / schedule.PLAN
    path.parent.mkdir(parents=True)
    path.write_text(PLAN, "utf-8")
    return tmp_path


def wanted(known: settings.Settings, root: Path | None, *, staging: bool = True) -> Wanted:
    return Wanted(
        known=known,
        staging=staging,
        environment="",
        stack="",
        hotpass_root=root,
        logs=Path("unused"),
    )


def test_gate_opens_within_the_window(known: settings.Settings, hotpass: Path) -> None:
    """Nothing is said; and the ledger keeps which window it was."""
    asked = wanted(known, hotpass)
    schedule.refuse_unbooked(asked, "marquez", now=BEGIN)
    noted = schedule.note(asked, "marquez", now=BEGIN)
    assert noted is not None
    assert noted["window"]["begin"] == WINDOW["begin"]
    assert booking.said(noted, BEGIN).startswith("It was inside")


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (BEGIN - timedelta(days=1), "the next one is 2026-11-12 14:00 – 15:00 UTC"),
        (BEGIN + timedelta(days=1), "none is to come"),
    ],
)
def test_gate_names_the_next_window(
    known: settings.Settings, hotpass: Path, now: datetime, told: str
) -> None:
    """Outside, before anything is started: blocked, with when to come again."""
    with pytest.raises(errors.PrerequisitesMissing) as refused:
        schedule.refuse_unbooked(wanted(known, hotpass), "marquez", now=now)
    (line,) = refused.value.missing
    assert told in line
    noted = schedule.note(wanted(known, hotpass), "marquez", now=now)
    assert noted is not None
    assert noted["window"] is None


def test_gate_without_a_plan_stays_shut(known: settings.Settings, tmp_path: Path) -> None:
    """Nothing to read books nothing."""
    for root in (None, tmp_path):
        with pytest.raises(errors.PrerequisitesMissing, match="no docs/operations"):
            schedule.refuse_unbooked(wanted(known, root), "marquez", now=BEGIN)
        assert schedule.note(wanted(known, root), "marquez", now=BEGIN) is None


def test_gate_is_for_live_runs_of_who_wants_it(known: settings.Settings, hotpass: Path) -> None:
    """A dry run books nothing, and by default nobody is kept out."""
    late = BEGIN + timedelta(days=1)
    schedule.refuse_unbooked(wanted(known, hotpass, staging=False), "marquez", now=late)
    free = known.model_copy(update={"require_window": False})
    schedule.refuse_unbooked(wanted(free, hotpass), "marquez", now=late)
    assert schedule.note(wanted(known, hotpass, staging=False), "marquez", now=late) is None


@pytest.mark.parametrize(
    ("hour", "seen"),
    [
        pytest.param(8, (None, 10, None), id="before-all"),
        pytest.param(10, (10, 14, None), id="in-the-first"),
        pytest.param(11, (None, 14, 10), id="between"),
        pytest.param(14, (14, None, 10), id="in-the-last"),
        pytest.param(15, (None, None, 14), id="after-all"),
    ],
)
def test_what_is_booked_is_seen_from_a_moment(
    hour: int, seen: tuple[int | None, int | None, int | None]
) -> None:
    """The window that is open, the next one and the last one; others' windows are not seen."""
    windows = booked(
        a_row("2026-11-12 14:00 – 15:00"),
        a_row("2026-11-12 10:00 – 11:00"),
        a_row("2026-11-12 12:00 – 13:00").replace("hotpass-staging", "elsewhere"),
    )
    now = BEGIN.replace(hour=hour)
    found = schedule.booked(windows, "marquez", now, environment="hotpass-staging")
    told = (found.current, found.coming, found.past)
    assert tuple(each and each.begin.hour for each in told) == seen


def test_a_plan_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """Absent, or no regular file: in words; a run goes on as if nothing were booked."""
    assert schedule.look(tmp_path) == "it is not there, or a link"
    (tmp_path / schedule.PLAN).mkdir(parents=True)
    assert schedule.look(tmp_path) == "is no regular file"
    assert schedule.read(tmp_path) is None
