"""Judging again: what a sealed directory alone says of each guardrail.

Covers: agreement, edited verdicts and payloads, missing payloads, younger guardrails, hostile
directories.
Not here: every seeded fault judged again (``test_faults.py``), the command
(``command/test_judge.py``).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.core import errors
from fixtures.core.registry import Registry
from fixtures.core.verdict import Promise, Rank, Ruling, Verdict
from fixtures.drawing import report
from fixtures.evidence import canonical, ledger, reconcile, sealing, verify
from fixtures.evidence.ledger import Ledger
from fixtures.evidence.summary import fold
from fixtures.guardrails import marquez as guardrails
from fixtures.guardrails import registries
from fixtures.procedures import judging, marquez_saved, report_view
from fixtures.procedures.judging import Judged, Kind

if TYPE_CHECKING:
    from tests.harness.procedures.conftest import Played, Staged

RUN, FILES = "marquez.run-completed", "marquez.inputs-and-outputs"
EVERY = [each.id for each in guardrails.REGISTRY if not each.optional]


@pytest.fixture
def copy(good: Played, tmp_path: Path) -> Path:
    """Copy of a good rehearsal's directory, to be spoilt."""
    folder = tmp_path / "marquez" / good.sealed.folder.name
    shutil.copytree(good.sealed.folder, folder)
    return folder


