"""Doctored payloads of a full E2E preflight, and exactly the guardrails that do not hold.

Covers: every folder of ``tests/doctored/e2e``: edits over ``good_holds``, read back as evidence is
and judged by the registry; what each must break stands in ``fixtures/guardrails/seeded_e2e.json``.
Not here: whole rehearsals (``harness/procedures/e2e/test_e2e_faults.py``).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from fixtures.core.verdict import Ruling, Verdict
from fixtures.evidence import canonical, contract
from fixtures.guardrails import seeded
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures.e2e import saved
from fixtures.simulators.cluster import patches

FOLDERS = Path(__file__).parents[2] / "doctored" / "e2e"
GOOD = FOLDERS / "good_holds"
PAYLOADS = ("stages", "qa", "archive", "provenance", "lineage", "privacy", "durations")
ALL = sorted(path.name for path in FOLDERS.iterdir() if path.is_dir())
ROWS = seeded.expected("e2e", "payloads")
REGISTRY = REGISTRIES["e2e"]
EVERY_STEP = frozenset({each.step for each in REGISTRY})
OF_ONE_MACHINE = re.compile(r"/(home|root|tmp|Users)/")


def edits_of(name: str) -> dict[str, list[dict[str, object]]]:
    """Payload to JSON patch; nothing for the good one."""
    path = FOLDERS / name / "edits.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def judged(name: str, evidence: Path) -> tuple[Verdict, ...]:
    """Lay a folder's edits over the good payloads, read them back and judge all of it."""
    evidence.mkdir()
    edits = edits_of(name)
    for payload in PAYLOADS:
        file = f"{payload}.json"
        body = canonical.read((GOOD / file).read_bytes())
        (evidence / file).write_bytes(canonical.payload(patches.apply(body, edits.get(file, []))))
    return REGISTRY.judge_all(saved.seen_in(evidence), steps_run=EVERY_STEP)


@pytest.mark.parametrize("name", ALL)
def test_exactly_these_do_not_hold(name: str, tmp_path: Path) -> None:
    """The guardrails its row names do not hold, with these rulings; its edits leave it valid."""
    verdicts = judged(name, tmp_path / "evidence")
    stories = "\n".join(each.story for each in verdicts if not each)
    found = {each.guardrail: each.ruling for each in verdicts if not each}
    assert found == ROWS[name].not_held, stories
    for payload in PAYLOADS:
        body = canonical.read((tmp_path / "evidence" / f"{payload}.json").read_bytes())
        assert contract.trouble_with(body, f"e2e-{payload}") is None


@pytest.mark.parametrize("name", ALL)
def test_name_says_what_it_does(name: str) -> None:
    """A folder is named for its flaw, ends in what it does, and says why in one sentence."""
    assert re.fullmatch(r"[a-z0-9_]+_(breaks|holds)", name)
    assert name.endswith("_breaks") == bool(ROWS[name].not_held)
    (why,) = (FOLDERS / name / "README.md").read_text(encoding="utf-8").splitlines()
    assert why.endswith(".")
    assert bool(edits_of(name)) == (name != GOOD.name)


def test_every_folder_has_its_row() -> None:
    """A folder without a row, or a row without a folder, proves nothing."""
    assert ROWS.keys() == set(ALL)


@pytest.mark.parametrize("guardrail", [each.id for each in REGISTRY])
def test_every_guardrail_breaks_in_two_folders(guardrail: str) -> None:
    """Broken once could be broken by luck; not established is not yet broken."""
    broken = [name for name in ALL if ROWS[name].not_held.get(guardrail) is Ruling.BROKE]
    assert len(broken) > 1


@pytest.mark.parametrize("guardrail", [each.id for each in REGISTRY])
def test_every_guardrail_breaks_alone(guardrail: str) -> None:
    """Some folder breaks it and nothing else: no other guardrail could stand in for it."""
    assert any(dict(ROWS[name].not_held) == {guardrail: Ruling.BROKE} for name in ALL)


def test_more_break_than_hold() -> None:
    """Guardrails are proved by what they catch."""
    ends = Counter(name.rpartition("_")[2] for name in ALL)
    assert ends["breaks"] > ends["holds"] > 1


def test_empty_evidence_never_holds(tmp_path: Path) -> None:
    """Without payloads nothing is established."""
    verdicts = REGISTRY.judge_all(saved.seen_in(tmp_path), steps_run=EVERY_STEP)
    assert {each.ruling for each in verdicts} == {Ruling.NOT_ESTABLISHED}


def test_nothing_of_one_machine() -> None:
    """Payloads are made up: no path of somebody's machine."""
    found = [
        f"{path.parent.name}/{path.name}: {met.group()}"
        for path in FOLDERS.rglob("*.json")
        if (met := OF_ONE_MACHINE.search(path.read_text(encoding="utf-8")))
    ]
    assert not found
