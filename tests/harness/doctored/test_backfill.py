"""Doctored payloads of a backfill, and exactly the guardrails that do not hold over each.

Covers: every folder of ``tests/doctored/backfill``, laid over ``good_holds``, read back as
evidence is and judged by the registry; what each must break stands in
``fixtures/guardrails/seeded_backfill.json`` and nowhere else.
Not here: guardrails one condition at a time (``harness/guardrails``), faults of a real server
(``harness/procedures/backfill``).
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from fixtures.core.verdict import Ruling, Verdict
from fixtures.evidence import canonical, contract, layout
from fixtures.guardrails import backfill, seeded
from fixtures.procedures import backfill_saved

FOLDERS = Path(__file__).parents[2] / "doctored" / "backfill"
GOOD = FOLDERS / "good_holds"
README = "README.md"
ROWS = seeded.expected("backfill", "payloads")
ALL = sorted(path.name for path in FOLDERS.iterdir() if path.is_dir())
LEAST_FOLDERS = 2
"""Each guardrail broken once could be broken by luck."""
OF_ONE_MACHINE = re.compile(r"/(home|root|tmp|Users)/")


def absent_in(name: str) -> list[str]:
    """Payloads of ``good_holds`` that a folder's README takes away."""
    why, *rest = (FOLDERS / name / README).read_text(encoding="utf-8").splitlines()
    assert why.endswith(".")
    if not rest:
        return []
    blank, absent = rest
    assert (blank, absent.partition(": ")[0]) == ("", "absent")
    return absent.partition(": ")[2].split(", ")


def judged(name: str, evidence: Path) -> tuple[Verdict, ...]:
    """Lay a folder over the good one, read it back and judge all of it."""
    shutil.copytree(GOOD, evidence)
    shutil.copytree(FOLDERS / name, evidence, dirs_exist_ok=True)
    for absent in absent_in(name):
        (evidence / absent).unlink()
    return backfill.REGISTRY.judge_all(backfill_saved.seen_in(evidence), steps_run=frozenset())


@pytest.mark.parametrize("name", ALL)
def test_exactly_these_do_not_hold(name: str, tmp_path: Path) -> None:
    """The guardrails its row names do not hold, with these rulings, and all others do."""
    verdicts = judged(name, tmp_path / "evidence")
    stories = "\n".join(each.story for each in verdicts if not each)
    found = {each.guardrail: each.ruling for each in verdicts if not each}
    assert found == ROWS[name].not_held, stories


def test_every_folder_has_its_row() -> None:
    """A folder without a row, or a row without a folder, says nothing."""
    assert ROWS.keys() == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_name_says_what_it_does(name: str) -> None:
    """A folder that ends in ``_holds`` breaks nothing, any other does."""
    assert bool(ROWS[name].not_held) is name.endswith("_breaks")


@pytest.mark.parametrize(
    "path",
    sorted(FOLDERS.rglob("*.json")),
    ids=lambda each: each.relative_to(FOLDERS).as_posix(),
)
def test_payloads_fit_their_schemas(path: Path) -> None:
    """A flaw is in what a payload says, never in its form: guardrails catch it, not schemas."""
    relative = path.relative_to(FOLDERS).as_posix().partition("/")[2]
    entry = layout.entry_for("backfill", relative)
    if entry is not None and entry.schema is not None:
        assert contract.trouble_with(canonical.read(path.read_bytes()), entry.schema) is None


@pytest.mark.parametrize("guardrail", [each.id for each in backfill.REGISTRY])
def test_every_guardrail_breaks_in_two_folders(guardrail: str) -> None:
    """A guardrail no folder breaks is decoration; not established is not yet broken."""
    broken_in = [name for name in ALL if ROWS[name].not_held.get(guardrail) is Ruling.BROKE]
    assert len(broken_in) >= LEAST_FOLDERS, broken_in


@pytest.mark.parametrize("guardrail", [each.id for each in backfill.REGISTRY])
def test_every_guardrail_breaks_alone(guardrail: str) -> None:
    """Some folder breaks it and nothing else: no other guardrail could stand in for it."""
    assert any(list(ROWS[name].not_held) == [guardrail] for name in ALL)


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
