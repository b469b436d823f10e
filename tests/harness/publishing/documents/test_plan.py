"""The plan: a run's row, the booked row, the checklist, what is pending."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from fixtures.core import errors
from fixtures.core.outcome import Outcome
from fixtures.core.records.systems import Mode
from fixtures.publishing.documents import plan
from fixtures.publishing.documents.facts import Facts
from fixtures.publishing.documents.recording import guarded
from tests.harness.publishing.documents.made import (
    BEGAN,
    FOLDER,
    PLAN,
    RUN,
    TODAY,
    a_run,
    added,
    an_answer,
    arc_run,
    backfill_run,
    lost,
    page,
)

DRY = a_run(mode=Mode.DRY_RUN, started_at=datetime(2026, 11, 21, 8, tzinfo=UTC))


def edited(facts: Facts, text: str | bytes = PLAN) -> bytes:
    return guarded(page(plan.PATH, text), facts, TODAY, edit=plan.edit).page.data


def row(data: bytes, stamp: str) -> str:
    (found,) = [line for line in data.decode().splitlines() if stamp in line and line[0] == "|"]
    return found


def test_live_run_goes_into_its_booked_row() -> None:
    """The row that was planned says what became of it; owners and environment stay."""
    said = row(edited(a_run()), FOLDER)
    assert "2026-11-12 14:00 – 15:00" in said
    assert "QA (primary), Engineering (support)" in said
    assert (
        f"| Ready for sign-off. Artefacts: `{FOLDER}/cli.log`, `{FOLDER}/graph.png`. Run `{RUN}`. "
        "In its booked window. |"
    ) in said


def test_what_a_booked_row_said_is_kept() -> None:
    """Notes beyond "Scheduled" stay behind ours."""
    said = row(edited(arc_run(started_at=datetime(2026, 11, 13, 16, 1, tzinfo=UTC))), "20261113T")
    assert said.endswith("In its booked window. Bring the token. |")


def test_second_run_in_a_window_gets_its_own_row() -> None:
    """The booked row tells of the first one; nobody's evidence is pushed aside."""
    first = edited(a_run(came_to=Outcome.FAILED))
    began = BEGAN + timedelta(minutes=30)
    both = edited(a_run(started_at=began, ended_at=began + timedelta(minutes=9)), first)
    assert "Blocked: FAILED" in row(both, FOLDER)
    assert "| 2026-11-12 14:35 – 14:44 |" in row(both, "20261112T143507Z")


def test_unbooked_live_run_gets_a_row() -> None:
    """Outside any window the row is new: owners, environment, its own times, no booking."""
    began = datetime(2026, 11, 14, 23, 50, tzinfo=UTC)
    after = edited(a_run(started_at=began, ended_at=began + timedelta(minutes=20)))
    said = row(after, "20261114T235000Z")
    assert "| 2026-11-14 23:50 – 2026-11-15 00:10 | QA (primary), Engineering (support) |" in said
    assert "`hotpass-staging`" in said
    assert "booked" not in said
    # The newest of its rehearsal first.
    lines = after.decode().splitlines()
    assert lines.index(said) + 1 == next(n for n, line in enumerate(lines) if "14:00 – 15" in line)


def test_sibling_rows_say_how_an_environment_is_written() -> None:
    """A new row writes the environment as those of its rehearsal do."""
    said = row(edited(arc_run()), "20261112T140507Z")
    assert "| `arc-staging` namespace |" in said


def test_dry_run_is_only_a_row() -> None:
    """One line more, with the words the plan has for it; nothing is replaced but the date."""
    after = edited(DRY)
    (date, said) = added(PLAN.encode(), after)
    assert (date, lost(PLAN.encode(), after)) == (
        "last_updated: 2026-11-22",
        ["last_updated: 2026-11-02"],
    )
    assert "Dry-run rehearsal captured at `dist/staging/marquez/20261121T080000Z/`." in said
    assert "| QA, Engineering (simulated) " in said


