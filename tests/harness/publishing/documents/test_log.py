"""The log: an entry per review, in whichever form the log has."""

from __future__ import annotations

import pytest

from fixtures.core import errors
from fixtures.core.outcome import Outcome
from fixtures.core.records.systems import Mode
from fixtures.publishing.documents import log
from fixtures.publishing.documents.facts import Facts
from fixtures.publishing.documents.recording import guarded
from tests.harness.publishing.documents.made import (
    FLAT_LOG,
    FOLDER,
    LOG,
    RUN,
    TODAY,
    a_run,
    an_answer,
    lost,
    page,
)

NO = an_answer(accepted=False, reason="wrong pool")
DONE = a_run(answers=(an_answer(),), deviations=("step 2: another flag", "step 4: via the API"))


def edited(facts: Facts, text: str | bytes = LOG) -> bytes:
    return guarded(page(log.PATH, text), facts, TODAY, edit=log.edit).page.data


def test_block_at_the_head() -> None:
    """A dated block of its own, with the deviations, before the others."""
    assert edited(DONE).decode() == (
        "## 2026-11-20 (branch: n/a, pr: n/a, actor: Ada)\n"
        "\n"
        "- [x] **QA** — Marquez lineage smoke signed off by Ada on 2026-11-20: "
        f"`{FOLDER}/`. Run `{RUN}`.\n"
        "  - notes: deviations: step 2: another flag; step 4: via the API\n"
        "  - checks: tests=unknown, lint=unknown, type=unknown, sec=unknown, build=unknown\n"
        "\n" + LOG
    )


def test_flat_line_at_the_head() -> None:
    """A line like the others, and the log's own date moves."""
    after = edited(DONE, FLAT_LOG).decode()
    assert "_Updated 2026-11-22_" in after
    (first, second) = after[after.index("- [x]") :].splitlines()[:2]
    assert first == (
        "- [x] **2026-11-20 · QA** — Marquez lineage smoke signed off by Ada on 2026-11-20: "
        f"`{FOLDER}/`. Run `{RUN}`. Deviations: step 2: another flag; step 4: via the API."
    )
    assert "2026-11-03" in second


@pytest.mark.parametrize("text", [LOG, FLAT_LOG], ids=["blocks", "flat"])
def test_log_that_grows_at_its_end(text: str) -> None:
    """The order is that of the entries that are there."""
    older = text.replace("2026-11-03 ·", "2026-10-03 ·").rstrip("\n")
    if text is LOG:
        older = LOG + "\n" + LOG.replace("2026-11-07", "2026-11-09").rstrip("\n")
    after = edited(DONE, older).decode()
    assert after.index("signed off") > after.rindex("Tidied up")
    assert lost(older.encode(), after.encode()) in ([], ["_Updated 2026-11-03_"])
    blank = "\n\n" if text is LOG else "\n"
    assert older.splitlines()[-1] + blank in after
    assert after.endswith("\n") == older.endswith("\n")


@pytest.mark.parametrize(
    "facts",
    [a_run(), a_run(mode=Mode.DRY_RUN, answers=(an_answer(),))],
    ids=["not-reviewed", "dry-run"],
)
def test_nothing_before_a_review(facts: Facts) -> None:
    """The run-book wants the line once reviewed, and a dry run is not."""
    assert edited(facts) == LOG.encode()


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (a_run(answers=(NO,)), "sign-off rejected by Ada on 2026-11-20 (wrong pool): `"),
        (
            a_run(came_to=Outcome.FAILED, why=("it broke",), answers=(NO,)),
            "reviewed by Ada on 2026-11-20, outcome FAILED (it broke): `",
        ),
    ],
    ids=["rejected", "failed"],
)
def test_what_is_not_done_is_not_ticked(facts: Facts, says: str) -> None:
    """A review that does not accept leaves an open box."""
    for text in (LOG, FLAT_LOG):
        said = next(line for line in edited(facts, text).decode().splitlines() if FOLDER in line)
        assert said.startswith("- [ ] ")
        assert says in said


@pytest.mark.parametrize("text", [LOG, FLAT_LOG], ids=["blocks", "flat"])
def test_an_entry_per_review_and_no_second(text: str) -> None:
    """A rejection and the acceptance after it are two entries; repeats are none."""
    rejected = edited(a_run(answers=(NO,)), text)
    assert edited(a_run(answers=(NO,)), rejected) == rejected
    done = a_run(answers=(NO, an_answer(number=2)))
    both = edited(done, rejected)
    assert both.count(FOLDER.encode()) == 2
    assert edited(done, both) == both


def test_log_of_neither_form_is_left() -> None:
    """Nothing is guessed."""
    with pytest.raises(errors.AnchorNotFound, match="YYYY-MM-DD"):
        edited(DONE, "# Log\n\nnothing yet\n")
