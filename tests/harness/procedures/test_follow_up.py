"""The plan's follow-up: when it runs, how often, what it came to, and that it decides nothing."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fixtures.clients.hotpass import Hotpass
from fixtures.core import errors, interrupts
from fixtures.core.outcome import Outcome
from fixtures.core.process import Finished
from fixtures.core.records.systems import Mode
from fixtures.core.redaction import Redactor
from fixtures.core.settings import Settings
from fixtures.evidence import verify
from fixtures.evidence.bundle import Bundle
from fixtures.guardrails import marquez as guardrails
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing, follow_up
from fixtures.procedures.afterwards import Afterwards
from fixtures.procedures.follow_up import FollowUp
from tests.harness.procedures.conftest import JUNIT, InProcess, Staged, opening


@dataclass(frozen=True, slots=True)
class Counted(InProcess):
    """The simulated command, and how often it was run with which words."""

    runs: list[tuple[str, ...]] = field(default_factory=list)

    def run(
        self,
        argv: Sequence[str],
        *,
        variables: Mapping[str, str],
        write: Callable[[bytes], object],
        **how: float,
    ) -> Finished:
        """Run it, and count it."""
        self.runs.append(tuple(argv[len(self.prefix) :]))
        return InProcess.run(self, argv, variables=variables, write=write, **how)


@pytest.fixture
def session() -> FollowUp:
    """One session's follow-up."""
    return FollowUp(session="s-1", started_at=datetime.now(UTC), idle_s=20.0, total_s=20.0)


@pytest.fixture
def command(tmp_path: Path) -> Counted:
    """The simulated command in an empty checkout."""
    root = tmp_path / "co"
    root.mkdir()
    return Counted(prefix=("hotpass",), root=root, variables={})


def strike(command: Counted, faults: str) -> Counted:
    return replace(command, variables={"HOTPASS_SIMULATOR_FAULTS": faults})


def saved(bundle: Bundle) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((bundle.folder / follow_up.ARTEFACT).read_text())
    return body


def deviations(bundle: Bundle) -> list[str]:
    return [each["text"] for each in bundle.summary().deviations]


@pytest.fixture
def other(quick_stage: Staged) -> Iterator[Bundle]:
    """Evidence of a second rehearsal in the same root."""
    made = Bundle.reserve(
        quick_stage.bundle.folder.parent.parent,
        word="backfill",
        mode=Mode.DRY_RUN,
        redactor=Redactor(),
        registry=REGISTRIES["backfill"],
        opening=opening(),
    )
    yield made
    made.ledger.close()


def test_passed(quick_stage: Staged, session: FollowUp, command: Counted) -> None:
    """Its checks, its command and its log are in the bundle; nothing is amber."""
    assert session.add(quick_stage.bundle, command) == "passed"
    body = saved(quick_stage.bundle)
    assert (body["result"], body["reason"], body["exit_code"]) == ("passed", "6 checks", 0)
    assert body["argv"][-2:] == ["qa", "all"]
    assert [each["status"] for each in body["qa"]["checks"]] == ["passed"] * 6
    assert not deviations(quick_stage.bundle)
    [line] = quick_stage.bundle.summary().commands
    assert (line["step"], line["log"]) == (follow_up.STEP, follow_up.LOG)
    script = (quick_stage.bundle.folder / follow_up.SCRIPT).read_text()
    assert f"\n{shlex.join(line['argv'])}\n)" in script


@pytest.mark.parametrize(
    ("faults", "result", "told"),
    [
        ("qa-check-fails", "failed", "Documentation Checks of 6 checks; exit code 1"),
        ("qa-without-python", "environment", "not the product: CLI Integrity"),
    ],
)
def test_failure_is_amber(
    quick_stage: Staged,
    session: FollowUp,
    command: Counted,
    faults: str,
    result: str,
    told: str,
) -> None:
    """A failing check and a failing environment are told apart, and both are shown."""
    assert session.add(quick_stage.bundle, strike(command, faults)) == result
    assert told in saved(quick_stage.bundle)["reason"]
    [text] = deviations(quick_stage.bundle)
    assert text.startswith(f"`hotpass qa all`: follow-up {result}: ")


