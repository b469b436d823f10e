"""One session's rehearsals: exit codes, what could not be seen, what could not be written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fixtures.core import errors
from fixtures.core.outcome import Exit, Outcome
from fixtures.evidence import sealing
from fixtures.evidence.sealing import Sealed
from fixtures.guardrails import marquez as guardrails
from fixtures.procedures.session import Open, Session
from fixtures.procedures.weighing import Weigh

if TYPE_CHECKING:
    from tests.harness.procedures.conftest import Played, Staged

RUN = "marquez.run-completed"


def weigh_of(quick_stage: Staged) -> Weigh:
    return Weigh(
        bundle=quick_stage.bundle,
        registry=guardrails.REGISTRY,
        guardrail=RUN,
        waivers={},
        strict=False,
        amber=pytest.fail,
    )


def open_session(quick_stage: Staged) -> Session:
    return Session(open=Open(bundle=quick_stage.bundle, module="m", junit=lambda: None))


@pytest.fixture
def sealed(good: Played) -> Sealed:
    """Sealed bundle whose outcome a test may change."""
    return good.sealed


@pytest.mark.parametrize(
    ("outcomes", "pytest_code", "expected"),
    [
        pytest.param([], 0, 0, id="no-rehearsal-pytest-decides"),
        pytest.param([], 1, 1, id="no-rehearsal-failed"),
        pytest.param([], 5, 5, id="nothing-collected"),
        pytest.param(["PASSED"], 0, 0, id="passed"),
        pytest.param(["PASSED"], 1, 1, id="passed-and-something-failed"),
        pytest.param(["FAILED"], 1, 1, id="failed"),
        pytest.param(["FAILED"], 0, 1, id="failed-though-pytest-is-green"),
        pytest.param(["BLOCKED"], 1, 10, id="blocked"),
        pytest.param(["BLOCKED"], 0, 10, id="blocked-though-pytest-is-green"),
        pytest.param(["INTERRUPTED"], 0, 2, id="interrupted-though-pytest-is-green"),
        pytest.param(["PASSED"], 2, 2, id="stopped-after-the-rehearsal"),
        pytest.param(["PASSED"], 3, 3, id="pytest-broke"),
        pytest.param(["PASSED"], 4, 4, id="usage"),
        pytest.param(["PASSED"], 5, 0, id="nothing-else-collected"),
        pytest.param(["PASSED"], 6, 6, id="too-many-warnings"),
        pytest.param(["BLOCKED", "FAILED"], 1, 1, id="failed-outweighs-blocked"),
        pytest.param(["FAILED", "INTERRUPTED"], 1, 2, id="interrupted-outweighs-failed"),
        pytest.param(["PASSED", "BLOCKED"], 1, 10, id="blocked-outweighs-passed"),
    ],
)
@pytest.mark.parametrize("dry", [True, False], ids=["dry", "live"])
def test_exit_code(
    sealed: Sealed, outcomes: list[str], pytest_code: int, expected: int, dry: bool
) -> None:
    """The worst of all outcomes and pytest's own; a dry run exits as it would have live."""
    session = Session()
    for name in outcomes:
        outcome, would_be = Outcome(name), None
        if dry:
            outcome, would_be = Outcome.SIMULATED, Outcome(name)
        session.sealed.append(replace(sealed, outcome=outcome, would_be=would_be))
    assert session.exit_code(pytest_code) == expected


@pytest.mark.parametrize("outcome", ["PASSED", "FAILED", "BLOCKED", "INTERRUPTED"])
def test_harness_fault_outweighs_verdicts(sealed: Sealed, outcome: str) -> None:
    """A fault of ours makes every verdict doubtful."""
    session = Session(
        sealed=[replace(sealed, would_be=Outcome(outcome), harness_faults=("RuntimeError: x",))]
    )
    assert session.exit_code(1) == Exit.HARNESS_FAULT


@pytest.mark.parametrize("pytest_code", [0, 1])
def test_fault_outside_any_bundle_counts(pytest_code: int) -> None:
    """Evidence that could not be written leaves no bundle, and code 3."""
    assert Session(faults=["disk full"]).exit_code(pytest_code) == Exit.HARNESS_FAULT


