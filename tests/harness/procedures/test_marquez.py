"""The lineage smoke's steps: what is kept when all goes well, and when it does not."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from fixtures.clients import browser
from fixtures.core import errors
from fixtures.core.outcome import Exit, Outcome
from fixtures.drawing import lineage, png
from fixtures.evidence import layout, verify
from fixtures.evidence.bundle import Bundle
from fixtures.guardrails import marquez as guardrails
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing
from fixtures.procedures import marquez as procedure
from fixtures.procedures.marquez_captures import Captures
from fixtures.procedures.session import Open, Session

if TYPE_CHECKING:
    from tests.harness.procedures.conftest import Played, Staged

SECRET = "hunter2-with/slash&more"
EVERYTHING = dict.fromkeys(
    each.id.partition(".")[2] for each in guardrails.REGISTRY if not each.optional
)


def check_whole(played: Played) -> None:
    answer = verify.verify(played.sealed.folder, registries=REGISTRIES)
    assert answer.verified, answer.denials


def test_good_rehearsal_holds_everything(good: Played) -> None:
    """Every guardrail holds, nothing is absent, and the evidence verifies."""
    assert not good.not_held
    known = [each.id for each in guardrails.REGISTRY if not each.optional]
    assert [each.guardrail for each in good.verdicts] == known
    assert good.sealed.outcome is Outcome.SIMULATED
    assert good.sealed.would_be is Outcome.PASSED
    assert not good.sealed.reasons
    assert not good.sealed.summary.absent
    assert not good.sealed.summary.troubles
    check_whole(good)


def test_good_rehearsal_leaves_every_artefact(good: Played) -> None:
    """Everything the layout knows lies there, and nothing half-written."""
    present = {path.name for path in good.sealed.folder.iterdir()}
    # The embedded stack has no Prefect, so no log of one.
    of_prefect = {"prefect.log", "linkage.json"}
    # A dry run is compared with nothing when it is sealed.
    absent = {*of_prefect, layout.DIFF}
    known = {
        each.path for each in layout.artefacts_of("marquez") if each.step != "follow-up"
    } - absent
    assert present == known | {layout.MANIFEST, layout.SUMS}


@pytest.mark.parametrize("systems", [["marquez", "hotpass"], ["marquez", "hotpass", "prefect"]])
def test_prefect_log_is_required_where_prefect_is(systems: list[str]) -> None:
    """The run-book archives the logs of both: whose Prefect was there must hold its log."""
    required = layout.required_of("marquez", [{"name": name} for name in systems])
    assert ("prefect.log" in {each.path for each in required}) is ("prefect" in systems)


def test_what_is_judged_is_what_a_guardrail_needs(good: Played) -> None:
    """The gathered names are the parameter names, no more and no less."""
    needed = {name for each in guardrails.REGISTRY if not each.optional for name in each.needs}
    assert good.seen.keys() == needed


@pytest.mark.parametrize(
    "name", ["health.json", "refine.json", "runs.json", "datasets.json", "picture.json"]
)
def test_payloads_say_they_are_a_dry_run(good: Played, name: str) -> None:
    """Exported JSON is the answer, beside a key that says of which rehearsal and mode."""
    mark = json.loads(good.text(name))["_rehearsal"]
    assert mark["mode"] == "dry run"
    assert mark["run_id"] == good.sealed.summary.opened["run_id"]


def test_steps_are_told(good: Played) -> None:
    """Four steps done, the optional one not exercised, in the run-book's words."""
    steps = good.sealed.summary.steps
    assert {step: line["state"] for step, line in steps.items()} == {
        "1": "done",
        "2": "done",
        "3": "not exercised",
        "4": "done",
        "5": "done",
    }
    assert {step: line["title"] for step, line in steps.items()} == procedure.TITLES


def test_deviations_are_told(good: Played) -> None:
    """Every place where this run left the run-book's words is on record."""
    told = " ".join(each["text"] for each in good.sealed.summary.deviations)
    for what in ("`--config`", "OPENLINEAGE_URL is", "simulated `hotpass`", "drawn", "`curl -s`"):
        assert what in told


def test_picture_is_drawn_from_the_answer(good: Played) -> None:
    """Without a browser the labels are those of the drawing, and that is said."""
    picture = json.loads(good.text("picture.json"))
    assert picture["how"] == "drawn"
    assert picture["page_url"] == ""
    assert "hotpass.pipeline.generic" in picture["labels"]
    assert "no browser here" in good.sealed.summary.artefacts["graph.png"]["note"]


def test_command_was_handed_the_run_id(good: Played) -> None:
    """The run id of the bundle is the one lineage shows: nothing is matched by being newest."""
    run_id = good.sealed.summary.opened["run_id"]
    assert [run["id"] for run in json.loads(good.text("runs.json"))["runs"]] == [run_id]
    assert run_id in good.text("cli.log").splitlines()[0]


