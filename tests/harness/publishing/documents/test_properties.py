"""For documents of any shape: what is not edited stays to the byte, and a repeat edits nothing."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fixtures.core.outcome import Outcome
from fixtures.core.records.systems import Mode
from fixtures.publishing.documents import log, plan, runners, steps
from fixtures.publishing.documents.facts import Facts
from fixtures.publishing.documents.recording import EDITS, guarded
from tests.harness.often import often
from tests.harness.publishing.documents.made import (
    FLAT_LOG,
    LOG,
    PLAN,
    RUNNERS,
    STEPS,
    TODAY,
    a_run,
    an_answer,
    arc_run,
    backfill_run,
    page,
)

EDITED = re.compile(
    rb"last_updated: |_Updated |- Latest rehearsal evidence|\| Marquez lineage smoke \| 2026-11-12"
    rb"|[-\xe2\x80\xa2]+ \[ \] "
)
"""Lines of the originals that an edit may change."""
EXTRA = (
    b"",
    b"Some prose.",
    b"  indented",
    b"a | b",
    b"\xff\xfe no UTF-8",
    b"> quoted",
    b"\xc2\xa0",
)
NASTY = (
    "done",
    "not done. Completed! ✅",
    "dry run",
    "simulated",
    "not evidence: all of it",
    "pending; will be done",
    "dist/staging/arc/20251113T160000Z/ has passed",
    "&#100;ist/staging/arc/20251113T160000Z/",
    "| a | b |",
    "\n- [x] **QA** — Marquez lineage smoke done 2025-01-01",
    "```",
    "~~struck~~ <!-- out",
    "Marquez lineage smoke of 2025-01-01 \\",
)
"""What a reason or a name might say to be read as something else."""
ENDS = re.compile(rb"\r\n|\r|\n")


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, bytes]:
    """One of the documents as some editor may have left it."""
    path, text = draw(
        st.sampled_from(
            [
                (plan.PATH, PLAN),
                (steps.PATH, STEPS),
                (log.PATH, LOG),
                (log.PATH, FLAT_LOG),
                (runners.PATH, RUNNERS),
            ]
        )
    )
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    lines = text.encode().splitlines()
    body = lines.index(b"---", 1) + 1 if lines[0] == b"---" else 0
    blanks = [n for n, line in enumerate(lines) if not line and n >= body]
    for number in sorted(draw(st.sets(st.sampled_from(blanks), max_size=3)), reverse=True):
        # Set off by blank lines: what is beside a table or a bullet would belong to it.
        lines[number:number] = [b"", draw(st.sampled_from(EXTRA)), b""]
    trailing = draw(st.sets(st.integers(body, len(lines) - 1), max_size=4))
    lines = [line + b"  " if n in trailing and line else line for n, line in enumerate(lines)]
    data = end.join(lines) + (end if draw(st.booleans()) else b"")
    return path, (BOM_UTF8 if draw(st.booleans()) else b"") + data


@st.composite
def rehearsals(draw: st.DrawFn) -> Facts:
    """A rehearsal in any state."""
    texts = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(NASTY)
    kind = draw(st.sampled_from([a_run, arc_run, backfill_run]))
    answers = tuple(
        an_answer(
            accepted=draw(st.booleans()),
            by=draw(st.sampled_from(["Ada", "Bo | ] `", "<!-- Eve"]) | texts),
            reason=draw(texts),
            number=number,
        )
        for number in range(1, draw(st.integers(1, 3)))
    )
    mode = draw(st.sampled_from([Mode.LIVE, Mode.DRY_RUN]))
    made: Facts = kind()
    return replace(
        made,
        mode=mode,
        came_to=draw(st.sampled_from([Outcome.PASSED, Outcome.FAILED, Outcome.BLOCKED])),
        why=tuple(draw(st.lists(texts, max_size=4))),
        deviations=tuple(draw(st.lists(texts, max_size=3))),
        answers=answers,
    )


def edited(path: str, data: bytes, facts: Facts) -> bytes:
    return guarded(page(path, data), facts, TODAY, edit=EDITS[path]).page.data


@often(60)
@given(documents(), rehearsals())
def test_only_edited_lines_change(document: tuple[str, bytes], facts: Facts) -> None:
    """Every other line is there, in its order, with its own end; so are BOM and last end."""
    path, before = document
    after = edited(path, before, facts)
    old, new = (ENDS.split(each.removeprefix(BOM_UTF8)) for each in (before, after))
    gone = Counter(old) - Counter(new)
    assert all(EDITED.search(line) for line in gone), gone
    kept = [line for line in old if line not in gone]
    rest = iter(new)
    assert all(line in rest for line in kept)
    assert set(ENDS.findall(after)) == set(ENDS.findall(before))
    assert after.startswith(BOM_UTF8) == before.startswith(BOM_UTF8)
    assert (after[-1:] == b"\n") == (before[-1:] == b"\n")


@often(60)
@given(documents(), rehearsals())
def test_repeats_leave_the_same_bytes(document: tuple[str, bytes], facts: Facts) -> None:
    """Once, twice, three times: whatever the document and the rehearsal."""
    path, before = document
    once = edited(path, before, facts)
    twice = edited(path, once, facts)
    assert twice == once
    assert edited(path, twice, facts) == once


@often(30)
@given(documents(), rehearsals())
def test_reviews_one_by_one_come_to_the_same_place(
    document: tuple[str, bytes], facts: Facts
) -> None:
    """Recorded after each answer, a document says in the end what it says recorded once."""
    path, before = document
    if path == log.PATH:
        # The log keeps an entry of each.
        return
    step_by_step = before
    for count in range(len(facts.answers) + 1):
        step_by_step = edited(path, step_by_step, facts.as_of(count))
    at_once = edited(path, before, facts)
    if path == plan.PATH:
        # "Latest rehearsal evidence" of what was once ready stays when it is rejected, and
        # padding that was given for a longer text is not taken back.
        ours = [line for line in at_once.split(b"\n") if facts.folder.encode() in line]
        said = b" ".join(step_by_step.split())
        assert all(b" ".join(line.split()) in said for line in ours)
    else:
        assert step_by_step == at_once