def test_failed_self_test_is_not_hidden_by_a_good_rehearsal(sealed: Sealed) -> None:
    """Green rehearsals do not turn a red self-test green."""
    assert Session(sealed=[sealed], failed_elsewhere=1).exit_code(1) == Exit.BROKE


def test_recovered_bundles_have_no_weight(sealed: Sealed) -> None:
    """What an earlier session left behind is not this one's outcome."""
    left = replace(sealed, would_be=Outcome.INTERRUPTED)
    assert Session(sealed=[sealed], recovered=[left]).exit_code(0) == Exit.HELD


def test_seal_without_a_rehearsal_does_nothing() -> None:
    """Nothing open, nothing sealed."""
    session = Session()
    session.seal()
    assert not session.sealed


def test_seal_notes_the_interruption(quick_stage: Staged) -> None:
    """Why it was stopped is the first reason of its outcome; sealing twice seals once."""
    session = open_session(quick_stage)
    session.seal(interruption="stopped by SIGTERM")
    session.seal()
    [sealed] = session.sealed
    assert sealed.would_be is Outcome.INTERRUPTED
    assert sealed.reasons[0] == "stopped by SIGTERM"
    assert session.open is None
    assert session.exit_code(2) == Exit.INTERRUPTED


def test_disk_that_refuses_the_seal_is_code_three(
    quick_stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory stays partial, its lock is free for a recovery, and the code is 3."""

    def refuse(*_: object, **__: object) -> None:
        raise errors.EvidenceNotWritable("disk full", hint="Free space.")

    session = open_session(quick_stage)
    with monkeypatch.context() as patch:
        patch.setattr(sealing, "publish", refuse)
        session.seal()
    assert not session.sealed
    assert len(session.faults) == 1
    assert session.exit_code(0) == Exit.HARNESS_FAULT
    assert quick_stage.bundle.folder.is_dir()
    session.recover(quick_stage.bundle.folder.parents[1])
    assert session.recovered[0].would_be is Outcome.INTERRUPTED


def test_recover_leaves_running_rehearsals_alone(quick_stage: Staged) -> None:
    """What somebody owns is neither sealed nor a fault."""
    session = Session()
    session.recover(quick_stage.bundle.folder.parents[1])
    assert not session.recovered
    assert not session.faults
    assert quick_stage.bundle.folder.is_dir()


@pytest.mark.parametrize(
    ("trouble", "told", "troubles"),
    [
        pytest.param(
            errors.SystemRefused("answered\n500", hint="See marquez.log."),
            "[system-refused] answered 500 (hint: See marquez.log.)",
            0,
            id="known",
        ),
        pytest.param(
            ValueError("bad\nworse"), "[harness-fault] ValueError: bad worse", 1, id="ours"
        ),
        pytest.param(KeyError(), "[harness-fault] KeyError: (hint", 1, id="mute"),
    ],
)
def test_unseen_guardrail_has_a_verdict(
    quick_stage: Staged, trouble: Exception, told: str, troubles: int
) -> None:
    """A test that could not look leaves its guardrail not established, with the why."""
    session = open_session(quick_stage)
    verdict = session.note_unseen(weigh_of(quick_stage), trouble)
    assert verdict is not None
    assert verdict.ruling == "not established"
    assert verdict.observed.startswith(told)
    assert "\n" not in verdict.observed
    summary = quick_stage.bundle.summary()
    assert summary.verdicts[RUN].observed == verdict.observed
    assert len(summary.harness_faults) == troubles


def test_judged_guardrail_stays_judged(quick_stage: Staged) -> None:
    """A failing teardown after a verdict does not take the verdict back."""
    session = open_session(quick_stage)
    assert session.note_unseen(weigh_of(quick_stage), KeyError("first")) is not None
    assert session.note_unseen(weigh_of(quick_stage), KeyError("second")) is None
    assert Session().note_unseen(weigh_of(quick_stage), KeyError("closed")) is None
    assert not quick_stage.bundle.summary().interruptions


def test_same_fault_is_told_once() -> None:
    """A full disk refuses every line: one fault, not a hundred."""
    session = Session()
    for _ in range(3):
        with session.guarded():
            raise errors.EvidenceNotWritable("disk full", hint="Free space.")
    assert len(session.faults) == 1