def test_words_and_exit_code_must_agree(
    quick_stage: Staged, session: FollowUp, command: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All passed, it says, and ends with 1: that is no pass."""
    original = InProcess.run

    def ends_with_one(self: InProcess, argv: Sequence[str], **how: Any) -> Finished:
        return replace(original(self, argv, **how), exit_code=1)

    monkeypatch.setattr(InProcess, "run", ends_with_one)
    assert session.add(quick_stage.bundle, command) == "failed"


def test_silence_is_unreadable(quick_stage: Staged, session: FollowUp, tmp_path: Path) -> None:
    """A command that says nothing and exits 0 has not passed anything."""
    silent = Hotpass(prefix=("true",), root=tmp_path, variables={})
    assert session.add(quick_stage.bundle, silent) == "unreadable"


SKIPPED = """\
QA Check Results
│ Check │ Status │ Message │
│ CLI Integrity │ passed │ 5 verbs │
│ Contract Checks │ skipped │ no pytest │
└───────┘
✓ All QA checks passed
"""


def test_skipped_check_is_no_pass(quick_stage: Staged, session: FollowUp, tmp_path: Path) -> None:
    """It says that all passed, exits 0, and has looked at one of two."""
    said = Hotpass(prefix=("printf", SKIPPED), root=tmp_path, variables={})
    assert session.add(quick_stage.bundle, said) == "failed"
    assert "Contract Checks" in saved(quick_stage.bundle)["reason"]


def test_program_that_is_not_there(quick_stage: Staged, session: FollowUp, tmp_path: Path) -> None:
    """No uv on this machine: the environment's trouble, and no verdict about Hotpass."""
    absent = Hotpass(prefix=("no-such-uv",), root=tmp_path, variables={})
    assert session.add(quick_stage.bundle, absent) == "environment"
    assert "[command-not-started]" in saved(quick_stage.bundle)["reason"]


def test_once_per_session(
    quick_stage: Staged, other: Bundle, session: FollowUp, command: Counted
) -> None:
    """The second rehearsal takes over what the first has seen, and says whose it is."""
    session.add(quick_stage.bundle, strike(command, "qa-check-fails"))
    assert session.add(other, command) == "failed"
    assert command.runs == [("qa", "all")]
    first, second = saved(quick_stage.bundle), saved(other)
    assert second["qa"] == first["qa"]
    assert second["reused_from"] == {
        "word": "marquez",
        "run_id": str(quick_stage.bundle.run_id),
        "log": follow_up.LOG,
    }
    log = (other.folder / follow_up.LOG).read_text()
    assert str(other.run_id) in log.partition("\n")[0]
    assert "QA Check Results" in log
    assert "run once per session, by marquez" in deviations(other)[0]
    assert not (other.folder / follow_up.SCRIPT).exists(), "it ran elsewhere"


def test_another_session_runs_its_own(
    quick_stage: Staged, other: Bundle, session: FollowUp, command: Counted
) -> None:
    """What an earlier session saw says nothing of the checkout as it is now."""
    session.add(quick_stage.bundle, command)
    replace(session, session="s-2").add(other, command)
    assert len(command.runs) == 2


def test_own_step_is_the_follow_up(
    quick_stage: Staged, session: FollowUp, command: Counted
) -> None:
    """A rehearsal that ran `hotpass qa all` as a step has had its follow-up."""
    bundle = quick_stage.bundle
    with bundle.log("qa.log", header=[]) as log:
        finished = command.run(("hotpass", "qa", "all"), variables={}, write=log.write)
    bundle.note_command("1", finished, log="qa.log")
    assert session.add(bundle, command) == "passed"
    assert len(command.runs) == 1
    assert saved(quick_stage.bundle)["log"] == "qa.log"
    assert not (bundle.folder / follow_up.LOG).exists()


@pytest.mark.parametrize(
    ("setting", "mode", "due"),
    [
        ("live", Mode.DRY_RUN, False),
        ("live", Mode.LOCAL, True),
        ("live", Mode.LIVE, True),
        ("always", Mode.DRY_RUN, True),
        ("never", Mode.LIVE, False),
    ],
)
def test_when_it_is_due(known: Settings, setting: str, mode: Mode, due: bool) -> None:
    """On in live runs, off in dry ones, unless somebody switches it."""
    assert follow_up.is_due(known.model_copy(update={"follow_up": setting}), mode) is due


def ending(known: Settings, session: FollowUp, **changes: Any) -> Afterwards:
    always = known.model_copy(update={"follow_up": "always"})
    return Afterwards(known=always, follow_up=session, hotpass_root=None, **changes)


def test_failing_follow_up_decides_nothing(
    quick_stage: Staged, known: Settings, session: FollowUp, command: Counted
) -> None:
    """The outcome is that of the guardrails; the sealed bundle shows the failure, and verifies."""
    seen = quick_stage.rehearsal.run()
    closing.judge_all(quick_stage.bundle, guardrails.REGISTRY, seen)
    opened = type("Opened", (), {"hotpass": strike(command, "qa-check-fails")})()
    ending(known, session).complete(quick_stage.bundle, opened=opened, trouble=None)
    sealed = closing.close(quick_stage.bundle, junit=JUNIT)
    assert sealed.would_be is Outcome.PASSED
    assert not sealed.reasons
    assert "follow-up failed" in (sealed.folder / "report.html").read_text()
    answer = verify.verify(sealed.folder, registries=REGISTRIES)
    assert answer.verified, answer.denials


def test_rehearsal_that_did_not_begin(
    quick_stage: Staged, known: Settings, session: FollowUp
) -> None:
    """Nothing was rehearsed, so there is nothing to follow up; the bundle says why."""
    missing = errors.PrerequisitesMissing(["a checkout"], hint="Provide it.")
    ending(known, session).complete(quick_stage.bundle, opened=None, trouble=missing)
    assert saved(quick_stage.bundle)["result"] == "not run"
    assert "[prerequisites-missing]" in saved(quick_stage.bundle)["reason"]


def test_stopped_session_does_not_wait_for_it(
    quick_stage: Staged, known: Settings, session: FollowUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever pressed Ctrl-C waits for the seal, not for minutes of QA."""
    monkeypatch.setattr(interrupts, "stopped_by", lambda: "SIGINT")
    ending(known, session).complete(quick_stage.bundle, opened=object(), trouble=None)
    assert not (quick_stage.bundle.folder / follow_up.ARTEFACT).exists()


def test_fault_of_ours_is_a_note(
    quick_stage: Staged, known: Settings, session: FollowUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What breaks here is told in the ledger, with a code of its own, and is no harness fault."""

    def breaks(*_: object) -> str:
        raise ValueError("spoilt")

    monkeypatch.setattr(FollowUp, "add", breaks)
    ending(known, session).complete(quick_stage.bundle, opened=object(), trouble=None)
    summary = quick_stage.bundle.summary()
    assert [each["code"] for each in summary.troubles] == ["afterwards-failed"]
    assert not summary.harness_faults
    assert not summary.interruptions


def test_full_disk_is_no_note(
    quick_stage: Staged, known: Settings, session: FollowUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that refuses is an error, never a shorter bundle."""

    def refuses(*_: object) -> str:
        raise errors.EvidenceNotWritable("full", hint="Make room.")

    monkeypatch.setattr(FollowUp, "add", refuses)
    with pytest.raises(errors.EvidenceNotWritable):
        ending(known, session).complete(quick_stage.bundle, opened=object(), trouble=None)


def test_live_word_without_a_command(
    quick_stage: Staged, known: Settings, session: FollowUp
) -> None:
    """Live, and no checkout named: never the simulated command instead; the bundle says so."""
    quick_stage.bundle.mode = Mode.LIVE
    ending(known, session).complete(quick_stage.bundle, opened=object(), trouble=None)
    assert saved(quick_stage.bundle)["reason"] == follow_up.NO_CHECKOUT