@pytest.mark.parametrize("flaw", ["missing", "empty", "file"])
def test_unusable_inputs_end_step_two(quick_stage: Staged, flaw: str) -> None:
    """Nothing to read: the command is not run, and what the service has is kept all the same."""
    data = quick_stage.rehearsal.hotpass.root / "data"
    for path in data.iterdir():
        path.unlink()
    if flaw != "empty":
        data.rmdir()
    if flaw == "file":
        data.write_text("not a directory")
    played = quick_stage.play()
    assert played.not_held == dict.fromkeys(
        EVERYTHING.keys() - {"stack-healthy", "service-log-clean"}, "not established"
    )
    assert played.sealed.would_be is Outcome.BLOCKED
    assert "inputs-unreadable" in played.codes
    assert not played.sealed.summary.commands
    assert "inputs-unreadable" in played.sealed.summary.absent["cli.log"]
    assert played.sealed.summary.steps["2"]["state"] == "failed"
    check_whole(played)


def test_another_input_directory_is_a_deviation(quick_stage: Staged) -> None:
    """A directory set for this rehearsal is read instead, lineage names it, and it is told."""
    elsewhere = quick_stage.rehearsal.hotpass.root / "else where"
    (quick_stage.rehearsal.hotpass.root / "data").rename(elsewhere)
    quick_stage.plan(input_dir=elsewhere)
    played = quick_stage.play()
    assert not played.not_held
    assert str(elsewhere) in played.sealed.summary.commands[0]["argv"]
    assert any("--input-dir" in each["text"] for each in played.sealed.summary.deviations)
    check_whole(played)


def test_older_archive_is_not_an_output(quick_stage: Staged) -> None:
    """An archive that lay there before the command is no output of it."""
    dist = quick_stage.rehearsal.hotpass.root / "dist"
    dist.mkdir()
    (dist / "last-week.zip").write_bytes(b"PK")
    played = quick_stage.play()
    assert not played.not_held
    assert len(played.seen["refine"].archives) == 1


def test_service_that_does_not_answer(quick_stage: Staged) -> None:
    """Nobody answers: nothing is sent, nothing established, and the log is archived even so."""
    quick_stage.server.stop()
    played = quick_stage.play()
    assert played.not_held == dict.fromkeys(
        EVERYTHING.keys() - {"service-log-clean"}, "not established"
    )
    assert played.sealed.would_be is Outcome.BLOCKED
    assert played.codes == {"wait-expired"}
    assert "Connection refused" in played.sealed.summary.troubles[0]["message"]
    assert "SIMULATED: log of the Marquez recorder" in played.text("marquez.log")
    assert {"cli.log", "runs.json", "graph.png"} <= played.sealed.summary.absent.keys()
    assert "| – | none ran |" in played.text("notes.md")
    check_whole(played)


def test_log_that_cannot_be_had(quick_stage: Staged) -> None:
    """A log command that fails leaves its guardrail open, and what it said is kept."""

    def log() -> Iterator[bytes]:
        yield b"first line\n"
        raise errors.SystemRefused("the log command ended with exit code 1", hint="Run it.")

    quick_stage.rehearsal.service_log = log
    played = quick_stage.play()
    assert played.not_held == {"service-log-clean": "not established"}
    assert played.sealed.would_be is Outcome.PASSED
    assert "first line" in played.text("marquez.log")
    check_whole(played)


def test_silent_log_is_not_established(quick_stage: Staged) -> None:
    """A log without a line could not have shown anything."""
    quick_stage.rehearsal.service_log = lambda: iter(())
    assert quick_stage.play().not_held == {"service-log-clean": "not established"}


def test_command_that_hangs_is_ended(stage: Staged) -> None:
    """The total deadline ends it, and the log says who did."""
    stage.strike("hang")
    stage.plan(total_s=1.0)
    played = stage.play()
    assert played.not_held["refine-succeeded"] == "broke"
    assert "ended by us after its total deadline" in played.text("cli.log").splitlines()[-1]
    check_whole(played)


def test_people_in_the_input_reach_no_log(quick_stage: Staged) -> None:
    """Whoever stands in a contact column is known before the command can say so."""
    command = quick_stage.rehearsal.hotpass
    folder = command.root / "data"
    row = next(
        openpyxl.load_workbook(folder / "example-clubs.xlsx")
        .worksheets[0]
        .iter_rows(min_row=2, values_only=True)
    )
    people = [str(cell) for cell in row if cell and ("@" in str(cell) or "+" in str(cell))]
    assert people
    prefix = (sys.executable, "-c", f"print('seen', {' and '.join(people)!r})")
    quick_stage.rehearsal.hotpass = replace(command, prefix=prefix)
    played = quick_stage.play()
    assert "seen" in played.text("cli.log")
    everything = b"".join(path.read_bytes() for path in played.sealed.folder.iterdir())
    assert not [each for each in people if each.encode() in everything]


def test_missing_program_is_not_a_broken_promise(stage: Staged) -> None:
    """A program that is not there is ours to mend: not established, log kept, no exit code."""
    command = stage.rehearsal.hotpass
    stage.rehearsal.hotpass = type(command)(
        prefix=("/nowhere/hotpass",), root=command.root, variables={}
    )
    played = stage.play()
    assert played.not_held["refine-succeeded"] == "not established"
    assert "command-not-started" in played.codes
    assert "/nowhere/hotpass" in played.text("cli.log")
    check_whole(played)


