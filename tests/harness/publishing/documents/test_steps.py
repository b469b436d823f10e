"""`Next_Steps.md`: which task, what is said below it, when it is ticked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fixtures.core import errors
from fixtures.core.outcome import Outcome
from fixtures.core.records.systems import Mode
from fixtures.publishing.documents import steps
from fixtures.publishing.documents.facts import Facts
from fixtures.publishing.documents.recording import guarded
from tests.harness.publishing.documents.made import (
    BEGAN,
    FOLDER,
    RUN,
    STEPS,
    TODAY,
    a_run,
    added,
    an_answer,
    arc_run,
    backfill_run,
    lost,
    page,
)

DONE = (an_answer(),)


def edited(facts: Facts, text: str | bytes = STEPS) -> bytes:
    return guarded(page(steps.PATH, text), facts, TODAY, edit=steps.edit).page.data


def test_task_is_ready_for_sign_off() -> None:
    """One line below the task's own text, before what is below it already."""
    after = edited(a_run())
    (said,) = added(STEPS.encode(), after)
    assert said == f"  - **Rehearsal:** Ready for sign-off: `{FOLDER}/`. Run `{RUN}`."
    lines = after.decode().splitlines()
    assert "target 2026-11-29" in lines[lines.index(said) - 1]
    assert lines[lines.index(said) + 1] == "  - **Progress:** waiting."
    assert lost(STEPS.encode(), after) == []


def test_task_is_done_once_signed_off() -> None:
    """The box is ticked by the reviewer's acceptance, and by nothing else."""
    ready = edited(a_run())
    assert b"- [x]" not in ready
    done = edited(a_run(answers=DONE), ready).decode()
    assert "- [x] Schedule Marquez lineage smoke against" in done
    assert f"  - **Rehearsal:** Done, signed off by Ada on 2026-11-20: `{FOLDER}/`." in done
    assert done.count("**Rehearsal:**") == 1


def test_rejection_opens_the_task_again() -> None:
    """Done is taken back with the answer that made it so."""
    done = edited(a_run(answers=DONE))
    back = an_answer(accepted=False, reason="wrong pool", number=2)
    again = edited(a_run(answers=(*DONE, back)), done).decode()
    assert "- [ ] Schedule Marquez lineage smoke" in again
    assert "Blocked: sign-off rejected by Ada on 2026-11-20 (wrong pool)" in again


def test_task_of_two_rehearsals_waits_for_both() -> None:
    """Ticked only when each rehearsal it asks for is done."""
    half = edited(backfill_run(answers=DONE))
    assert b"- [x] **Platform** \xe2\x80\x94 Validate" in half
    assert b"- [ ] **Platform & QA**" in half
    whole = edited(arc_run(answers=DONE), half)
    assert b"- [x] **Platform & QA**" in whole
    assert whole.count(b"**Rehearsal:**") == 3


def test_bullets_of_the_other_style() -> None:
    """A task behind `•` gets a line behind `•`, indented as its own are."""
    (said,) = added(STEPS.encode(), edited(a_run(word="e2e")))
    assert said.startswith("  • **Rehearsal:** Ready for sign-off: `dist/staging/e2e/")


def test_task_that_only_speaks_of_it_stays() -> None:
    """Describing how a smoke is read asks for no rehearsal."""
    after = edited(a_run(answers=DONE))
    assert b"- [ ] **Docs** \xe2\x80\x94 Describe" in after


def test_fences_stay() -> None:
    """The task shown as an example is no task."""
    fence = STEPS[STEPS.index("```") :].encode()
    assert edited(a_run(answers=DONE)).endswith(fence)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (a_run(came_to=Outcome.FAILED, why=("it broke",)), "Blocked: FAILED (it broke): `"),
        (
            a_run(came_to=Outcome.BLOCKED, mode=Mode.LOCAL, why=("no cluster",)),
            "Blocked: no cluster: `",
        ),
    ],
    ids=["failed", "blocked"],
)
def test_what_did_not_pass_is_blocked(facts: Facts, says: str) -> None:
    """Blocked, with the reason, and the box stays open."""
    (said,) = added(STEPS.encode(), edited(facts))
    assert says in said


def test_dry_run_says_nothing_here() -> None:
    """A dry run moves no task."""
    assert edited(a_run(mode=Mode.DRY_RUN)) == STEPS.encode()


@pytest.mark.parametrize("facts", [a_run(), a_run(answers=DONE), arc_run(), backfill_run()])
def test_repeats_change_nothing(facts: Facts) -> None:
    """Three repeats leave the same bytes."""
    once = edited(facts)
    assert edited(facts, edited(facts, once)) == once


def test_next_run_takes_the_line_of_the_last() -> None:
    """A nightly rehearsal says how it stands now; git and the log keep what was."""
    after = edited(a_run(started_at=BEGAN + timedelta(days=1)), edited(a_run()))
    assert after.count(b"**Rehearsal:**") == 1
    assert b"20261113T140507Z" in after


def test_earlier_run_recorded_late_changes_nothing() -> None:
    """What a later run said is not taken back, not even by a sign-off of the earlier one."""
    newer = edited(a_run(started_at=BEGAN + timedelta(days=1)))
    assert edited(a_run(answers=DONE), newer) == newer


def test_ticked_task_is_left() -> None:
    """A task somebody has closed is theirs; the note says so."""
    closed = STEPS.replace("- [ ] Schedule Marquez", "- [x] Schedule Marquez")
    done = guarded(page(steps.PATH, closed), a_run(), TODAY, edit=steps.edit)
    assert done.page.data == closed.encode()
    assert done.notes == (f"{steps.PATH}:7 is ticked already, and stays as it is",)


def test_what_somebody_added_behind_our_line_stays() -> None:
    """Their words, and other evidence they name, are kept, and the line is not doubled."""
    more = b" See also `dist/staging/marquez/20261110T120000Z/`."
    ready = edited(a_run())
    noted = ready.replace(f"Run `{RUN}`.".encode(), f"Run `{RUN}`.".encode() + more)
    assert edited(a_run(), noted) == noted
    no = an_answer(accepted=False, reason="wrong pool")
    rejected = edited(a_run(answers=(no,)), noted.replace(more, b" Lovely."))
    assert f"(wrong pool): `{FOLDER}/`. Run `{RUN}`. Lovely.".encode() in rejected
    assert rejected.count(b"**Rehearsal:**") == 1


def test_line_changed_by_hand_is_not_overwritten() -> None:
    """Other words about this very run are somebody's own."""
    ready = edited(a_run()).replace(b"Ready for", b"Nearly ready for")
    with pytest.raises(errors.DocumentEditedByHand):
        edited(a_run(answers=DONE), ready)


def test_no_task_is_named() -> None:
    """Nothing is added where no task asks for the rehearsal."""
    with pytest.raises(errors.AnchorNotFound, match="Marquez lineage smoke"):
        edited(a_run(), STEPS.replace("Schedule Marquez", "Forget Marquez"))


def test_ticking_never_turns_other_lines_into_claims() -> None:
    """A line below the task that names other evidence would read as complete: refused, named."""
    other = "  - Evidence: `dist/logs/marquez-20251107T105820Z/`\n  - **Progress:** waiting.\n"
    text = STEPS.replace("  - **Progress:** waiting.\n", other, 1)
    assert b"Ready for sign-off" in edited(a_run(), text)
    with pytest.raises(errors.DocumentRefused, match="marquez-20251107T105820Z"):
        edited(a_run(answers=DONE), text)
