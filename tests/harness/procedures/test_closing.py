"""The end of a rehearsal: sealing, accounting, recovery."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fixtures.core import errors
from fixtures.core.outcome import Outcome, Waiver
from fixtures.core.verdict import Promise
from fixtures.evidence import layout, verify
from fixtures.evidence.sealing import Sealed
from fixtures.guardrails import marquez as guardrails
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing

if TYPE_CHECKING:
    from tests.harness.procedures.conftest import Played, Staged

EVERY = sum(not each.optional for each in guardrails.REGISTRY)


def check_whole(sealed: Sealed) -> None:
    answer = verify.verify(sealed.folder, registries=REGISTRIES)
    assert answer.verified, answer.denials


def test_seal_of_nothing_is_interrupted(quick_stage: Staged) -> None:
    """A rehearsal that did nothing is interrupted, named so, and says why of every artefact."""
    sealed = closing.close(quick_stage.bundle, junit=None)
    assert sealed.would_be is Outcome.INTERRUPTED
    assert sealed.folder.name.endswith(".interrupted")
    assert len([each for each in sealed.reasons if "ended in no verdict" in each]) == EVERY
    required = {each.path for each in layout.artefacts_of("marquez") if each.required}
    made = {"ledger.jsonl", "report.html", "redactions.json"}
    assert sealed.summary.absent.keys() == required - made
    assert sealed.summary.absent["runs.json"] == "step 4 was not reached"
    assert "killed" in sealed.summary.absent["junit.xml"]
    check_whole(sealed)


def test_one_guardrail_short_is_interrupted(quick_stage: Staged) -> None:
    """All verdicts but one are no pass: what was never asked cannot have held."""
    seen = quick_stage.rehearsal.run()
    for guardrail in guardrails.REGISTRY.expected(steps_run=frozenset())[:-1]:
        quick_stage.bundle.note_verdict(guardrail.over(seen))
    sealed = closing.close(
        quick_stage.bundle, junit=b'<testsuites><testsuite name="rehearsal.marquez"/></testsuites>'
    )
    assert sealed.would_be is Outcome.INTERRUPTED
    assert sealed.reasons == ("marquez.service-log-clean ended in no verdict",)
    check_whole(sealed)


def test_artefact_that_does_not_count_blocks(quick_stage: Staged) -> None:
    """A JUnit file of no XML is there, and is told as if it were not."""
    seen = quick_stage.rehearsal.run()
    (quick_stage.bundle.folder / "junit.xml").write_bytes(b"no XML at all, " * 10)
    closing.judge_all(quick_stage.bundle, guardrails.REGISTRY, seen)
    sealed = closing.close(quick_stage.bundle, junit=None)
    assert sealed.would_be is Outcome.BLOCKED
    assert "no XML" in sealed.summary.absent["junit.xml"]
    check_whole(sealed)


def test_waived_guardrail_does_not_decide(quick_stage: Staged, today_waiver: Waiver) -> None:
    """Set aside, it stays broken in the evidence and out of the sum."""
    quick_stage.waivers = {today_waiver.guardrail: today_waiver}
    quick_stage.recorder.faults.duplicate_run = True
    played = quick_stage.play()
    assert played.not_held["run-completed"] == "broke"
    assert played.sealed.would_be is Outcome.BLOCKED
    assert played.sealed.reasons == ("marquez.inputs-and-outputs is not established",)
    assert played.sealed.summary.waivers == {today_waiver.guardrail: today_waiver}
    check_whole(played.sealed)


def test_sealed_bundle_reads_back(good: Played) -> None:
    """Another process finds in the directory what was sealed in this one."""
    again = closing.read_sealed(good.sealed.folder)
    assert again == good.sealed


def test_unsealed_bundle_does_not_read_back(quick_stage: Staged) -> None:
    """A ledger without its closing line is no sealed bundle."""
    with pytest.raises(errors.BundleUnreadable, match="never sealed") as caught:
        closing.read_sealed(quick_stage.bundle.folder)
    assert "rehearsal recover" in caught.value.hint


def test_manifest_lists_what_lies_there(good: Played) -> None:
    """Every file but manifest and sums is listed with its size."""
    listed = {each["path"]: each for each in json.loads(good.text("manifest.json"))["artefacts"]}
    present = {path.name: path for path in good.sealed.folder.iterdir()}
    assert listed.keys() == present.keys() - {layout.MANIFEST, layout.SUMS}
    assert all(each["size_bytes"] == present[path].stat().st_size for path, each in listed.items())


def test_killed_rehearsal_is_recovered(quick_stage: Staged) -> None:
    """What was gathered before a kill is kept whole, and never counts as a pass."""
    seen = quick_stage.rehearsal.run()
    closing.judge_all(quick_stage.bundle, guardrails.REGISTRY, seen)
    (quick_stage.bundle.folder / ".late.json.part").write_bytes(b'{"half": ')
    quick_stage.bundle.ledger.close()
    sealed = closing.recover(quick_stage.bundle.folder)
    assert sealed.would_be is Outcome.INTERRUPTED
    assert sealed.folder.name.endswith(".interrupted")
    assert sealed.reasons[0] == "killed before its end; sealed afterwards"
    assert (sealed.folder / "late.json.part").read_bytes() == b'{"half": '
    assert (sealed.folder / "runs.json").is_file()
    check_whole(sealed)


def test_recovery_counts_the_masks_again(quick_stage: Staged) -> None:
    """The count of a killed run died with it: masks on the disk are counted instead."""
    quick_stage.bundle.redactor.register("hunter2-hunter2", name="TOKEN")
    quick_stage.bundle.save_json("health.json", {"a": "hunter2-hunter2", "b": "hunter2-hunter2"})
    quick_stage.bundle.ledger.close()
    sealed = closing.recover(quick_stage.bundle.folder)
    masked = json.loads((sealed.folder / "redactions.json").read_text(encoding="utf-8"))
    assert masked["files"]["health.json"] == {"[REDACTED:v-1]": 2}


def test_running_rehearsal_is_not_recovered(quick_stage: Staged) -> None:
    """Its owner holds the lock: nobody else may seal it."""
    with pytest.raises(errors.BundleUnreadable, match="still running"):
        closing.recover(quick_stage.bundle.folder)
    assert quick_stage.bundle.folder.is_dir()


def test_second_verdict_interrupts(quick_stage: Staged) -> None:
    """A guardrail judged twice ends the rehearsal as interrupted, the first verdict kept."""
    promise = Promise("marquez.run-completed", "runs.json", "one run")
    quick_stage.bundle.note_verdict(promise.broke("none"))
    quick_stage.bundle.note_verdict(promise.held("one after all"))
    sealed = closing.close(quick_stage.bundle, junit=None)
    assert sealed.would_be is Outcome.INTERRUPTED
    assert any("judged twice" in each for each in sealed.reasons)
    assert sealed.summary.verdicts["marquez.run-completed"].ruling == "broke"
