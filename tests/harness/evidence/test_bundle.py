"""Self-tests of a bundle being filled."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from fixtures.core import errors
from fixtures.core.outcome import Outcome, Waiver
from fixtures.core.records.systems import Mode, Provenance, System
from fixtures.core.redaction import Redactor
from fixtures.core.verdict import Promise
from fixtures.evidence import bundle as bundles
from fixtures.evidence import ledger
from fixtures.evidence.bundle import Bundle, argv_sha256, command_line, systems_entry
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing

NOON = datetime(2025, 12, 3, 12, tzinfo=UTC)
HEALTHY = Promise("marquez.stack-healthy", "health.json", "healthy")


class Reserve(Protocol):
    """Reserves a bundle (see conftest)."""

    def __call__(
        self,
        *,
        redactor: Redactor | None = None,
        mode: Mode = Mode.DRY_RUN,
        now: datetime | None = None,
        opening: dict[str, Any] | None = None,
    ) -> Bundle:
        """Reserve it."""
        ...


def kinds(bundle: Bundle) -> list[str]:
    """The kinds of all lines so far."""
    return [line["kind"] for line in ledger.read(bundle.ledger.path)]


def last(bundle: Bundle) -> dict[str, Any]:
    """The last line so far."""
    return ledger.read(bundle.ledger.path)[-1]


def test_reserved_by_name(reserve: Reserve) -> None:
    """Word, stamp, and a name that says it is not whole; git is told to look away."""
    made = reserve(now=NOON)
    assert made.folder.parent.name == "marquez"
    assert made.folder.name == ".20251203T120000Z.partial"
    assert (made.folder / ".gitignore").read_text() == "*\n"
    opened = last(made)
    assert (opened["kind"], opened["n"], opened["stamp"]) == ("opened", 1, "20251203T120000Z")
    assert opened["started_at"] == "2025-12-03T12:00:00.000Z"
    assert [each["id"] for each in opened["registry"]["guardrails"]] == [
        each.id for each in REGISTRIES["marquez"]
    ]


def test_the_same_second_gives_the_next_free_one(reserve: Reserve) -> None:
    """Two rehearsals of one second do not meet in one directory."""
    names = [reserve(now=NOON).folder.name for _ in range(3)]
    assert names == [f".20251203T12000{second}Z.partial" for second in range(3)]


@pytest.mark.parametrize("suffix", ["", ".interrupted"], ids=["sealed", "interrupted"])
def test_a_sealed_second_is_taken(reserve: Reserve, tmp_path: Path, suffix: str) -> None:
    """A directory of that name, sealed in whatever way, is not reserved again."""
    (tmp_path / "staging" / "marquez" / f"20251203T120000Z{suffix}").mkdir(parents=True)
    assert reserve(now=NOON).folder.name == ".20251203T120001Z.partial"
    assert not (tmp_path / "staging" / "marquez" / ".20251203T120000Z.partial").exists()


def test_a_loop_is_told(reserve: Reserve, monkeypatch: pytest.MonkeyPatch) -> None:
    """No directory is named far into the future."""
    monkeypatch.setattr(bundles, "LATEST_STAMP_S", 2)
    for _ in range(2):
        reserve(now=NOON)
    with pytest.raises(errors.EvidenceNotWritable, match="no free second"):
        reserve(now=NOON)


def test_processes_do_not_meet(
    tmp_path: Path, opening: dict[str, Any], in_child: Callable[[Callable[[], object]], int]
) -> None:
    """Two processes reserving the same second at once get two directories."""
    start, go = os.pipe()

    def reserve_some() -> None:
        os.read(start, 1)
        for _ in range(5):
            Bundle.reserve(
                tmp_path,
                word="marquez",
                mode=Mode.DRY_RUN,
                redactor=Redactor(),
                registry=REGISTRIES["marquez"],
                opening=opening,
                now=NOON,
            )

    other = os.fork()
    if other == 0:
        try:
            reserve_some()
        except BaseException:
            os._exit(1)
        os._exit(0)
    os.write(go, b"12")
    assert in_child(reserve_some) == 0
    assert os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]) == 0
    os.close(start)
    os.close(go)
    folders = sorted((tmp_path / "marquez").iterdir())
    assert len(folders) == 10
    assert [len(ledger.read(folder / ledger.NAME)) for folder in folders] == [1] * 10


def test_a_root_that_is_a_file_is_told(tmp_path: Path, reserve: Reserve) -> None:
    """The hint says what to name instead."""
    (tmp_path / "staging").write_text("a file")
    with pytest.raises(errors.EvidenceNotWritable) as caught:
        reserve()
    assert "--evidence-root" in caught.value.hint


def test_each_rehearsal_has_its_own_run_id(tmp_path: Path, opening: dict[str, Any]) -> None:
    """Minted as UUID4 unless handed in."""
    minted = []
    for _ in range(2):
        made = Bundle.reserve(
            tmp_path,
            word="marquez",
            mode=Mode.LOCAL,
            redactor=Redactor(),
            registry=REGISTRIES["marquez"],
            opening=opening,
        )
        made.ledger.close()
        minted.append(made.run_id)
    assert minted[0] != minted[1]
    assert {each.version for each in minted} == {4}


def test_saved_before_it_is_noted(bundle: Bundle) -> None:
    """A ledger line stands for bytes that are there."""
    bundle.save("notes.md", b"# Notes\n", note="by hand")
    line = last(bundle)
    assert (line["path"], line["size_bytes"], line["note"]) == ("notes.md", 8, "by hand")
    assert (bundle.folder / "notes.md").read_bytes() == b"# Notes\n"


def test_json_is_marked(bundle: Bundle) -> None:
    """A sibling key says mode, run, source; the payload keeps its own keys and order."""
    bundle.save_json("runs.json", {"runs": [], "a": 1}, source="http://x/y", pages=2)
    body = json.loads((bundle.folder / "runs.json").read_text())
    assert list(body) == ["runs", "a", "_rehearsal"]
    mark = body["_rehearsal"]
    assert mark.pop("at").endswith("Z")
    assert mark == {
        "mode": "dry run",
        "run_id": str(bundle.run_id),
        "source": "http://x/y",
        "pages": 2,
    }


def test_lines_begin_with_the_mark(reserve: Reserve) -> None:
    """One payload a line, masked; the first line says what they are."""
    redactor = Redactor()
    redactor.register("secret-value", name="S")
    made = reserve(redactor=redactor)
    made.save_lines("events.ndjson", [{"a": "secret-value"}, {"b": 1}], source="http://x/y")
    first, *rest = (made.folder / "events.ndjson").read_text().splitlines()
    assert json.loads(first)["_rehearsal"]["run_id"] == str(made.run_id)
    assert [json.loads(line) for line in rest] == [{"a": "[REDACTED:v-1]"}, {"b": 1}]


def test_a_payload_with_our_key_is_refused(bundle: Bundle) -> None:
    """An answer that brings our own mark is not one we may mark."""
    with pytest.raises(errors.ArtefactRefused, match="_rehearsal"):
        bundle.save_json("runs.json", {"_rehearsal": {}})
    assert not (bundle.folder / "runs.json").exists()


def test_a_log_begins_with_the_run_id(bundle: Bundle) -> None:
    """Every log says of which rehearsal it is."""
    with bundle.log("cli.log", header=["argv: x"]) as log:
        log.write(b"out")
    first, second, third = (bundle.folder / "cli.log").read_text().splitlines()
    assert str(bundle.run_id) in first
    assert second.endswith("argv: x")
    assert third.endswith("[dry run] out")
    assert last(bundle)["path"] == "cli.log"


@pytest.mark.parametrize("blow", [KeyboardInterrupt, ValueError])
def test_a_log_is_an_artefact_however_it_ends(bundle: Bundle, blow: type[BaseException]) -> None:
    """What a command said before it went wrong is noted in the ledger like any artefact."""

    def rehearse() -> None:
        with bundle.log("cli.log", header=[]) as log:
            log.write(b"half a li")
            raise blow

    with pytest.raises(blow):
        rehearse()
    line = last(bundle)
    assert (line["kind"], line["path"]) == ("artefact", "cli.log")
    assert line["size_bytes"] == (bundle.folder / "cli.log").stat().st_size


def test_a_log_of_a_taken_name_is_refused(bundle: Bundle) -> None:
    """A refused log is no artefact and leaves the first one alone."""
    bundle.save("cli.log", b"first")
    before = kinds(bundle)
    with pytest.raises(errors.ArtefactRefused), bundle.log("cli.log", header=[]):
        pass
    assert kinds(bundle) == before


def test_judged_twice_is_an_interruption(bundle: Bundle) -> None:
    """A second verdict is worth nothing, and the rehearsal with it."""
    bundle.note_verdict(HEALTHY.broke("ill"))
    bundle.note_verdict(HEALTHY.held("better now"))
    assert kinds(bundle)[-2:] == ["verdict", "interrupted"]
    summary = bundle.summary()
    assert summary.verdicts["marquez.stack-healthy"].observed == "ill"
    assert "judged twice, the second time as held" in summary.interruptions[0]
    assert summary.decide().outcome is Outcome.INTERRUPTED


def test_a_waiver_stands_with_its_verdict(bundle: Bundle) -> None:
    """Set aside, by whom, why and until when."""
    waiver = Waiver(guardrail="marquez.stack-healthy", reason="r", owner="o", expires=NOON.date())
    bundle.note_verdict(HEALTHY.broke("ill"), waiver=waiver)
    assert bundle.summary().waivers == {"marquez.stack-healthy": waiver}


@pytest.mark.parametrize("days", [-1, 0, 1])
def test_a_waiver_ends_with_its_last_day(reserve: Reserve, days: int) -> None:
    """It applies on the day it expires, and not a day longer."""
    made = reserve(now=NOON)
    waiver = Waiver(
        guardrail="marquez.stack-healthy",
        reason="r",
        owner="o",
        expires=(NOON + timedelta(days=days)).date(),
    )
    for each in REGISTRIES["marquez"]:
        promise = Promise(each.id, each.artefact, each.promise)
        if each.id == waiver.guardrail:
            made.note_verdict(promise.broke("ill"), waiver=waiver)
        else:
            made.note_verdict(promise.held("fine"))
    expected = Outcome.FAILED if days < 0 else Outcome.PASSED
    assert made.summary().decide().outcome is expected


def test_trouble_keeps_code_and_hint(bundle: Bundle) -> None:
    """What went wrong on our side is told as it was raised."""
    bundle.note_trouble(errors.SystemUnreachable("no answer", hint="Start it."), step="1")
    line = last(bundle)
    assert (line["code"], line["message"], line["hint"]) == (
        "system-unreachable",
        "no answer",
        "Start it.",
    )
    assert bundle.summary().harness_faults == ()


def test_a_bug_is_a_harness_fault(bundle: Bundle) -> None:
    """An exception nobody meant is a fault of ours, and says so."""
    bundle.note_trouble(ZeroDivisionError("by zero"), step="1")
    assert bundle.summary().harness_faults == ("ZeroDivisionError: by zero",)


def test_secrets_reach_neither_ledger_nor_artefact(reserve: Reserve) -> None:
    """Whatever way a value takes, the directory does not hold it."""
    redactor = Redactor()
    redactor.register("secret-value", name="S")
    made = reserve(redactor=redactor)
    made.note_deviation("1", "secret-value")
    made.note_trouble(ValueError("secret-value"), step="1")
    made.save_json("runs.json", {"secret-value": "secret-value"}, source="http://secret-value/")
    made.save("notes.md", b"secret-value")
    with made.log("cli.log", header=["secret-value"]) as log:
        log.write(b"secret-")
        log.write(b"value")
    for path in made.folder.iterdir():
        assert b"secret-value" not in path.read_bytes(), path.name


def test_text_that_is_no_utf8_is_kept(bundle: Bundle) -> None:
    """A file name of other times breaks neither ledger nor artefact."""
    bundle.note_deviation("2", "the input is /data/\udcff.xlsx")
    assert last(bundle)["text"] == "the input is /data/\udcff.xlsx"
    bundle.save_json("runs.json", {"runs": ["\ud800"]})
    assert json.loads((bundle.folder / "runs.json").read_text())["runs"] == ["\ud800"]


def test_closing_takes_the_gitignore_away(filled: Bundle, junit: bytes) -> None:
    """A sealed bundle is meant to be committed where the root is tracked."""
    assert (filled.folder / ".gitignore").exists()
    sealed = closing.close(filled, junit=junit)
    assert sealed.folder.name == filled.folder.name.removeprefix(".").removesuffix(".partial")
    assert not (sealed.folder / ".gitignore").exists()
    assert not filled.folder.exists()


def test_argv_is_hashed_and_quoted() -> None:
    """NUL-joined for the notes, quoted for bash."""
    assert argv_sha256(["a b", "c"]) != argv_sha256(["a", "b c"])
    assert argv_sha256(["\udcff"])
    assert command_line(["echo", "a b", "$HOME"]) == "echo 'a b' '$HOME'"


def test_systems_are_told_with_proof() -> None:
    """What is claimed and what is proved stand side by side."""
    system = System(name="marquez", claimed=Provenance.STAGING)
    assert systems_entry([system]) == [
        {
            "name": "marquez",
            "provenance": "simulated",
            "claimed": "staging",
            "identity": {},
            "detail": "",
            "demanded": "staging",
            "pins": {},
        }
    ]


def test_a_run_id_can_be_handed_in(bundle: Bundle) -> None:
    """The same one that the systems are told."""
    assert isinstance(bundle.run_id, uuid.UUID)
    assert last(bundle)["run_id"] == str(bundle.run_id)