def test_dry_run_in_a_booked_window_leaves_the_booking_alone() -> None:
    """A booked row waits for the live run."""
    after = edited(a_run(mode=Mode.DRY_RUN))
    assert "| Scheduled.        |" in after.decode()
    assert "Dry-run" in row(after, FOLDER)


@pytest.mark.parametrize(
    ("facts", "says", "not_said"),
    [
        pytest.param(
            a_run(came_to=Outcome.FAILED, why=("marquez.stack-healthy broke",)),
            "Blocked: FAILED (marquez.stack-healthy broke).",
            "Completed",
            id="failed",
        ),
        pytest.param(
            a_run(came_to=Outcome.BLOCKED, mode=Mode.LOCAL, files=(), why=("no | Marquez\n2",)),
            f"Blocked: no \\| Marquez 2. Evidence: `{FOLDER}/`.",
            "Ready",
            id="blocked",
        ),
        pytest.param(
            a_run(answers=(an_answer(accepted=False, reason="too slow"),)),
            "Blocked: sign-off rejected by Ada on 2026-11-20 (too slow). Artefacts:",
            "Completed",
            id="rejected",
        ),
        pytest.param(
            a_run(answers=(an_answer(),)),
            "Completed, signed off by Ada on 2026-11-20. Artefacts:",
            "Ready",
            id="done",
        ),
        pytest.param(
            a_run(mode=Mode.DRY_RUN, came_to=Outcome.FAILED, why=("It broke. Twice.",)),
            "Simulated outcome FAILED (It broke, Twice,).",
            "Completed",
            id="dry-and-failed",
        ),
    ],
)
def test_every_state_in_words(facts: Facts, says: str, not_said: str) -> None:
    """What became of the run, with the reason; never better than it was."""
    said = row(edited(facts), FOLDER)
    assert says in said
    assert not_said not in said


def test_reason_that_says_completed_is_counted_only() -> None:
    """A guardrail's own name must not read as a claim: it is counted, not quoted."""
    why = ("marquez.run-completed broke", "marquez.graph-linked broke", "see dist/staging/arc/x/")
    said = row(edited(a_run(came_to=Outcome.FAILED, why=why)), FOLDER)
    assert "FAILED (marquez.graph-linked broke; and 2 more in its report)" in said


@pytest.mark.parametrize("facts", [a_run(), DRY, arc_run(), backfill_run()], ids=str)
def test_repeats_change_nothing(facts: Facts) -> None:
    """Three repeats leave the same bytes."""
    once = edited(facts)
    assert once != PLAN.encode()
    assert edited(facts, edited(facts, once)) == once


def test_row_follows_its_reviews_and_nothing_else_moves() -> None:
    """Ready, rejected, done: one row, brought up to date; what somebody added to it stays."""
    ready = edited(a_run()).replace(b"In its booked window.", b"In its booked window. Lovely.")
    no = an_answer(accepted=False, reason="slow")
    rejected = edited(a_run(answers=(no,)), ready)
    done = edited(a_run(answers=(no, an_answer(number=2))), rejected)
    assert "sign-off rejected by Ada" in row(rejected, FOLDER + "/cli")
    said = row(done, FOLDER + "/cli")
    assert "Completed, signed off by Ada on 2026-11-20." in said
    assert said.rstrip(" |").endswith("In its booked window. Lovely.")
    assert len(done.splitlines()) == len(ready.splitlines())


def test_rejected_evidence_is_not_the_latest() -> None:
    """The checklist takes back what it named, once, and names it again when it is accepted."""
    ready = edited(a_run())
    no = an_answer(accepted=False, reason="slow")
    rejected = edited(a_run(answers=(no,)), ready)
    taken_back = f"`{FOLDER}/` (not evidence: sign-off rejected)"
    assert taken_back in rejected.decode()
    assert edited(a_run(answers=(no,)), rejected) == rejected
    done = edited(a_run(answers=(no, an_answer(number=2))), rejected)
    assert "not evidence" not in done.decode()
    later = a_run(started_at=BEGAN + timedelta(days=1), run_id=str(uuid.uuid4()))
    newer = edited(later, rejected).decode()
    assert f"evidence: `{later.folder}/`" in newer
    assert taken_back not in newer