@pytest.mark.parametrize(
    ("place", "open_too"),
    [
        pytest.param(
            (Captures, "runs"),
            {"run-completed", "job-version-predicted", "inputs-and-outputs", "exports-complete"},
            id="step-4",
        ),
        pytest.param(
            (procedure.MarquezRehearsal, "_service_log"), {"service-log-clean"}, id="step-5"
        ),
    ],
)
def test_fault_of_ours_is_code_three(
    quick_stage: Staged,
    monkeypatch: pytest.MonkeyPatch,
    place: tuple[type, str],
    open_too: set[str],
) -> None:
    """A fault of ours is told as such, hides no other payload, and the session ends with 3."""

    def fail(_: object) -> None:
        raise RuntimeError("we divided by zero")

    monkeypatch.setattr(*place, fail)
    session = Session(open=Open(bundle=quick_stage.bundle, module="m", junit=lambda: None))
    verdicts = closing.judge_all(
        quick_stage.bundle, guardrails.REGISTRY, quick_stage.rehearsal.run()
    )
    not_held = {each.guardrail.partition(".")[2]: each.ruling for each in verdicts if not each}
    assert not_held == dict.fromkeys(open_too, "not established")
    session.seal()
    [sealed] = session.sealed
    assert sealed.harness_faults == ("RuntimeError: we divided by zero",)
    assert sealed.summary.troubles[0]["code"] == "harness-fault"
    assert session.exit_code(1) == Exit.HARNESS_FAULT


def test_refusing_disk_ends_the_rehearsal(
    quick_stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that refuses is not one more trouble: no use in going on."""

    def refuse(*_: object, **__: object) -> None:
        raise errors.EvidenceNotWritable("disk full", hint="Free space.")

    monkeypatch.setattr(Bundle, "save_json", refuse)
    with pytest.raises(errors.EvidenceNotWritable):
        quick_stage.rehearsal.run()
    assert not any(each["code"] for each in quick_stage.bundle.summary().troubles)


def test_secrets_reach_no_file(quick_stage: Staged) -> None:
    """A registered value in argv, variables, payloads and logs is masked in every file."""
    quick_stage.bundle.redactor.register(SECRET, name="TOKEN")
    quick_stage.rehearsal.hotpass = type(quick_stage.rehearsal.hotpass)(
        prefix=quick_stage.rehearsal.hotpass.prefix,
        root=quick_stage.rehearsal.hotpass.root,
        variables={**quick_stage.rehearsal.hotpass.variables, "API_TOKEN": SECRET},
    )
    quick_stage.plan(refine=(*quick_stage.rehearsal.plan.refine, "--sensitive-field", SECRET))
    quick_stage.rehearsal.service_log = lambda: (SECRET[:9].encode(), f"{SECRET[9:]}\n".encode())
    quick_stage.recorder.record(foreign_event(SECRET))
    played = quick_stage.play()
    assert not played.not_held
    needles = [SECRET.encode(), json.dumps(SECRET)[1:-1].encode(), b"hunter2-with%2Fslash"]
    for path in played.sealed.folder.iterdir():
        data = path.read_bytes()
        assert not any(needle in data for needle in needles), path.name
    masked = json.loads(played.text("redactions.json"))["files"]
    assert {"cli.sh", "datasets.json", "marquez.log", "ledger.jsonl"} <= masked.keys()
    check_whole(played)


def foreign_event(name: str) -> dict[str, Any]:
    return {
        "eventType": "COMPLETE",
        "eventTime": "2026-11-22T01:00:00Z",
        "producer": "https://example.org/self-test",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "77777777-1d7a-4a5b-8d53-1f3f6f1f2a77", "facets": {}},
        "job": {"namespace": "hotpass.local", "name": "somebody.elses"},
        "inputs": [{"namespace": "hotpass.local", "name": name}],
        "outputs": [],
    }


@pytest.mark.parametrize(
    ("text", "how"),
    [
        pytest.param("a page like any other", "screenshot", id="nothing-secret"),
        pytest.param(f"a page that shows {SECRET}", "drawn", id="secret-in-the-page"),
    ],
)
def test_page_that_shows_a_secret_is_not_photographed(
    quick_stage: Staged, monkeypatch: pytest.MonkeyPatch, text: str, how: str
) -> None:
    """A picture cannot be masked: one of a page with a secret never reaches the disk."""
    photograph = png.svg_to_png(lineage.lineage_svg({"graph": []}, title="photograph"))

    def taken(*_: object, names: Iterable[str], **__: object) -> browser.Shot:
        return browser.Shot(photograph, tuple(names), text)

    monkeypatch.setattr(browser, "screenshot", taken)
    quick_stage.bundle.redactor.register(SECRET, name="made up")
    quick_stage.plan(browser="chromium")
    played = quick_stage.play()
    assert not played.not_held
    assert json.loads(played.text("picture.json"))["how"] == how
    note = played.sealed.summary.artefacts["graph.png"]["note"]
    assert note.startswith("the page shows a secret" if how == "drawn" else "screenshot of http")