def edit_ledger(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change lines, and write each as the ledger writes."""
    lines = [dict(line) for line in ledger.read(folder / ledger.NAME)]
    for line in lines:
        change(line)
    (folder / ledger.NAME).write_bytes(b"".join(map(canonical.line, lines)))


def seal_again(folder: Path) -> Path:
    """Make JUnit, report, manifest and sums of what lies there, as a thorough forger would."""
    for name in ("report.html", "manifest.json", "SHA256SUMS"):
        (folder / name).unlink()
    partial = folder.rename(folder.with_name(f".{folder.name}.partial"))
    summary = fold(ledger.read(partial / ledger.NAME))
    junit = partial / "junit.xml"
    junit.write_bytes(reconcile.stamped(junit.read_bytes(), summary))
    digests = sealing.digests_of(partial, sealing.files_in(partial))
    view = report_view.build(
        summary,
        folder=partial,
        digests=digests,
        ledger_sha256=sealing.digest(partial / ledger.NAME).sha256,
    )
    (partial / "report.html").write_text(report.render(view), encoding="utf-8")
    sealed, _ = sealing.publish(partial, summary, {}, interrupted=False)
    return sealed


def kinds(judged: Judged) -> dict[str, Kind]:
    """The guardrails that do not simply agree."""
    return {each.guardrail: each.kind for each in judged.compared if each.kind is not Kind.AGREES}


def test_good_bundle_agrees(good: Played) -> None:
    """Every guardrail, in the registry's order, says again what it said, word by word."""
    judged = judging.judge(good.sealed.folder)
    assert judged.agrees
    assert [each.guardrail for each in judged.compared] == EVERY
    assert [each.again for each in judged.compared] == list(good.verdicts)
    assert (judged.outcome_recorded, judged.outcome_again) == ("PASSED", "PASSED")
    assert judged.recorded_version == judged.version == guardrails.REGISTRY.version


def test_nothing_is_changed(good: Played) -> None:
    """Judging again leaves every byte and every name as it was."""
    before = {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in good.sealed.folder.iterdir()
    }
    judging.judge(good.sealed.folder)
    after = {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in good.sealed.folder.iterdir()
    }
    assert before == after


def test_edited_verdict_is_found(quick_stage: Staged) -> None:
    """Broke edited to held and sealed again: verify has nothing to say, judge has."""
    quick_stage.recorder.faults.duplicate_run = True
    folder = quick_stage.play().sealed.folder
    words = {"expected": "", "observed": "1 run; it is COMPLETED"}

    def embellish(line: dict[str, Any]) -> None:
        if line["kind"] == "verdict":
            line.update({"ruling": "held"} | (words if line["ruling"] != "held" else {}))
        if line["kind"] == "closing":
            line.update({"would_be": "PASSED", "reasons": []})

    edit_ledger(folder, embellish)
    forged = seal_again(folder)
    assert verify.verify(forged, registries=registries.REGISTRIES).verified
    judged = judging.judge(forged)
    assert not judged.agrees
    assert kinds(judged) == dict.fromkeys(
        (RUN, "marquez.job-version-predicted", FILES, "marquez.exports-complete"), Kind.DIFFERS
    )
    said = {each.guardrail: each for each in judged.compared}[RUN]
    assert said.recorded is not None
    assert said.again is not None
    assert (said.recorded.ruling, said.again.ruling) == (Ruling.HELD, Ruling.BROKE)
    assert said.again.observed.startswith("2 runs")
    assert (judged.outcome_recorded, judged.outcome_again) == ("PASSED", "FAILED")


@pytest.mark.parametrize(
    ("same_code", "kind"), [(True, Kind.DIFFERS), (False, Kind.REWORDED)], ids=["same", "another"]
)
@pytest.mark.parametrize("part", ["observed", "expected", "artefact"])
def test_edited_words_are_found(copy: Path, part: str, same_code: bool, kind: Kind) -> None:
    """The very code that recorded says the same words; another version may say others."""

    def change(line: dict[str, Any]) -> None:
        if line["kind"] == "opened" and same_code:
            line["harness"]["judging_sha256"] = registries.code_sha256("marquez")
        if line["kind"] == "verdict" and line["guardrail"] == RUN:
            line[part] = "3 runs, all of them fine"

    edit_ledger(copy, change)
    judged = judging.judge(copy)
    assert judged.same_code == same_code
    assert kinds(judged) == {RUN: kind}
    assert judged.agrees == (not same_code)


def test_edited_outcome_is_found(copy: Path) -> None:
    """Verdicts that agree under another outcome are a difference too."""
    edit_ledger(
        copy,
        lambda line: line.update({"would_be": "BLOCKED"}) if line["kind"] == "closing" else None,
    )
    judged = judging.judge(copy)
    assert kinds(judged) == {}
    assert not judged.agrees


def test_edited_payload_is_found(copy: Path) -> None:
    """A run made to fail afterwards is judged as it lies there."""
    runs = json.loads((copy / "runs.json").read_text(encoding="utf-8"))
    runs["runs"][0]["state"] = "FAILED"
    (copy / "runs.json").write_bytes(canonical.payload(runs))
    judged = judging.judge(copy)
    assert kinds(judged) == {RUN: Kind.DIFFERS}
    assert judged.outcome_again == "FAILED"


def test_payloads_of_another_rehearsal_do_not_judge_themselves(copy: Path) -> None:
    """The run id is the ledger's: somebody else's payloads do not show our run."""
    edit_ledger(
        copy,
        lambda line: (
            line.update({"run_id": "77777777-1d7a-4a5b-8d53-1f3f6f1f2a77"})
            if line["kind"] == "opened"
            else None
        ),
    )
    assert kinds(judging.judge(copy))[RUN] is Kind.DIFFERS


NEEDED_BY = {
    "health.json": {"marquez.stack-healthy"},
    "runs.json": {RUN, FILES, "marquez.job-version-predicted", "marquez.exports-complete"},
    "datasets.json": {FILES, "marquez.exports-complete"},
    "events.ndjson": {"marquez.events-stored"},
    "graph.json": {"marquez.graph-linked"},
    "picture.json": {"marquez.screenshot-shows-job"},
    "marquez.log": {"marquez.service-log-clean"},
}
"""Payload to the guardrails that look at it; all of them but three look at ``refine.json``."""
GARBAGE: dict[str, Callable[[Path], object]] = {
    "missing": lambda _: None,
    "garbage": lambda path: path.write_bytes(b'{"runs": NaN \xff'),
    "nested": lambda path: path.write_bytes(b"[" * 200_000),
    "directory": lambda path: path.mkdir(),
}


@pytest.mark.parametrize(
    ("name", "flaw"),
    [
        pytest.param(name, flaw, id=f"{name}-{flaw}")
        for name in NEEDED_BY
        for flaw in GARBAGE
        # Any text is a log.
        if not (name.endswith(".log") and flaw in ("garbage", "nested"))
    ],
)
def test_payload_that_cannot_be_read_is_not_established(copy: Path, name: str, flaw: str) -> None:
    """Nothing to look at is said so, of exactly the guardrails that need it."""
    (copy / name).unlink()
    GARBAGE[flaw](copy / name)
    judged = judging.judge(copy)
    unestablished = {
        each.guardrail: each.again.observed
        for each in judged.compared
        if each.again is not None and each.again.ruling is Ruling.NOT_ESTABLISHED
    }
    assert unestablished.keys() == NEEDED_BY[name]
    assert all("[payload-unreadable]" in observed for observed in unestablished.values())
    if flaw == "missing":
        assert all(f"{name} is missing" in observed for observed in unestablished.values())
    assert kinds(judged) == dict.fromkeys(NEEDED_BY[name], Kind.DIFFERS)
    assert not judged.agrees


def test_payload_that_was_given_up_is_not_judged(quick_stage: Staged) -> None:
    """A log that broke off lies there, and no verdict is made of half of it."""

    def log() -> Any:
        yield b"first line\n"
        raise errors.SystemRefused("the log command ended with exit code 1", hint="Run it.")

    quick_stage.rehearsal.service_log = log
    played = quick_stage.play()
    assert "first line" in played.text("marquez.log")
    judged = judging.judge(played.sealed.folder)
    assert judged.agrees
    (said,) = [
        each.again
        for each in judged.compared
        if each.again is not None and each.guardrail == "marquez.service-log-clean"
    ]
    assert said.ruling is Ruling.NOT_ESTABLISHED
    assert "was not gathered, step 5 failed: [system-refused]" in said.observed
    assert "(hint: Run it.)" in said.observed


@pytest.mark.parametrize(("state", "hidden"), [("failed", True), ("done", False), ("x", False)])
def test_only_a_failed_step_hides_a_payload(copy: Path, state: str, hidden: bool) -> None:
    """A step that names a payload and did not fail leaves it to be judged."""
    edit_ledger(
        copy,
        lambda line: (
            line.update({"state": state, "reason": "graph"})
            if line["kind"] == "step" and line["step"] == "4"
            else None
        ),
    )
    judged = judging.judge(copy)
    assert kinds(judged) == ({"marquez.graph-linked": Kind.DIFFERS} if hidden else {})
    graph = {each.guardrail: each.again for each in judged.compared}["marquez.graph-linked"]
    assert graph is not None
    told = "graph was not gathered, step 4 failed (hint: Read the ledger.)"
    assert (told in graph.observed) == hidden


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"files": 7}',
        b'{"files": [7]}',
        b'{"files": {}, "files": {}}',
        b"[" * 200_000,
    ],
)
def test_masks_that_cannot_be_counted_are_none(copy: Path, data: bytes) -> None:
    """A list of masks of any other shape spoils no verdict."""
    (copy / "redactions.json").write_bytes(data)
    judged = judging.judge(copy)
    assert judged.agrees
    assert judged.masked == ()