def test_row_changed_by_hand_is_not_overwritten() -> None:
    """Other words about this very run are somebody's own: said, and left."""
    ready = edited(a_run()).replace(b"Ready for sign-off.", b"Nearly there.")
    with pytest.raises(errors.DocumentEditedByHand) as told:
        edited(a_run(answers=(an_answer(),)), ready)
    assert f"{plan.PATH}:15" in told.value.message


def test_checklist_names_the_new_evidence() -> None:
    """The path changes, and what was said of the old one goes with it."""
    assert f"  - Latest rehearsal evidence: `{FOLDER}/`.\n" in edited(a_run()).decode()
    assert f"  - Latest rehearsal evidence: `{arc_run().folder}/`.\n" in edited(arc_run()).decode()


def test_checklist_gets_the_bullet_it_lacks() -> None:
    """Prefect has none: one in the same form, at the end of its group."""
    after = edited(backfill_run()).decode()
    at = after.index("Log and picture go to")
    assert after[at:].splitlines()[1] == (
        f"  - Latest rehearsal evidence: `{backfill_run().folder}/`."
    )


def test_checklist_gets_the_group_it_never_had() -> None:
    """The published plan leaves the preflight out: a group of its own, behind the last."""
    preflight = a_run(word="e2e", files=("qa.log",))
    after = edited(preflight).decode()
    at = after.index("Log and picture go to")
    assert after[at:].splitlines()[1:4] == [
        "- **Full E2E preflight**",
        f"  - Latest rehearsal evidence: `{preflight.folder}/`.",
        "",
    ]
    assert (
        f"### Full E2E Preflight\n\n**Status:** Ready for sign-off: `{preflight.folder}/`."
        in after
    )
    assert edited(preflight, after) == after.encode()


def test_older_run_does_not_take_the_place_of_a_later_one() -> None:
    """Recording last week's run today leaves the newer pointer."""
    newer = edited(a_run(started_at=BEGAN + timedelta(days=1)))
    after = edited(a_run(), newer)
    assert b"Latest rehearsal evidence: `dist/staging/marquez/20261113T140507Z/`" in after


def test_failed_run_is_not_the_latest_evidence() -> None:
    """The checklist goes on naming what can be signed off."""
    after = edited(a_run(came_to=Outcome.FAILED))
    assert (
        b"Latest rehearsal evidence: `dist/staging/marquez/20261101T171901Z/` (dry run)." in after
    )


def test_pending_section_says_how_it_stands() -> None:
    """One status line below the heading, above the steps; it follows what comes."""
    ready = edited(backfill_run()).decode()
    status = (
        f"### Prefect Backfill Guardrails\n\n**Status:** Ready for sign-off: "
        f"`{backfill_run().folder}/`. Run `{RUN}`.\n\n1. Deploy:"
    )
    assert status in ready
    done = edited(backfill_run(answers=(an_answer(),)), ready).decode()
    assert (
        status.replace("Ready for", "Done, signed off by Ada on 2026-11-20").replace(
            "2026-11-20 sign-off", "2026-11-20"
        )
        in done
    )
    later = edited(backfill_run(started_at=BEGAN + timedelta(days=2)), done).decode()
    assert later.count("**Status:**") == 1
    assert "20261114T140507Z/`. Run" in later


