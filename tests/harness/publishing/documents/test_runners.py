"""The guide of the runners: workflow runs where the plan asks for them."""

from __future__ import annotations

import pytest

from fixtures.core import errors
from fixtures.core.outcome import Outcome
from fixtures.core.records.systems import Mode
from fixtures.publishing.documents import runners
from fixtures.publishing.documents.facts import Facts
from fixtures.publishing.documents.recording import guarded
from tests.harness.publishing.documents.made import RUN, RUNNERS, TODAY, a_run, arc_run, page

RUN_OF = arc_run()
SAID = (
    "2026-11-12: workflow runs <https://github.com/org/hotpass/actions/runs/41>; evidence "
    f"`{RUN_OF.folder}/`. Run `{RUN}`."
)


def edited(facts: Facts, text: str | bytes = RUNNERS) -> bytes:
    return guarded(page(runners.PATH, text), facts, TODAY, edit=runners.edit).page.data


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        pytest.param(
            "", f"\n## Audit\n\n### Latest rehearsal evidence\n\n- {SAID}\n", id="no-section"
        ),
        pytest.param(
            "\n## Audit trail\n\nWho did what.\n",
            f"\n## Audit trail\n\nWho did what.\n\n### Latest rehearsal evidence\n\n- {SAID}\n",
            id="audit-section",
        ),
        pytest.param(
            "\n## Audit\n## More\n",
            f"\n## Audit\n\n### Latest rehearsal evidence\n\n- {SAID}\n\n## More\n",
            id="audit-in-the-middle",
        ),
        pytest.param(
            "\n## Latest rehearsal evidence\n\n- of old\n",
            f"\n## Latest rehearsal evidence\n\n- {SAID}\n- of old\n",
            id="heading",
        ),
        pytest.param(
            "\n* Latest rehearsal evidence: see below\n",
            f"\n* Latest rehearsal evidence: see below\n  * {SAID}\n",
            id="bullet",
        ),
    ],
)
def test_run_stands_below_latest_evidence(tail: str, expected: str) -> None:
    """Wherever the guide has that place; the section is made when it is absent."""
    after = edited(RUN_OF, RUNNERS + tail)
    assert after.decode() == RUNNERS.replace("2026-01-01", "2026-11-22") + expected
    assert edited(RUN_OF, after) == after


@pytest.mark.parametrize(
    "facts",
    [
        arc_run(mode=Mode.DRY_RUN),
        arc_run(came_to=Outcome.BLOCKED, urls=()),
        arc_run(came_to=Outcome.FAILED, urls=()),
        a_run(),
    ],
    ids=["dry", "blocked", "failed-before-it-began", "other-word"],
)
def test_nothing_to_say(facts: Facts) -> None:
    """Only a live lifecycle rehearsal that started workflow runs stands here."""
    assert edited(facts) == RUNNERS.encode()


def test_failed_run_says_so() -> None:
    """The workflow run of a failure is worth finding, and says what it is."""
    assert b": FAILED, workflow runs <" in edited(arc_run(came_to=Outcome.FAILED))


def test_passed_without_a_url_is_said() -> None:
    """The plan wants it: a rehearsal without one is reported, not skipped."""
    with pytest.raises(errors.AnchorNotFound, match=r"lifecycle\.json"):
        edited(arc_run(urls=()))