def test_events_of_others_are_kept_by_name_only(quick_stage: Staged) -> None:
    """That somebody else's events were stored is evidence; what they say is not ours to keep."""
    quick_stage.strike("wrong-run-id")
    played = quick_stage.play()
    lines = [canonical.read(line) for line in played.text("events.ndjson").encode().splitlines()]
    assert [sorted(line) for line in lines[1:]] == [["eventTime", "eventType", "job", "run"]] * 2
    assert [sorted(line["run"]) for line in lines[1:]] == [["runId"]] * 2
    assert played.not_held["events-stored"] == "broke"
    assert judging.judge(played.sealed.folder).agrees


@pytest.mark.parametrize(
    "event",
    [
        pytest.param([], id="list"),
        pytest.param(7, id="number"),
        pytest.param({}, id="empty"),
        pytest.param({"run": []}, id="run-is-a-list"),
        pytest.param({"run": {"runId": "x"}}, id="no-job"),
        pytest.param({"job": {"namespace": "n", "name": "j"}}, id="no-run"),
    ],
)
def test_event_that_cannot_be_read_is_kept_so(event: Any) -> None:
    """Cutting mends nothing: what could not be read live cannot be read again."""
    (kept,) = marquez_saved.kept_events([event], "ours")
    with pytest.raises(errors.PayloadUnreadable):
        marquez_saved.stored_events([kept], "ours")