@pytest.mark.parametrize(
    ("change", "looked_for"),
    [
        pytest.param(("Rehearsal   ", "Exercise    "), "Rehearsal, Date (UTC)", id="table-heads"),
        pytest.param(("(UTC)", "(CET)"), "Rehearsal, Date (UTC)", id="another-clock"),
        pytest.param(("**Marquez smoke**", "**Smoke**"), "`- **…**` of the", id="no-group"),
        pytest.param(("**ARC lifecycle**", "**Marquez smoke**"), "there are 2", id="two-groups"),
    ],
)
def test_missing_anchor_is_named(change: tuple[str, str], looked_for: str) -> None:
    """What is not there is said by what was looked for; nothing is guessed."""
    assert change[0] in PLAN
    with pytest.raises(errors.AnchorNotFound) as told:
        edited(a_run(), PLAN.replace(*change))
    assert looked_for in told.value.message


def test_every_missing_anchor_is_named() -> None:
    """All of them at once, not the first."""
    bare = PLAN.replace("Rehearsal   ", "Exercise    ").replace("**Marquez smoke**", "**Smoke**")
    with pytest.raises(errors.AnchorNotFound) as told:
        edited(a_run(), bare)
    assert "columns Rehearsal" in told.value.message
    assert "artefact checklist" in told.value.message


def test_renamed_pending_heading_is_named() -> None:
    """A section that is there and no longer says pending is not taken for it."""
    with pytest.raises(errors.AnchorNotFound, match="says pending"):
        edited(backfill_run(), PLAN.replace("Pending Rehearsals (Awaiting Access)", "Elsewhere"))


def test_renamed_headings_do_no_harm() -> None:
    """Tables and bullets are found by what they say, not by the heading above them."""
    after = edited(a_run(), PLAN.replace("## Schedule", "## When").replace("## Art", "## Our art"))
    assert "In its booked window." in row(after, FOLDER)


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(
            "Rehearsal|When (UTC)|Notes\n-|-|-\nMarquez smoke|2026-11-10 14:00 - 15:00|x\n",
            id="three-columns-no-outer-bars",
        ),
        pytest.param(
            "| Ticket | Notes | Environment | Date (UTC) | Rehearsal |\n|-|-|-|-|-|\n"
            "| A \\| B | nothing | any | 2026-11-10 | Marquez smoke |\n",
            id="five-columns-otherwise",
        ),
        pytest.param("| Rehearsal | Date | Status |\n|:--|--:|---|\n", id="no-rows"),
        pytest.param(
            "| Rehearsal | Date | Notes |\n|-|-|-|\n| Marquez smoke |\n", id="row-too-short"
        ),
    ],
)
def test_tables_of_other_widths(table: str) -> None:
    """The columns are found by their heads; the new row has as many cells as the others."""
    head, rest = PLAN.split("| Rehearsal             |", 1)
    text = f"{head}{table}\n{rest[rest.index('## Artefact') :]}"
    after = edited(a_run(), text)
    said = next(line for line in after.decode().splitlines() if f"{FOLDER}/cli.log" in line)
    assert said.replace("\\|", "").count("|") == table.splitlines()[0].count("|")
    assert lost(text.encode(), after)[0] == "last_updated: 2026-11-02"
    assert edited(a_run(), after) == after


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "cp037"])
def test_document_in_another_encoding_is_left(coding: str) -> None:
    """What cannot be read is not edited."""
    with pytest.raises(errors.AnchorNotFound):
        edited(a_run(), PLAN.replace("–", "-").replace("—", "-").encode(coding))


def test_rows_in_fences_are_no_rows() -> None:
    """A schedule shown as an example is not the schedule."""
    example = "```markdown\n" + PLAN[PLAN.index("| Reh") : PLAN.index("\n## Art")] + "```\n"
    after = edited(a_run(), PLAN.replace("## Overview\n", "## Overview\n\n" + example))
    assert example in after.decode()


def test_phantom_row_is_no_booking() -> None:
    """A row that tells of other evidence, or of completion, is nobody's to overwrite."""
    phantom = "Completed. Artefacts: `dist/staging/marquez/20261112T140000Z/cli.log`."
    after = edited(a_run(), PLAN.replace("Scheduled.       ", phantom))
    assert phantom in after.decode()
    assert "14:05 – 14:25" in row(after, FOLDER)
