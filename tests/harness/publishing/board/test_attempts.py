"""Attempts at live that were none: told as what they were, with what was missing."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.core import errors
from fixtures.publishing.board.readiness import State
from tests.harness.publishing.board import made
from tests.harness.publishing.board.conftest import Draw, Make
from tests.harness.publishing.board.test_readiness import line

MISSING = (
    "a Hotpass checkout: pass --hotpass-root PATH",
    "Prefect's address: set PREFECT_API_URL",
)


def trouble(*missing: str, step: str = "1") -> dict[str, Any]:
    """What the ledger keeps of prerequisites that are missing."""
    raised = errors.PrerequisitesMissing(missing, hint="Provide what is listed.")
    return {
        "kind": "trouble",
        "n": 3,
        "at": "2026-11-22T12:06:24.811Z",
        "step": step,
        "code": raised.code,
        "message": raised.message,
        "hint": raised.hint,
    }


NOTHING_OPENED: dict[str, Any] = {
    "mode": "local",
    "staging": True,
    "systems": [],
    "outcome": "BLOCKED",
    "troubles": [trouble(*MISSING)],
}


def test_a_blocked_attempt_says_what_is_missing(make: Make, draw: Draw) -> None:
    """Never rehearsed live, tried today: blocked, when, and each missing setting."""
    make(0.1, **NOTHING_OPENED)
    built = draw()
    found = line(built)
    assert (built.refused, found.state, found.attempt_age) == (0, State.BLOCKED, "today")
    assert found.blocks == ("no live rehearsal has come to its end", *MISSING)
    page = (built.output / "index.html").read_text("utf-8")
    assert "Last live attempt today" in page
    assert "set PREFECT_API_URL" in page
    assert 'class="badge good"' not in page
    own = (built.output / "marquez.html").read_text("utf-8")
    assert "Attempts at live" in own
    assert "Local rehearsals" not in own
    (bundle,) = (built.output / "bundles").iterdir()
    told = bundle.read_text("utf-8")
    assert "LIVE ATTEMPT" in told
    assert "Provide what is listed." in told
    assert "somebody's machine" not in told


def test_it_takes_nothing_from_a_live_one(make: Make, draw: Draw) -> None:
    """An older live bundle still decides; the attempt stands beside it, until a newer live one."""
    make(5)
    make(1, **NOTHING_OPENED)
    found = line(draw())
    assert (found.state, found.blocks) == (State.SIGN_OFF, ())
    assert found.attempt is not None
    assert found.attempt.missing == MISSING
    make(0.5)
    assert line(draw()).attempt is None


@pytest.mark.parametrize(
    ("how", "said"),
    [
        pytest.param(
            {"systems": made.systems(demanded="staging")},
            "marquez is local, and hotpass-staging demands staging",
            id="passed-on-a-laptop",
        ),
        pytest.param(
            {"mode": "dry run", "systems": made.systems(identity={}, provenance="simulated")},
            "marquez is simulated, and hotpass-staging demands local",
            id="nothing-proves-what-answered",
        ),
    ],
)
def test_a_green_attempt_is_never_green(
    make: Make, draw: Draw, how: dict[str, Any], said: str
) -> None:
    """Whatever it came to: not ready, not green, and why it is not live."""
    make(1, **{"mode": "local", "staging": True, "taints": [], **how})
    built = draw()
    assert built.refused == 0
    found = line(built)
    assert found.state is State.BLOCKED
    assert said in found.blocks
    for page in built.output.glob("*.html"):
        assert 'class="badge good"' not in page.read_text("utf-8")


def test_the_same_is_told_once_and_not_without_end(make: Make, draw: Draw) -> None:
    """Each step that lacked it says so again; of very many the card has the first."""
    many = [f"setting {number}" for number in range(40)]
    troubles = [trouble(*many), trouble(*many, step="2")]
    make(1, **{**NOTHING_OPENED, "troubles": troubles})
    built = draw()
    blocks = line(built).blocks
    assert blocks[1:] == (*many[:12], "and 28 more")
    (bundle,) = (built.output / "bundles").iterdir()
    assert "setting 39" in bundle.read_text("utf-8")


def test_without_a_list_the_reasons_are_told(make: Make, draw: Draw) -> None:
    """Blocked by something else than a missing setting: by that."""
    make(1, **{**NOTHING_OPENED, "troubles": []})
    (why,) = line(draw()).blocks[1:]
    assert why == "marquez.stack-healthy is why it BLOCKED"