def younger(*, ruling: Ruling) -> Mapping[str, Registry]:
    """The registry of a later version: one guardrail more, and the version raised."""
    registry = Registry("marquez", guardrails.REGISTRY.version + 1, {})
    registry._guardrails.update({each.id: each for each in guardrails.REGISTRY})

    @registry.guardrail(rank=Rank.MUST, step="4", artefact="runs.json")
    def runs_few(runs: list[Any]) -> Verdict:
        """No more runs than a person can look through."""
        promise = Promise("marquez.runs-few", "runs.json", "ten runs at most")
        return {Ruling.HELD: promise.held, Ruling.BROKE: promise.broke}[ruling](f"{len(runs)}")

    return {"marquez": registry}


@pytest.mark.parametrize("ruling", [Ruling.HELD, Ruling.BROKE])
def test_younger_guardrail_judges_old_evidence(good: Played, ruling: Ruling) -> None:
    """It is listed as new; what it finds broken today is a difference to what was believed."""
    judged = judging.judge(good.sealed.folder, registry_of=younger(ruling=ruling))
    assert kinds(judged) == {"marquez.runs-few": Kind.NEW}
    assert judged.agrees is (ruling is Ruling.HELD)
    assert judged.compared[-1].again is not None
    assert judged.compared[-1].again.ruling is ruling
    assert judged.outcome_again == "PASSED"


def test_guardrail_taken_out_is_a_difference(copy: Path) -> None:
    """The very code that recorded knew it: whoever took it out of the ledger is found."""

    def forget(line: dict[str, Any]) -> None:
        if line["kind"] == "opened":
            line["registry"]["version"] = 1
            kept = [each for each in line["registry"]["guardrails"] if each["id"] != RUN]
            line["registry"]["guardrails"] = kept
            line["harness"]["judging_sha256"] = registries.code_sha256("marquez")

    lines = [line for line in ledger.read(copy / ledger.NAME) if line.get("guardrail") != RUN]
    for number, line in enumerate(lines, start=1):
        forget(line)
        line["n"] = number
    (copy / ledger.NAME).write_bytes(b"".join(map(canonical.line, lines)))
    judged = judging.judge(copy)
    assert kinds(judged) == {RUN: Kind.NEW}
    assert not judged.agrees


def test_guardrail_unknown_here_is_a_difference(good: Played) -> None:
    """A recorded verdict nobody can repeat is not taken on trust."""
    fewer = Registry("marquez", guardrails.REGISTRY.version, {})
    fewer._guardrails.update({each.id: each for each in guardrails.REGISTRY if each.id != RUN})
    judged = judging.judge(good.sealed.folder, registry_of={"marquez": fewer})
    assert kinds(judged) == {RUN: Kind.UNKNOWN}
    assert not judged.agrees


def test_verdict_taken_away_is_a_difference(copy: Path) -> None:
    """No verdict where the payloads give one: taken away, or the rehearsal was stopped."""
    lines = [line for line in ledger.read(copy / ledger.NAME) if line.get("guardrail") != RUN]
    renumbered = [{**line, "n": number} for number, line in enumerate(lines, start=1)]
    (copy / ledger.NAME).write_bytes(b"".join(map(canonical.line, renumbered)))
    judged = judging.judge(copy)
    assert kinds(judged) == {RUN: Kind.UNRECORDED}
    assert not judged.agrees


