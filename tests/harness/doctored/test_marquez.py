"""Doctored payloads of a lineage smoke, and exactly the guardrails that do not hold over each.

Covers: every folder of ``tests/doctored/marquez``, laid over ``good_holds``, read back as evidence
is and judged by the registry; what each must break stands in
``fixtures/guardrails/seeded_marquez.json`` and nowhere else.
Not here: guardrails one condition at a time (``harness/guardrails``), whole runs against a
simulator's faults (``harness/procedures/test_faults.py``).
"""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from fixtures.core.verdict import Ruling, Verdict
from fixtures.evidence import canonical, contract
from fixtures.guardrails import marquez, seeded
from fixtures.procedures import marquez_saved

FOLDERS = Path(__file__).parents[2] / "doctored" / "marquez"
GOOD = FOLDERS / "good_holds"
README = "README.md"
ROWS = seeded.expected("marquez", "payloads")
ALL = sorted(path.name for path in FOLDERS.iterdir() if path.is_dir())
SCHEMAS = {
    "health.json": "marquez-health",
    "refine.json": "marquez-refine",
    "linkage.json": "marquez-linkage",
    "runs.json": "marquez-runs",
    "datasets.json": "marquez-datasets",
    "graph.json": "marquez-graph",
    "picture.json": "marquez-picture",
}
PAYLOADS = {*SCHEMAS, "events.ndjson", "marquez.log"}
LEAST_FOLDERS = 2
"""Each guardrail broken once could be broken by luck."""
OF_ONE_MACHINE = re.compile(r"/(home|root|tmp|Users)/")


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """What a folder's README says of it."""

    why: str
    absent: frozenset[str]
    """Payloads of ``good_holds`` that are taken away."""


def told_by(name: str) -> Told:
    """The README: why; a blank line and ``absent: …`` when payloads are."""
    why, *rest = (FOLDERS / name / README).read_text(encoding="utf-8").splitlines()
    if not rest:
        return Told(why, frozenset())
    blank, absent = rest
    assert (blank, absent.partition(": ")[0]) == ("", "absent")
    return Told(why, frozenset(absent.partition(": ")[2].split(", ")))


def breaks(name: str) -> Mapping[str, Ruling]:
    """The folder's row: guardrails that do not hold, and their rulings."""
    return ROWS[name].not_held


def judged(name: str, evidence: Path) -> tuple[Verdict, ...]:
    """Lay a folder over the good one, read it back and judge all of it."""
    shutil.copytree(GOOD, evidence)
    shutil.copytree(FOLDERS / name, evidence, dirs_exist_ok=True)
    for absent in told_by(name).absent:
        (evidence / absent).unlink()
    seen = marquez_saved.seen_in(evidence)
    return marquez.REGISTRY.judge_all(seen, steps_run=frozenset({"3"}))


@pytest.mark.parametrize("name", ALL)
def test_exactly_these_do_not_hold(name: str, tmp_path: Path) -> None:
    """The guardrails its row names do not hold, with these rulings, and all others do."""
    verdicts = judged(name, tmp_path / "evidence")
    stories = "\n".join(each.story for each in verdicts if not each)
    assert {each.guardrail: each.ruling for each in verdicts if not each} == breaks(name), stories


@pytest.mark.parametrize(
    ("name", "guardrail", "told"),
    [
        pytest.param(
            "swapped_inputs_and_outputs_breaks",
            "marquez.inputs-and-outputs",
            "observed: inputs used and not shown: hotpass.local:/srv/hotpass/data/clubs.xlsx, "
            "hotpass.local:/srv/hotpass/data/schools.xlsx; inputs shown and not used: "
            "hotpass.local:/srv/hotpass/dist/refined-data-20260115T090004Z-5f5f5f5f5f5f.zip, "
            "hotpass.local:/srv/hotpass/dist/refined.xlsx; outputs used and not shown: ",
            id="each-difference-with-its-own-files",
        ),
        pytest.param(
            "thirteen_surplus_inputs_breaks",
            "marquez.inputs-and-outputs",
            "more-05.xlsx and 7 more\n",
            id="six-are-named-and-the-rest-counted",
        ),
        pytest.param(
            "events_of_two_other_jobs_breaks",
            "marquez.events-stored",
            "START, COMPLETE; of default:hotpass.pipeline.generic\n",
            id="the-first-stranger-is-named",
        ),
        pytest.param(
            "no_archive_holds",
            "marquez.screenshot-shows-job",
            "and the 3 files it read and wrote",
            id="files-are-counted-without-the-job",
        ),
    ],
)
def test_story(name: str, guardrail: str, told: str, tmp_path: Path) -> None:
    """Expected and observed say what a reader needs, no more and no less."""
    verdicts = {each.guardrail: each for each in judged(name, tmp_path / "evidence")}
    assert told in verdicts[guardrail].story


@pytest.mark.parametrize("name", ALL)
def test_name_says_what_it_does(name: str) -> None:
    """A folder is named for its flaw and ends in what it does."""
    assert re.fullmatch(r"[a-z_]+_(breaks|holds)", name)
    assert name.endswith("_breaks") == bool(breaks(name))


def test_every_folder_has_its_row() -> None:
    """A folder without a row, or a row without a folder, proves nothing."""
    assert ROWS.keys() == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_readme_is_one_sentence(name: str) -> None:
    """One line says why."""
    assert told_by(name).why.endswith(".")


@pytest.mark.parametrize("name", [each for each in ALL if each != GOOD.name])
def test_only_what_differs_is_there(name: str) -> None:
    """A folder holds the payloads that differ from the good ones, and no others."""
    held = {path.name for path in (FOLDERS / name).iterdir()} - {README}
    assert held | told_by(name).absent
    assert held | told_by(name).absent <= PAYLOADS
    alike = [
        each for each in held if (FOLDERS / name / each).read_bytes() == (GOOD / each).read_bytes()
    ]
    assert not alike


@pytest.mark.parametrize("payload", sorted(PAYLOADS))
def test_good_is_whole(payload: str) -> None:
    """The good folder holds every payload, and each fits its schema."""
    data = (GOOD / payload).read_bytes()
    assert data
    if payload in SCHEMAS:
        assert contract.trouble_with(canonical.read(data), SCHEMAS[payload]) is None


@pytest.mark.parametrize("guardrail", [each.id for each in marquez.REGISTRY])
def test_every_guardrail_breaks_in_two_folders(guardrail: str) -> None:
    """A guardrail no folder breaks is decoration; not established is not yet broken."""
    broken_in = [name for name in ALL if breaks(name).get(guardrail) is Ruling.BROKE]
    assert len(broken_in) >= LEAST_FOLDERS, broken_in


@pytest.mark.parametrize("guardrail", [each.id for each in marquez.REGISTRY])
def test_every_guardrail_breaks_alone(guardrail: str) -> None:
    """Some folder breaks it and nothing else: no other guardrail could stand in for it."""
    assert any(list(breaks(name)) == [guardrail] for name in ALL)


def test_more_break_than_hold() -> None:
    """Guardrails are proved by what they catch."""
    ends = Counter(name.rpartition("_")[2] for name in ALL)
    assert ends["breaks"] > ends["holds"] > 1


def test_nothing_of_one_machine() -> None:
    """Payloads are made up: no path of somebody's machine."""
    found = [
        f"{path.parent.name}/{path.name}: {met.group()}"
        for path in FOLDERS.rglob("*")
        if path.is_file() and (met := OF_ONE_MACHINE.search(path.read_text(encoding="utf-8")))
    ]
    assert not found