def test_bundle_of_nothing_agrees(quick_stage: Staged) -> None:
    """A rehearsal stopped before it began: no verdict, nothing to judge, no difference."""
    from fixtures.procedures import closing

    sealed = closing.close(quick_stage.bundle, junit=None)
    judged = judging.judge(sealed.folder)
    assert set(kinds(judged).values()) == {Kind.UNRECORDED}
    assert judged.agrees
    assert judged.outcome_recorded == "INTERRUPTED"


def test_partial_directory_is_judged(copy: Path) -> None:
    """What a killed rehearsal left can be judged before anybody seals it."""
    partial = copy.rename(copy.with_name(f".{copy.name}.partial"))
    data = (partial / ledger.NAME).read_bytes().splitlines(keepends=True)
    (partial / ledger.NAME).write_bytes(b"".join(data[:-1]) + data[-1][:20])
    judged = judging.judge(partial)
    assert judged.agrees
    assert judged.outcome_recorded is None


def test_masked_value_is_told(quick_stage: Staged) -> None:
    """A job version predicted from a name that was masked cannot come out the same again."""
    quick_stage.bundle.redactor.register("hunter2-hunter2", name="TOKEN")
    data = quick_stage.rehearsal.hotpass.root / "data"
    elsewhere = data.rename(data.with_name("hunter2-hunter2"))
    quick_stage.plan(input_dir=elsewhere)
    played = quick_stage.play()
    assert not played.not_held
    judged = judging.judge(played.sealed.folder)
    assert kinds(judged) == {"marquez.job-version-predicted": Kind.DIFFERS}
    assert {"refine.json", "runs.json"} <= set(judged.masked)


def test_running_rehearsal_is_left_alone(quick_stage: Staged) -> None:
    """Its owner holds the lock: half of the payloads are not there yet."""
    with pytest.raises(errors.BundleUnreadable, match="still running"):
        judging.judge(quick_stage.bundle.folder)


@pytest.mark.parametrize(
    "word", sorted({"arc", "backfill", "e2e", "no word at all"} - judging.READERS.keys())
)
def test_word_without_a_procedure_is_refused(copy: Path, word: str) -> None:
    """Evidence this version cannot read back is told as that, never as broken."""
    edit_ledger(
        copy, lambda line: line.update({"word": word}) if line["kind"] == "opened" else None
    )
    with pytest.raises(errors.GuardrailUnknown, match="no procedure") as caught:
        judging.judge(copy)
    assert "marquez" in caught.value.hint


def test_evidence_of_a_later_version_is_refused(copy: Path) -> None:
    """Guardrails that changed their meaning since cannot be judged by the old ones."""
    edit_ledger(
        copy,
        lambda line: (
            line["registry"].update({"version": 999}) if line["kind"] == "opened" else None
        ),
    )
    with pytest.raises(errors.GuardrailUnknown, match="registry version 999"):
        judging.judge(copy)


def spoil(name: str, data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(data)


def replace_with(name: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return change


def grow(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(2**40)


@pytest.mark.parametrize(
    ("flaw", "told"),
    [
        pytest.param(shutil.rmtree, "is no directory", id="no-directory"),
        pytest.param(
            lambda folder: (folder / ledger.NAME).unlink(), "has no ledger", id="no-ledger"
        ),
        pytest.param(spoil(ledger.NAME, b""), "does not add up", id="empty-ledger"),
        pytest.param(spoil(ledger.NAME, b"{}\n"), "is no ledger", id="ledger-without-numbers"),
        pytest.param(spoil(ledger.NAME, b"\xff\xfe{"), "is no ledger", id="ledger-of-garbage"),
        pytest.param(spoil(ledger.NAME, b'{"n":1}\n'), "does not add up", id="ledger-of-nothing"),
        pytest.param(spoil(ledger.NAME, b"[" * 200_000 + b"\n"), "no ledger", id="nested-ledger"),
        pytest.param(
            replace_with(ledger.NAME, lambda path: path.symlink_to("/etc/hostname")),
            "no regular file",
            id="ledger-is-a-link",
        ),
        pytest.param(
            replace_with(ledger.NAME, os.mkfifo), "no regular file", id="ledger-is-a-pipe"
        ),
        pytest.param(
            replace_with("runs.json", lambda path: path.symlink_to("/dev/zero")),
            "no regular file",
            id="payload-is-a-link",
        ),
        pytest.param(
            replace_with("marquez.log", os.mkfifo), "no regular file", id="payload-is-a-pipe"
        ),
        pytest.param(
            lambda folder: grow(folder / "runs.json"), "more than", id="payload-of-a-terabyte"
        ),
        pytest.param(
            lambda folder: grow(folder / ledger.NAME), "more than", id="ledger-of-a-terabyte"
        ),
        pytest.param(
            lambda folder: grow(folder / "marquez.log"), "more than", id="log-of-a-terabyte"
        ),
    ],
)
def test_hostile_directory_is_refused(
    copy: Path, flaw: Callable[[Path], object], told: str
) -> None:
    """Whatever lies there: one error with code and hint, and nothing waits or fills the memory."""
    flaw(copy)
    with pytest.raises(errors.BundleUnreadable, match=told) as caught:
        judging.judge(copy)
    assert caught.value.hint


def code_of_refusal(folder: Path) -> str:
    """Empty when it is judged; any other exception is the test's failure."""
    try:
        judging.judge(folder)
    except errors.HarnessError as refused:
        return refused.code
    return ""


@pytest.mark.parametrize("key", ["word", "run_id", "registry", "harness", "started_at"])
@pytest.mark.parametrize("value", [None, 7, [], "x", {}])
def test_ledger_of_another_shape_is_refused(copy: Path, key: str, value: Any) -> None:
    """A first line of any other shape is an error of ours by name, or changes nothing."""
    edit_ledger(copy, lambda line: line.update({key: value}) if line["kind"] == "opened" else None)
    assert code_of_refusal(copy) in ("", "bundle-unreadable", "guardrail-unknown")


@pytest.mark.parametrize("kind", ["step", "trouble", "verdict", "closing", "artefact", "command"])
def test_line_without_its_keys_is_refused(copy: Path, kind: str) -> None:
    """A line that says nothing but its kind is an error of ours by name, or changes nothing."""

    def bare(line: dict[str, Any]) -> None:
        if line["kind"] == kind:
            for key in set(line) - {"n", "at", "kind"}:
                del line[key]

    edit_ledger(copy, bare)
    assert code_of_refusal(copy) in ("", "bundle-unreadable")


@pytest.mark.parametrize("value", [None, 7, [], {}, "x"])
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("refine.json", "*"),
        ("picture.json", "*"),
        ("health.json", "*"),
        ("graph.json", "graph"),
        ("runs.json", "runs"),
        ("datasets.json", "datasets"),
    ],
)
def test_doctored_values_never_raise(copy: Path, name: str, keys: str, value: Any) -> None:
    """Any key of any payload with a value of another type leaves verdicts, never a traceback."""
    body = json.loads((copy / name).read_text(encoding="utf-8"))
    for key in body.keys() - {"_rehearsal"} if keys == "*" else {keys}:
        spoilt = dict(body) | {key: value}
        (copy / name).write_bytes(canonical.payload(spoilt))
        judged = judging.judge(copy)
        assert all(each.again is not None for each in judged.compared)


def test_ledger_of_an_owner_in_this_process_is_seen(copy: Path) -> None:
    """The lock counts, not the name of the directory."""
    from fixtures.core.redaction import Redactor

    book = Ledger(copy / ledger.NAME, Redactor(), create=False)
    try:
        with pytest.raises(errors.BundleUnreadable, match="still running"):
            judging.judge(copy)
    finally:
        book.close()
